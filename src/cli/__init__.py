"""Commands that the Makefile and docs call and no stage runs; those that people type often lie in `src` itself."""

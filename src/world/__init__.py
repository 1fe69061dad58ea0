"""An invented world of findings, rendered in Turkish with its real morphology (docs/world.md)."""

"""Variants of the recipe, each trained and measured by itself, and compared with one reference."""

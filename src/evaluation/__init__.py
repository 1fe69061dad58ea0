"""Retrieval and similarity measured so that others can recompute each number from files in git."""

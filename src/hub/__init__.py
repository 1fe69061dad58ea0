"""The command `python -m src.hub`: revisions pinned, and what a profile needs fetched for a machine offline."""

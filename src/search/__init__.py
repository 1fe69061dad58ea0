"""Search in one's own texts: the index (`index`) and the command `python -m src.search` (`__main__`)."""

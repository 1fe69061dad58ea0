"""One thin module a DVC stage; `python -m src.stages NAME` (`__main__`) runs it."""

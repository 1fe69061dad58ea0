"""A stage in this process, in the folder that the test is in, as `python -m src.stages` runs it."""

from src.stages.__main__ import main


def run_stage(name: str, *argument: str) -> None:
    """Raises what the stage raises: the runner's one-line form is tests/unit/test_commands.py's."""
    main([name, *argument])

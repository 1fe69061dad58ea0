"""`python -m src.hub pin`: write the Hub's present commits into params/ wherever a revision is empty."""

from __future__ import annotations

from pathlib import Path

from src.errors import UserError, run_stage


def main(arguments: list[str]) -> None:
    """Pin, with a line for each repository."""
    from src.hub.pin import pin

    if arguments != ["pin"]:
        raise UserError("usage: python -m src.hub pin")
    count = 0
    for line in pin(Path()):
        print(line, flush=True)
        count += 1
    if not count:
        print("every revision in params/ is pinned")


if __name__ == "__main__":
    run_stage(main)

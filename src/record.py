"""`python -m src.record NAME`: file the current run under reports/records/NAME/, each claim with its evidence."""

from __future__ import annotations

import re
from pathlib import Path

from src.errors import UserError, run_command
from src.files import fresh_dir
from src.params import load_params
from src.reporting.record import write_record

RECORDS = Path("reports/records")
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


def main(arguments: list[str]) -> None:
    """Write reports/records/NAME/, whole or not at all.

    Raises:
        UserError: no valid name, or a file of the run is missing.
    """
    if not NAME.fullmatch(arguments[0]):
        raise UserError(f"{arguments[0]!r}: expected a name of small letters, digits, - _ . such as mini")
    load_params()
    with fresh_dir(RECORDS / arguments[0]) as folder:
        write_record(Path(), folder)
    print(f"{RECORDS / arguments[0]}: filed; `python -m src.reporting.readme` puts it into README.md")


if __name__ == "__main__":
    run_command(main, "NAME", "mini")

"""`python -m src.check`: the verdicts of reports/checks.json, and exit status 1 where a check failed (`make check`)."""

from __future__ import annotations

import sys
from pathlib import Path

from src.checked import validated
from src.errors import UserError, run_command
from src.files import read_json
from src.reporting.checks import Check, counted

CHECKS = Path("reports/checks.json")


def main(_: list[str]) -> None:
    """Print a line for each check.

    Raises:
        UserError: there is no such file; the report has not been made.
    """
    if not CHECKS.is_file():
        raise UserError(f"{CHECKS}: no such file; run `dvc repro report` first")
    checks = validated(list[Check], read_json(CHECKS), CHECKS)
    print("\n".join(check.line() for check in checks))
    print(f"{len(checks)} checks: {counted(checks)}")
    if any(check.verdict == "failed" for check in checks):
        sys.exit(1)


if __name__ == "__main__":
    run_command(main)

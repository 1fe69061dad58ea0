"""`python -m src.record NAME`: file the current run under reports/records/NAME/, each claim with its evidence.

`python -m src.record variants NAME` files trained variants alone, such as a search on dev, with the values of every
query and pair (src/record/variants.py).

`python -m src.record check [RECORD …]` recomputes every number of those records, or of all, from their files, a line
a table, and fails on a difference. `python -m src.record render RECORD` writes a record's report, numbers and
figures again, from the same evidence, after the form of reports has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

from src.errors import UserError, run_command
from src.files import fresh_dir, write_json
from src.git import git
from src.params import load_params
from src.profile import PARAMS
from src.record import run, variants
from src.record.check import Line, commit_line
from src.record.facts import environment

RECORDS = Path("reports/records")
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
MADE_BY = ("src", "requirements.txt", "dvc.yaml", "ablations/dvc.yaml")


def main(arguments: list[str]) -> None:
    """File, check or render.

    Raises:
        UserError: no valid name, a file of the run is missing, or a number of a record is not what its files give.
    """
    match arguments:
        case ["check", *names]:
            check_all({name: existing(name) for name in names or known()})
        case ["render", name]:
            kind(existing(name)).render(existing(name))
            print(f"{RECORDS / name}: rendered")
        case ["variants", name]:
            file_current(name, variants)
        case [name]:
            file_current(name, run)
            print("`python -m src.reporting.readme` puts it into README.md")
        case _:
            raise UserError("expected NAME, variants NAME, check [RECORD …] or render RECORD")


def file_current(name: str, of: ModuleType) -> None:
    """Write reports/records/NAME/, whole or not at all.

    Raises:
        UserError: no valid name, uncommitted code, a missing file, or a result that the run's own files do not give, as
            where a stage has not been run again.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"{name!r}: expected a name of small letters, digits, - _ . such as mini")
    changed = git("status", "--porcelain", "--", *MADE_BY).splitlines()
    if changed:
        raise UserError(f"{changed[0][3:]}: differs from the last commit, which the record would name; commit it first")
    load_params()
    with fresh_dir(RECORDS / name) as folder:
        of.file(Path(), folder)
        write_json(folder / "environment.json", environment())
        check_all({name: folder})
    print(f"{RECORDS / name}: filed")


def known() -> list[str]:
    """The names of all records."""
    return sorted(path.parent.name for path in RECORDS.glob(f"*/{PARAMS}"))


def existing(name: str) -> Path:
    """The folder of a record."""
    if name not in known():
        raise UserError(f"{RECORDS / name}: no such record; there are: {', '.join(known()) or 'none'}")
    return RECORDS / name


def kind(folder: Path) -> ModuleType:
    """What the record in a folder is of: the module that files, renders and checks its like."""
    return variants if (folder / variants.VARIANTS).is_file() else run


def recomputed(folder: Path) -> Iterator[Line]:
    """A line for the commit, and one for each table of a record."""
    yield commit_line(folder)
    yield from kind(folder).check(folder)


def check_all(records: Mapping[str, Path]) -> None:
    """Print a line for each table of each record. Raises UserError after the last one where a number differs."""
    wrong = 0
    for name, folder in records.items():
        for line in recomputed(folder):
            wrong += bool(line.fault)
            print(f"{name}: {line}", flush=True)
    if wrong:
        raise UserError(f"{wrong} of these lines differ from what the record's files give")


if __name__ == "__main__":
    run_command(main, "NAME …", "mini")

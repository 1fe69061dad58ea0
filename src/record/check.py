"""What a record says against what its evidence gives: a line for each file of numbers and each table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from src.checked import read_result
from src.errors import UserError
from src.git import git
from src.numbers import differences, numbers
from src.record.facts import Environment

TOLERANCE = 2e-6  # numbers are rounded to six places
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?[†‡*\\]*")  # with the marks of its tests


@dataclass(frozen=True)
class Line:
    """What was compared, how many numbers it holds, and the first difference, if any."""

    what: str
    count: int
    fault: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.count} numbers, {self.fault or 'all recomputed'}"


def commit_line(folder: Path) -> Line:
    """Whether git knows the commit that a record was made on; a shallow clone, or a copy without git, cannot say."""
    commit = read_result(Environment, folder / "environment.json")["commit"]
    try:
        whole = git("rev-parse", "--is-shallow-repository").strip() == "false"
    except UserError:
        whole = False
    if not whole:
        return Line("commit, not looked up outside git or in a shallow clone", 0)
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}")
    except UserError:
        return Line(f"commit {commit}", 0, "unknown to git")
    return Line(f"commit {commit}", 0)


def json_line(what: str, filed: object, recomputed: object) -> Line:
    """A file of numbers against its recomputation."""
    wrong = differences(filed, recomputed, TOLERANCE)
    return Line(what, len(numbers(filed)), f"{len(wrong)} differ, first {wrong[0]}" if wrong else "")


def numbers_line(what: str, filed: str, recomputed: str) -> Line:
    """A part of the report against its recomputation; words may differ, numbers and their marks may not."""
    old, new = _NUMBER.findall(filed), _NUMBER.findall(recomputed)
    if len(old) != len(new):
        return Line(what, len(old), f"{len(new)} recomputed: render it again")
    wrong = [f"{a} in the record, {b} recomputed" for a, b in zip(old, new, strict=True) if a != b]
    return Line(what, len(old), f"{len(wrong)} differ, first {wrong[0]}" if wrong else "")

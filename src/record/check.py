"""Every number of a record, recomputed from its evidence and compared with what the record says."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from src.checked import read_result
from src.errors import UserError
from src.files import read_json, read_text
from src.git import git
from src.numbers import differences, numbers
from src.record import evidence
from src.record.facts import Environment
from src.reporting import document, markdown
from src.reporting.inputs import Inputs

TOLERANCE = 2e-6  # numbers are rounded to six places
_TABLE = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)
_BRIEF = re.compile(r"(?s)^## In brief\n(.*?)^## ", re.MULTILINE)
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?[†‡*\\]*")  # with the marks of its tests


@dataclass(frozen=True)
class Line:
    """What was compared, how many numbers it holds, and the first difference, if any."""

    what: str
    count: int
    fault: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.count} numbers, {self.fault or 'all recomputed'}"


def check(folder: Path) -> Iterator[Line]:
    """A line for each summary, each file of numbers and each table of a record.

    What is measured is computed from runs and values; what is a fact of the run (sizes of data, settings, search times,
    values that others published) is read from its file in the evidence.

    Raises:
        UserError: its params do not validate, or evidence is missing.
    """
    kept = folder / evidence.FOLDER
    if not kept.is_dir():
        raise UserError(f"{kept}: no such folder; a record without evidence cannot be checked")
    params = evidence.params_of(folder)
    yield commit_line(folder)
    with tempfile.TemporaryDirectory() as scratch:
        rebuilt = Path(scratch) / "run"
        inputs = evidence.rebuild(kept, params, rebuilt)
        for name in evidence.recomputed(kept, params):
            yield json_line(name, read_json(kept / name), read_json(rebuilt / name))
        for file, value in document.numbers(inputs).items():
            yield json_line(file, read_json(folder / file), value)
        yield from report_lines(read_text(folder / "REPORT.md"), inputs)


def commit_line(folder: Path) -> Line:
    """Whether git knows the commit that a record was made on; a shallow clone, or a copy without git, cannot say."""
    commit = read_result(Environment, folder / "environment.json")["commit"]
    try:
        if git("rev-parse", "--is-shallow-repository").strip() == "true":
            return Line("commit, not looked up in a shallow clone", 0)
    except UserError:
        return Line("commit, not looked up outside git", 0)
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}")
    except UserError:
        return Line(f"commit {commit}", 0, "unknown to git")
    return Line(f"commit {commit}", 0)


def json_line(what: str, filed: object, recomputed: object) -> Line:
    """A file of numbers against its recomputation."""
    wrong = differences(filed, recomputed, TOLERANCE)
    return Line(what, len(numbers(filed)), f"{len(wrong)} differ, first {wrong[0]}" if wrong else "")


def report_lines(page: str, inputs: Inputs) -> Iterator[Line]:
    """The report's tables and its head, in their order."""
    rebuilt = document.report(inputs).without_texts()
    again = markdown.page(rebuilt)
    tables, filed = list(rebuilt.tables()), _TABLE.findall(page)
    if len(filed) != len(tables):
        yield Line("REPORT.md", 0, f"{len(filed)} tables; its evidence gives {len(tables)}: render it again")
        return
    yield numbers_line("in brief", *("".join(_BRIEF.findall(text)) for text in (page, again)))
    for table, text, recomputed in zip(tables, filed, _TABLE.findall(again), strict=True):
        yield numbers_line(f"table {table.name}", text, recomputed)


def numbers_line(what: str, filed: str, recomputed: str) -> Line:
    """A part of the report against its recomputation; words may differ, numbers and their marks may not."""
    old, new = _NUMBER.findall(filed), _NUMBER.findall(recomputed)
    if len(old) != len(new):
        return Line(what, len(old), f"{len(new)} recomputed: render it again")
    wrong = [f"{a} in the record, {b} recomputed" for a, b in zip(old, new, strict=True) if a != b]
    return Line(what, len(old), f"{len(wrong)} differ, first {wrong[0]}" if wrong else "")

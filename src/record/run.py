"""A record of a run: what it was made with, what came out, what it cost, and the evidence for it.

    params.yaml, dvc.lock           everything that decides the result, with checksums of what went in and came out
    evidence/                       what every number is recomputed from (src/record/evidence.py)
    metrics.json, summary.json,     the results, as `rebuild` gives them from the evidence
    checks.json, REPORT.md, figures/
    data/                           data cards
    environment.json                packages, processor, cores, memory; the commit; no host name
    cost.json                       seconds, speed, share of the peak, padding and peak memory of each training
    logs/                           the end of each training's log

No text of a data set is among them: their licences differ.
"""

from __future__ import annotations

import re
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from src.errors import UserError
from src.files import read_json, read_jsonl, read_text, write_json, write_text
from src.profile import PARAMS
from src.recipe.stages import STAGES
from src.record import evidence
from src.record.check import Line, json_line, numbers_line
from src.reporting import document
from src.reporting.inputs import Inputs
from src.strict_json import JsonObject

COPIED = (PARAMS, "dvc.lock")
CARDS = "reports/data"
TAIL = 20  # lines of a log
DIGITS = {"pairs_per_second": 1, "tokens_per_second": None, "share_of_peak": 4, "padding_waste": 4, "encoded_once": 4}
_TABLE = re.compile(r"(?:^\|.*\|\n)+", re.MULTILINE)
_BRIEF = re.compile(r"(?s)^## In brief\n(.*?)^## ", re.MULTILINE)


def file(root: Path, folder: Path) -> None:
    """Write the record of the run whose files lie under `root`.

    Raises:
        UserError: a file is missing, so the run has not been made.
    """
    for name in COPIED:
        evidence.copy(root / name, folder / name)
    evidence.collect(root, evidence.params_of(folder), folder / evidence.FOLDER)
    render(folder)
    evidence.copy(root / CARDS, folder / "data")
    logs = {name: root / "logs" / f"train_{name}.jsonl" for name in STAGES}
    kept = {name: path for name, path in logs.items() if path.is_file()}
    write_json(folder / "cost.json", {name: cost(list(read_jsonl(path))) for name, path in kept.items()})
    for path in kept.values():
        last = read_text(path).splitlines(keepends=True)[-TAIL:]
        write_text(folder / "logs" / path.name, "".join(last))


def render(folder: Path) -> None:
    """Write the record's report, numbers and figures from its evidence."""
    with tempfile.TemporaryDirectory() as scratch:
        inputs = evidence.rebuild(folder / evidence.FOLDER, evidence.params_of(folder), Path(scratch) / "run")
        document.write(inputs, document.report(inputs).without_texts(), folder)


def cost(log: list[JsonObject]) -> dict[str, float]:
    """Of the last training in a log, which grows with each; empty where no step is in it.

    Seconds in optimizer steps and the most memory held; medians of the steps' speed, share of the device's measured
    matrix peak, padding computed per token, and share of tokens that were encoded once instead of twice.
    """
    every = [line for line in log if "seconds" in line]
    if not every:
        return {}
    steps = every[max((number for number, line in enumerate(every) if line["step"] == 1), default=0) :]
    medians = {key: round(statistics.median(line[key] for line in steps), kept) for key, kept in DIGITS.items()}
    return {
        "steps": steps[-1]["step"],
        "seconds": round(sum(line["seconds"] for line in steps), 1),
        **medians,
        "peak_memory_mb": max(line["peak_memory_mb"] for line in steps),
    }


def check(folder: Path) -> Iterator[Line]:
    """A line for each summary, each file of numbers and each table of a record of a run.

    What is measured is computed from runs and values; what is a fact of the run (sizes of data, settings, search times,
    values that others published) is read from its file in the evidence.

    Raises:
        UserError: its params do not validate, or evidence is missing.
    """
    kept = folder / evidence.FOLDER
    if not kept.is_dir():
        raise UserError(f"{kept}: no such folder; a record without evidence cannot be checked")
    params = evidence.params_of(folder)
    with tempfile.TemporaryDirectory() as scratch:
        rebuilt = Path(scratch) / "run"
        inputs = evidence.rebuild(kept, params, rebuilt)
        for name in evidence.recomputed(kept, params):
            yield json_line(name, read_json(kept / name), read_json(rebuilt / name))
        for file, value in document.numbers(inputs).items():
            yield json_line(file, read_json(folder / file), value)
        yield from report_lines(read_text(folder / "REPORT.md"), inputs)


def report_lines(page: str, inputs: Inputs) -> Iterator[Line]:
    """The report's tables and its head, in their order."""
    rebuilt = document.report(inputs).without_texts()
    again = rebuilt.markdown()
    tables, filed = list(rebuilt.tables()), _TABLE.findall(page)
    if len(filed) != len(tables):
        yield Line("REPORT.md", 0, f"{len(filed)} tables; its evidence gives {len(tables)}: render it again")
        return
    yield numbers_line("in brief", *("".join(_BRIEF.findall(text)) for text in (page, again)))
    for table, text, recomputed in zip(tables, filed, _TABLE.findall(again), strict=True):
        yield numbers_line(f"table {table.name}", text, recomputed)

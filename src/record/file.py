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

import tempfile
from pathlib import Path

from src.files import read_jsonl, read_text, write_json, write_text
from src.profile import PARAMS
from src.recipe.stages import STAGES
from src.record import evidence
from src.record.facts import cost, environment, tail
from src.reporting import document

COPIED = (PARAMS, "dvc.lock")
CARDS = "reports/data"


def file_run(root: Path, folder: Path) -> None:
    """Write the record of the run whose files lie under `root`.

    Raises:
        UserError: a file is missing, so the run has not been made.
    """
    for name in COPIED:
        evidence.copy(root / name, folder / name)
    evidence.collect(root, evidence.params_of(folder), folder / evidence.FOLDER)
    render(folder)
    evidence.copy(root / CARDS, folder / "data")
    write_json(folder / "environment.json", environment())
    logs = {name: root / "logs" / f"train_{name}.jsonl" for name in STAGES}
    kept = {name: path for name, path in logs.items() if path.is_file()}
    write_json(folder / "cost.json", {name: cost(list(read_jsonl(path))) for name, path in kept.items()})
    for path in kept.values():
        write_text(folder / "logs" / path.name, tail(read_text(path)))


def render(folder: Path) -> None:
    """Write the record's report, numbers and figures from its evidence."""
    with tempfile.TemporaryDirectory() as scratch:
        inputs = evidence.rebuild(folder / evidence.FOLDER, evidence.params_of(folder), Path(scratch) / "run")
        document.write(inputs, document.report(inputs).without_texts(), folder)

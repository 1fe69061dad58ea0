"""A record of a run: what it was made with, what came out, what it cost.

    params.yaml, dvc.lock           everything that decides the result, with checksums of what went in and came out
    metrics.json, summary.json,     the results
    checks.json, REPORT.md, figures/, data/
    environment.json                packages, processor, cores, memory; the commit; no host name
    cost.json                       seconds, speed, share of the peak, padding and peak memory of each training
    logs/                           the end of each training's log

Texts of data sets that are not this project's own are left out of REPORT.md: their licences differ.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.errors import UserError
from src.files import read_json, read_jsonl, read_text, write_json, write_text
from src.recipe.stages import STAGES
from src.reporting.markdown import TEXTS_BEGIN, TEXTS_END

FILES = (
    "params.yaml",
    "dvc.lock",
    "reports/metrics.json",
    "reports/summary.json",
    "reports/checks.json",
)
REPORT = "reports/REPORT.md"
TAIL = 20  # lines of a log
_LEFT_OUT = "*(Texts of the data set are left out of records.)*"


def write_record(root: Path, folder: Path) -> None:
    """Copy and describe the run whose files lie under `root`.

    Raises:
        UserError: a file is missing; the run has not been made, or not with DVC.
    """
    for name in (*FILES, REPORT):
        if not (root / name).is_file():
            raise UserError(f"{name}: no such file; run `dvc repro` before a record is made of it")
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(root / name, folder / Path(name).name)
    metrics = read_json(root / "reports" / "metrics.json")
    text = read_text(root / REPORT)
    write_text(folder / "REPORT.md", text if all_synthetic(metrics) else without_texts(text))
    copy_linked(text, root / "reports", folder)
    write_json(folder / "environment.json", environment(root))
    logs = {name: root / "logs" / f"train_{name}.jsonl" for name in STAGES}
    found = {name: path for name, path in logs.items() if path.is_file()}
    write_json(folder / "cost.json", {name: cost(list(read_jsonl(path))) for name, path in found.items()})
    for name, path in found.items():
        write_text(folder / "logs" / f"train_{name}.jsonl", tail(read_text(path)))


def all_synthetic(metrics: Mapping[str, Any]) -> bool:
    """Whether every retrieval set of a run is invented text."""
    rules = [found for found in metrics["protocol"].values() if "documents" in found]
    return bool(rules) and all(found.get("synthetic") for found in rules)


def without_texts(report: str) -> str:
    """The report without what quotes data sets."""
    return re.sub(rf"(?s){TEXTS_BEGIN}.*?{TEXTS_END}", _LEFT_OUT, report)


def copy_linked(report: str, source: Path, folder: Path) -> None:
    """Copy the figures and data cards that the report links to."""
    for name in dict.fromkeys(re.findall(r"\]\(((?:figures|data)/[^)#]+)\)", report)):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target)


def environment(root: Path) -> dict[str, Any]:
    """Machine, packages and commit."""
    from src.machine import machine, versions

    return {"machine": machine(), "packages": versions(), "commit": commit(root)}


def commit(root: Path) -> str | None:
    """The commit that the run was made on; None outside git."""
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None if done.returncode == 0 else None


def cost(log: list[dict[str, Any]]) -> dict[str, float]:
    """What the last training in a log cost; a log grows with each.

    Seconds in optimizer steps and the most memory held; medians of the steps' speed, share of the device's measured
    matrix peak, padding computed per token, and share of tokens that were encoded once instead of twice.
    """
    every = [line for line in log if "seconds" in line]
    if not every:
        return {}
    steps = every[max((place for place, line in enumerate(every) if line["step"] == 1), default=0) :]

    def median(key: str, digits: int | None = None) -> float:
        return round(statistics.median(line[key] for line in steps), digits)

    return {
        "steps": steps[-1]["step"],
        "seconds": round(sum(line["seconds"] for line in steps), 1),
        "pairs_per_second": median("pairs_per_second", 1),
        "tokens_per_second": median("tokens_per_second"),
        "share_of_peak": median("share_of_peak", 4),
        "padding_waste": median("padding_waste", 4),
        "encoded_once": median("encoded_once", 4),
        "peak_memory_mb": max(line["peak_memory_mb"] for line in steps),
    }


def tail(text: str) -> str:
    """The last lines of a log."""
    return "\n".join(text.splitlines()[-TAIL:]) + "\n"

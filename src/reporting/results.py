"""The results of a run as files: numbers, checks, figures and the report in Markdown."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from src.files import fresh_dir, write_json, write_text
from src.reporting import checks, document, markdown, metrics
from src.reporting.inputs import Inputs
from src.reporting.section import Report
from src.reporting.style import SUFFIX


def report(inputs: Inputs) -> Report:
    """The report with its checks."""
    return document.report(inputs, checks.all_checks(inputs))


def numbers(inputs: Inputs) -> dict[str, object]:
    """{file: value} of metrics.json, summary.json and checks.json."""
    verdicts = [asdict(check) for check in checks.all_checks(inputs)]
    return {"metrics.json": metrics.merge(inputs), "summary.json": metrics.summary(inputs), "checks.json": verdicts}


def write(inputs: Inputs, report: Report, folder: Path) -> None:
    """Write them to FOLDER: REPORT.md, figures/ and the files of `numbers`."""
    for name, value in numbers(inputs).items():
        write_json(folder / name, value)
    with fresh_dir(folder / "figures") as figures:
        for figure in report.figures():
            figure.draw(figures / f"{figure.name}{SUFFIX}")
    write_text(folder / "REPORT.md", markdown.page(report))

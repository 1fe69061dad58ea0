"""The report and its files: sections in the order in which a reader of the paper asks for them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from src.files import fresh_dir, write_json, write_text
from src.reporting import (
    ablation,
    brief,
    checks,
    dimensions,
    forgetting,
    markdown,
    metrics,
    published,
    queries,
    retrieval,
    run,
    similarity,
    training,
)
from src.reporting.inputs import Inputs
from src.reporting.section import Report
from src.reporting.style import SUFFIX

SECTIONS = (
    run.what_was_run,
    published.table_1,
    retrieval.section,
    dimensions.section,
    similarity.section,
    checks.section,
    ablation.section,
    forgetting.section,
    queries.section,
    published.others,
    training.work_section,
    run.recompute,
)


def report(inputs: Inputs) -> Report:
    """The report of a run; a topic of which the run has nothing leaves its section out."""
    sections = [section for topic in SECTIONS if (section := topic(inputs))]
    return Report(brief.title(inputs), brief.warnings(inputs), brief.in_brief(inputs), sections)


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

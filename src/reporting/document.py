"""The report and its files."""

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
    metrics,
    published,
    queries,
    retrieval,
    run,
    similarity,
    training,
)
from src.reporting.inputs import Inputs
from src.reporting.section import Report, Topic
from src.reporting.style import SUFFIX

# In the order in which a reader of the paper asks.
SECTIONS = (
    Topic(run.what_was_run, reads=(run.REQUIREMENTS, training.FOLDER)),
    Topic(published.table_1),
    Topic(retrieval.section),
    Topic(dimensions.section, reads=(dimensions.TIMES,)),
    Topic(similarity.section),
    Topic(checks.section),
    Topic(ablation.section),
    Topic(
        forgetting.section,
        reads=(forgetting.RESULT, forgetting.POINTS),
        recompute={forgetting.RESULT: forgetting.recompute},
    ),
    Topic(queries.section),
    Topic(published.others),
    Topic(run.recompute),
)


def report(inputs: Inputs) -> Report:
    """The report of a run."""
    sections = [topic.section(inputs) for topic in SECTIONS]
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
    write_text(folder / "REPORT.md", report.markdown())

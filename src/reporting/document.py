"""The report: sections in the order in which a reader of the paper asks for them."""

from __future__ import annotations

from src.reporting import (
    ablation,
    brief,
    checks,
    dimensions,
    forgetting,
    published,
    queries,
    retrieval,
    run,
    similarity,
    training,
)
from src.reporting.inputs import Inputs
from src.reporting.section import Report


def report(inputs: Inputs, verdicts: list[checks.Check]) -> Report:
    """The report of a run and its checks."""
    sections = [
        run.what_was_run(inputs),
        published.table_1(inputs),
        retrieval.section(inputs),
        dimensions.section(inputs),
        similarity.section(inputs),
        checks.section(verdicts),
        ablation.section(inputs),
        *([forgetting.section(inputs)] if inputs.errors else []),
        queries.section(inputs),
        published.others(inputs),
        training.work_section(inputs),
        run.recompute(inputs),
    ]
    return Report(brief.title(inputs), brief.warnings(inputs), brief.in_brief(inputs, verdicts), sections)

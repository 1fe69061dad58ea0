"""Published values beside ours."""

from __future__ import annotations

from collections.abc import Mapping

from src.evaluation.expected import Comparison
from src.evaluation.results import Evaluation
from src.recipe import systems
from src.recipe.stages import FINAL
from src.reporting import names, retrieval
from src.reporting.inputs import Inputs
from src.reporting.section import Part, Section
from src.reporting.tables import Cell, Table, percent, show

PAPER = "paper"
HEADER = ["model", "measure", "published", "ours", "our set", "difference", "verdict", "why"]
VERDICTS = (
    "OK: within the tolerance of expected.yaml; close: within three times of it; off: beyond. Values are compared "
    "only under one protocol, on one set, for one model; otherwise ours stands there for orientation alone."
)


def table_1(inputs: Inputs) -> Section:
    """The paper's Table I."""
    rows = [_row(item, inputs.evaluations) for item in inputs.comparisons if item.entry.source == PAPER]
    parts: list[Part] = [
        "The paper compares its model with Turkish-ColBERT on SciFact-TR. It states neither corpus nor use of titles, "
        "and its P@1 of 0.7116 is no multiple of 1/300, as a plain P@1 over the 300 test queries would be: so its "
        "values stand beside ours, and are not subtracted from them.",
        Table("published-table_1", HEADER, rows, notes=VERDICTS),
        f"{systems.label(FINAL)} is the recipe run here; turkembed4retrieval is the released model, which is measured "
        "when `eval.published` names it.",
        "Ours in the shape of that table:",
        *(retrieval.table_1(evaluation) for evaluation in inputs.evaluations.values()),
    ]
    return Section("Table I: retrieval against ColBERT", "published | ours | verdict, and gains over ColBERT", parts)


def others(inputs: Inputs) -> Section:
    """All other published values of what was measured here."""
    rows: list[list[Cell]] = [
        [f"[{item.source.title}]({item.source.url})", *_row(item, inputs.evaluations)]
        for item in inputs.comparisons
        if item.entry.source != PAPER and item.ours is not None
    ]
    parts: list[Part] = [
        "Of models that were run here. Those of other models under our protocol stand in the tables of every model, "
        "all with their sources in expected.yaml.",
        Table("published-others", ["source", *HEADER], rows, notes=VERDICTS) if rows else "There are none.",
    ]
    return Section("Other published values", "model cards and benchmarks, with verdicts", parts)


def _row(item: Comparison, evaluations: Mapping[str, Evaluation]) -> list[Cell]:
    evaluation = evaluations.get(item.set)
    over = item.entry.over
    model = systems.label(item.entry.model) + (f", gain over {systems.label(over)}" if over else "")
    published, ours, difference = (
        _value(value, relative=over is not None) for value in (item.published, item.ours, item.difference)
    )
    set_name = names.retrieval_set(evaluation) if evaluation else None
    return [model, item.measure, published, ours, set_name, difference, item.verdict, item.why or None]


def _value(value: float | None, relative: bool) -> str | None:
    if value is None:
        return None
    return percent(value) if relative else show(value)

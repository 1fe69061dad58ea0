"""Published values beside ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from src.evaluation.expected import Comparison
from src.evaluation.results import Evaluation
from src.recipe import systems
from src.recipe.stages import FINAL
from src.reporting import names, retrieval
from src.reporting.inputs import Inputs
from src.reporting.section import Part, Section
from src.reporting.tables import Cell, Table, percent, show

PAPER = "paper"


def table_1(inputs: Inputs) -> Section:
    """The paper's Table I."""
    rows = [_row(item, inputs.evaluations) for item in inputs.comparisons if item.entry.source == PAPER]
    parts: list[Part] = [
        "The paper compares its model with Turkish-ColBERT on SciFact-TR. It states neither corpus nor use of titles, "
        "and its P@1 of 0.7116 is no multiple of 1/300, as a plain P@1 over the 300 test queries would be: so its "
        "values stand beside ours, and are not subtracted from them.",
        _table("published-table_1", rows),
        f"{systems.label(FINAL)} is the recipe run here; turkembed4retrieval is the released model, which is measured "
        "when `eval.published` names it.",
        "Ours in the shape of that table:",
        *(retrieval.table_1(evaluation) for evaluation in inputs.evaluations.values()),
    ]
    return Section("Table I: retrieval against ColBERT", "published | ours | verdict, and gains over ColBERT", parts)


def others(inputs: Inputs) -> Section:
    """All other published values, each with its source."""
    what = "model cards and benchmarks on SciFact-TR, with verdicts"
    return Section("Other published values", what, [_others(inputs.comparisons, inputs.evaluations)])


def _others(comparisons: Iterable[Comparison], evaluations: Mapping[str, Evaluation]) -> Table:
    """A line a value, under its source; what cannot be compared takes one line a model."""
    entries: dict[int, list[Comparison]] = {}
    for item in comparisons:
        if item.entry.source != PAPER:
            entries.setdefault(id(item.entry), []).append(item)
    rows: list[list[Cell]] = []
    for items in entries.values():
        single = [_row(item, evaluations) for item in items]
        if all(item.verdict == "not comparable" for item in items):
            single = [_joined(single)]
        rows += [[f"[{items[0].source.title}]({items[0].source.url})", *row] for row in single]
    return _table("published-others", rows, "source")


def _joined(rows: list[list[Cell]]) -> list[Cell]:
    """Rows of one model in one: measures and values side by side."""
    columns = list(zip(*rows, strict=True))
    values = [", ".join(str(cell) for cell in column if cell is not None) or None for column in columns[1:4]]
    return [columns[0][0], *values, *(column[0] for column in columns[4:])]


def _table(name: str, rows: list[list[Cell]], *first: str) -> Table:
    header = [*first, "model", "measure", "published", "ours", "our set", "difference", "verdict", "why"]
    notes = (
        "OK: within the tolerance of expected.yaml; close: within three times of it; off: beyond. Values are compared "
        "only under one protocol, on one set, for one model; otherwise ours stands there for orientation alone."
    )
    return Table(name, header, rows, notes=notes)


def _row(item: Comparison, evaluations: Mapping[str, Evaluation]) -> list[Cell]:
    evaluation = evaluations.get(item.set)
    relative = item.entry.over is not None
    set_name = names.retrieval_set(evaluation) if evaluation else None
    model = systems.label(item.entry.model) + (
        f", gain over {systems.label(item.entry.over)}" if item.entry.over else ""
    )
    values = (item.published, item.ours, item.difference)
    shown = [_value(value, relative) for value in values]
    return [model, item.measure, *shown[:2], set_name, shown[2], item.verdict, item.why or None]


def _value(value: float | None, relative: bool) -> str | None:
    if value is None:
        return None
    return percent(value) if relative else show(value)

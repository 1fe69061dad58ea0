"""Published values beside ours, and the checks, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from src.evaluation.expected import Comparison, Entry, compare, read_expected, unmeasured
from src.recipe import systems
from src.reporting import names
from src.reporting.checks import Check
from src.reporting.inputs import Inputs
from src.reporting.tables import Cell, Table, percent, show

PAPER = "paper"
EXPECTED = "expected.yaml"


def comparisons(inputs: Inputs) -> list[Comparison]:
    """Every value of expected.yaml against ours."""
    return compare(read_expected(inputs.root / EXPECTED), inputs.evaluations)


def not_run(inputs: Inputs, name: str) -> list[Entry]:
    """Published rows of a set, of models that were not run here."""
    return unmeasured(read_expected(inputs.root / EXPECTED), name, inputs.evaluations[name])


def table_1(inputs: Inputs, found: Iterable[Comparison]) -> Table:
    """The paper's Table I: published | ours | verdict."""
    rows = [_row(item, inputs.evaluations) for item in found if item.entry.source == PAPER]
    return _table("published-table_1", rows)


def others(inputs: Inputs, found: Iterable[Comparison]) -> Table:
    """All other published values, each with its source; what cannot be compared takes one line a model."""
    entries: dict[int, list[Comparison]] = {}
    for item in found:
        if item.entry.source != PAPER:
            entries.setdefault(id(item.entry), []).append(item)
    rows: list[list[Cell]] = []
    for items in entries.values():
        single = [_row(item, inputs.evaluations) for item in items]
        if all(item.verdict == "not comparable" for item in items):
            single = [_joined(single)]
        rows += [[f"[{items[0].source.title}]({items[0].source.url})", *row] for row in single]
    table = _table("published-others", rows)
    return Table(table.name, ["source", *table.header], rows, table.caption, table.notes)


def _joined(rows: list[list[Cell]]) -> list[Cell]:
    """Rows of one model in one: measures and values side by side."""
    columns = list(zip(*rows, strict=True))
    values = [", ".join(str(cell) for cell in column if cell is not None) or None for column in columns[1:4]]
    return [columns[0][0], *values, *(column[0] for column in columns[4:])]


def _table(name: str, rows: list[list[Cell]]) -> Table:
    header = ["model", "measure", "published", "ours", "our set", "difference", "verdict", "why"]
    notes = (
        "OK: within the tolerance of expected.yaml; close: within three times of it; off: beyond. Values are compared "
        "only under one protocol, on one set, for one model; otherwise ours stands there for orientation alone."
    )
    return Table(name, header, rows, notes=notes)


def _row(item: Comparison, evaluations: Mapping[str, Mapping[str, object]]) -> list[Cell]:
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


def checks(found: Iterable[Check]) -> Table:
    """Every check with its verdict."""
    rows: list[list[Cell]] = [
        [check.what, None if check.figure is None else f"{check.figure:.6g}", check.limit, check.verdict, check.reason]
        for check in found
    ]
    return Table("checks", ["check", "figure", "limit", "verdict", "reason"], rows)

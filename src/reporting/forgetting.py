"""Whether forgetting goes with retrieval errors, query by query."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.ablation.forgetting import read_points
from src.evaluation.metrics import MAIN
from src.reporting import names, style
from src.reporting.inputs import Inputs
from src.reporting.retrieval import caption
from src.reporting.section import Figure, Part, Quoted, Section
from src.reporting.tables import Cell, Table, interval, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHIFTS = {
    "local_forgetting": "STS pairs near the query are judged worse",
    "query_shift": "the query's vector moved",
    "positive_shift": "the relevant document's vector moved",
    "match_change": "query and relevant document came nearer",
}
TARGETS = {"ndcg_change": f"change of {MAIN}", "margin_change": "change of the relevant document's margin"}
SHOWN = 5


def section(inputs: Inputs) -> Section:
    """The paper's open question: does the STS drop go with retrieval errors?"""
    assert inputs.errors is not None
    rules = inputs.errors["protocol"]
    parts: list[Part] = [
        "An open question of the paper. For every query, what changed in retrieval is set against how the embedding "
        f"space moved there ({rules['from']} → {rules['to']}). Nearby: the {rules['nearest_pairs']} STS pairs nearest "
        f"to the query. A query that stood first before can only fall, so the correlation is also given with {MAIN} "
        "before held fixed (partial)."
    ]
    for name, found in inputs.errors["sets"].items():
        alternative = f"Change in retrieval against shifts of the space, queries of {name}"
        parts += [
            f"### {names.retrieval_set(inputs.evaluations[name])}: forgetting and errors",
            answer(found),
            correlations(name, found, inputs),
            Figure(f"forgetting_errors-{name}", alternative, partial(draw_points, inputs, name, found)),
        ]
        if found["worst"]:
            parts.append(Quoted("Worst losses, with texts", partial(worst, name, found)))
    return Section(
        "Does forgetting go with retrieval errors?", "query by query: shifts of the space against losses", parts
    )


def answer(found: Mapping[str, Any]) -> str:
    """What the correlation says, in a sentence; an interval that holds zero says nothing."""
    value = found["correlations"]["ndcg_change"]["local_forgetting"]
    low, high = value["partial_interval"]
    figures = (
        f"partial ρ = {value['partial']:+.3f} {interval(value['partial_interval'])}, n = {found['queries']:,} queries"
    )
    if high < 0:
        return f"**Yes, here:** where semantic similarity is judged worse, queries lose more ({figures})."
    if low > 0:
        return f"**The reverse, here:** where semantic similarity is judged worse, queries gain more ({figures})."
    return f"**Not seen here:** the correlation's interval holds zero ({figures})."


def correlations(name: str, found: Mapping[str, Any], inputs: Inputs) -> Table:
    """Spearman's correlations with intervals; bold where the interval leaves zero out."""
    rows: list[list[Cell]] = []
    for shift, words in SHIFTS.items():
        cells: list[Cell] = [words]
        for target in TARGETS:
            value = found["correlations"][target][shift]
            cells += [_correlation(value["spearman"], value["interval"])]
            cells += [_correlation(value["partial"], value["partial_interval"])]
        rows.append(cells)
    header = ["shift", *(part for words in TARGETS.values() for part in (f"{words}, ρ", "partial"))]
    assert inputs.errors is not None
    rules = inputs.errors["protocol"]
    counts = f"n = {found['queries']:,} queries, {found['better']} better, {found['worse']} worse"
    where = f"{names.retrieval_set(inputs.evaluations[name])}: {counts}"
    notes = f"Spearman's ρ; {rules['interval'][name]}, seed {rules['seed']}. Bold: zero is outside."
    return Table(f"forgetting_errors-{name}", header, rows, where, notes)


def _correlation(value: float, bounds: list[float]) -> str:
    text = f"{value:+.3f} {interval(bounds)}"
    return f"**{text}**" if bounds[0] > 0 or bounds[1] < 0 else text


def worst(name: str, found: Mapping[str, Any]) -> Table:
    """The queries that lost most, with what stands first now."""
    rows: list[list[Cell]] = [
        [
            plain(item["query"]),
            plain(item["relevant"]),
            plain(item["now_first"]),
            f"{item['ndcg_before']:.2f} → {item['ndcg_before'] + item['ndcg_change']:.2f}",
            f"{item['local_forgetting']:+.3f}",
        ]
        for item in found["worst"][:SHOWN]
    ]
    return Table(
        f"worst-{name}",
        ["query", "relevant document", "first now", MAIN, "STS pairs nearby judged worse by"],
        rows,
    )


def draw_points(inputs: Inputs, name: str, found: Mapping[str, Any], target: Path) -> None:
    """Of every query, the change in retrieval against how the space moved around it."""
    points = read_points(inputs.root / "reports" / "forgetting_errors" / f"{name}.csv")
    note = f"{caption(inputs.evaluations[name])}. Spearman's correlation over queries with its 95 % interval."
    title = "Does what similarity lost go with retrieval errors?"
    panels = {"local_forgetting": "STS pairs nearby judged worse →", "query_shift": "query's vector moved →"}
    with style.chart(target, title, note, size=(7.0, 3.9), grid=(1, 2)) as axes:
        for place, (key, label) in zip(axes, panels.items(), strict=True):
            _points(place, points, key, found["correlations"]["margin_change"][key])
            place.set_xlabel(label)
        axes[0].set_ylabel("change of margin of the relevant document")


def _points(axes: Axes, points: Mapping[str, np.ndarray], key: str, correlation: Mapping[str, Any]) -> None:
    change = points["ndcg_change"]
    kinds = (
        (change > 0, style.BLUE, "o", f"{MAIN} rose"),
        (change == 0, style.GREY, "s", "same"),
        (change < 0, style.VERMILLION, "v", "fell"),
    )
    for chosen, colour, marker, word in kinds:
        label = f"{word} (n = {int(chosen.sum())})"
        xs, ys = points[key][chosen], points["margin_change"][chosen]
        axes.scatter(xs, ys, s=13, color=colour, marker=marker, alpha=0.6, linewidths=0, label=label)
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.axvline(0, color=style.GREY, linewidth=0.8)
    axes.locator_params(axis="x", nbins=5)
    axes.set_title(f"ρ = {correlation['spearman']:+.3f} {interval(correlation['interval'])}")
    axes.legend(fontsize=7)

"""Whether forgetting goes with retrieval errors, query by query."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from src.ablation.forgetting import read_points
from src.evaluation.metrics import MAIN
from src.evaluation.results import SetErrors
from src.reporting import names, style
from src.reporting.inputs import Inputs
from src.reporting.retrieval import caption
from src.reporting.section import Figure, Part, Quoted, Section
from src.reporting.tables import Cell, Table, interval, plain

SHIFTS = {
    "local_forgetting": "STS pairs near the query are judged worse",
    "query_shift": "the query's vector moved",
    "positive_shift": "the relevant document's vector moved",
    "match_change": "query and relevant document came nearer",
}
TARGETS = {"ndcg_change": f"change of {MAIN}", "margin_change": "change of the relevant document's margin"}
SHOWN = 5


def section(inputs: Inputs) -> Section | None:
    """The paper's open question: does the STS drop go with retrieval errors? None where it was not examined."""
    if inputs.errors is None:
        return None
    rules = inputs.errors["protocol"]
    parts: list[Part] = [
        "An open question of the paper. For every query, what changed in retrieval is set against how the embedding "
        f"space moved there ({rules['from']} → {rules['to']}). Nearby: the {rules['nearest_pairs']} STS pairs nearest "
        f"to the query. A query that stood first before can only fall, so the correlation is also given with {MAIN} "
        "before held fixed (partial)."
    ]
    for name, of_set in inputs.errors["sets"].items():
        alternative = f"Change in retrieval against shifts of the space, queries of {name}"
        figure = Figure(f"forgetting_errors-{name}", alternative, partial(draw_points, inputs, name, of_set))
        heading = f"### {names.retrieval_set(inputs.evaluations[name])}: forgetting and errors"
        parts += [heading, answer(of_set), correlations(name, of_set, inputs), figure]
        if of_set["worst"]:
            parts.append(Quoted("Worst losses, with texts", partial(worst, name, of_set)))
    what = "query by query: shifts of the space against losses"
    return Section("Does forgetting go with retrieval errors?", what, parts)


def answer(of_set: SetErrors) -> str:
    """What the correlation says, in a sentence; an interval that holds zero says nothing."""
    value = of_set["correlations"]["ndcg_change"]["local_forgetting"]
    bounds, n = value["partial_interval"], of_set["queries"]
    figures = f"partial ρ = {value['partial']:+.3f} {interval(bounds)}, n = {n:,} queries"
    if bounds[0] <= 0 <= bounds[1]:
        return f"**Not seen here:** the correlation's interval holds zero ({figures})."
    yes, verb = ("Yes", "lose") if bounds[1] < 0 else ("The reverse", "gain")
    return f"**{yes}, here:** where semantic similarity is judged worse, queries {verb} more ({figures})."


def correlations(name: str, of_set: SetErrors, inputs: Inputs) -> Table:
    """Spearman's correlations with intervals; bold where the interval leaves zero out."""
    rows: list[list[Cell]] = []
    for shift, words in SHIFTS.items():
        values = [of_set["correlations"][target][shift] for target in TARGETS]
        pairs = [((v["spearman"], v["interval"]), (v["partial"], v["partial_interval"])) for v in values]
        rows.append([words, *(_correlation(*part) for pair in pairs for part in pair)])
    header = ["shift", *(part for words in TARGETS.values() for part in (f"{words}, ρ", "partial"))]
    assert inputs.errors is not None
    rules = inputs.errors["protocol"]
    counts = f"n = {of_set['queries']:,} queries, {of_set['better']} better, {of_set['worse']} worse"
    where = f"{names.retrieval_set(inputs.evaluations[name])}: {counts}"
    notes = f"Spearman's ρ; {rules['interval'][name]}, seed {rules['seed']}. Bold: zero is outside."
    return Table(f"forgetting_errors-{name}", header, rows, where, notes)


def _correlation(value: float, bounds: list[float]) -> str:
    text = f"{value:+.3f} {interval(bounds)}"
    return f"**{text}**" if bounds[0] > 0 or bounds[1] < 0 else text


def worst(name: str, of_set: SetErrors) -> Table:
    """The queries that lost most, with what stands first now."""
    rows: list[list[Cell]] = []
    for item in of_set["worst"][:SHOWN]:
        texts = [plain(item[key]) for key in ("query", "relevant", "now_first")]
        change = f"{item['ndcg_before']:.2f} → {item['ndcg_before'] + item['ndcg_change']:.2f}"
        rows.append([*texts, change, f"{item['local_forgetting']:+.3f}"])
    header = ["query", "relevant document", "first now", MAIN, "STS pairs nearby judged worse by"]
    return Table(f"worst-{name}", header, rows)


def draw_points(inputs: Inputs, name: str, of_set: SetErrors, target: Path) -> None:
    """Of every query, the change in retrieval against how the space moved around it."""
    points = read_points(inputs.root / "reports" / "forgetting_errors" / f"{name}.csv")
    note = f"{caption(inputs.evaluations[name])}. Spearman's correlation over queries with its 95 % interval."
    title = "Does what similarity lost go with retrieval errors?"
    panels = {"local_forgetting": "STS pairs nearby judged worse →", "query_shift": "query's vector moved →"}
    change = points["ndcg_change"]
    kinds = {f"{MAIN} rose": change > 0, "same": change == 0, "fell": change < 0}
    colours = (style.BLUE, style.GREY, style.VERMILLION)
    with style.chart(target, title, note, size=(7.0, 4.1), grid=(1, 2)) as axes:
        for panel, (key, label) in zip(axes, panels.items(), strict=True):
            for number, (word, chosen) in enumerate(kinds.items()):
                looks: dict[str, Any] = {"color": colours[number], "marker": style.MARKERS[number], "linewidths": 0}
                words = f"{word} (n = {int(chosen.sum())})"
                panel.scatter(
                    points[key][chosen], points["margin_change"][chosen], s=13, alpha=0.6, label=words, **looks
                )
            panel.axhline(0, color=style.GREY, linewidth=0.8)
            panel.axvline(0, color=style.GREY, linewidth=0.8)
            panel.locator_params(axis="x", nbins=5)
            correlation = of_set["correlations"]["margin_change"][key]
            panel.set_title(f"ρ = {correlation['spearman']:+.3f} {interval(correlation['interval'])}")
            panel.set_xlabel(label)
        axes[0].set_ylabel("change of the margin")
        style.legend_below(axes[0])

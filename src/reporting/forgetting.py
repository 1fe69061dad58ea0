"""Whether forgetting goes with retrieval errors, query by query."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from src.ablation.forgetting import ForgettingErrors, SetErrors, read_points, summary
from src.checked import read_result
from src.evaluation.beir import PREPARED, read_qrels
from src.evaluation.metrics import MAIN
from src.evaluation.significance import Draws, clusters_of
from src.files import write_json
from src.reporting import names, style
from src.reporting.inputs import Inputs
from src.reporting.retrieval import caption
from src.reporting.section import Figure, Part, Section
from src.reporting.tables import Cell, Table, interval

SHIFTS = {
    "local_forgetting": "STS pairs near the query are judged worse",
    "query_shift": "the query's vector moved",
    "positive_shift": "the relevant document's vector moved",
    "match_change": "query and relevant document came nearer",
}
RESULT, POINTS = "reports/forgetting_errors.json", "reports/forgetting_errors"
TARGETS = {"ndcg_change": f"change of {MAIN}", "margin_change": "change of the relevant document's margin"}
HEADER = ["shift", *(column for words in TARGETS.values() for column in (f"{words}, ρ", "partial"))]


def section(inputs: Inputs) -> Section:
    """The paper's open question: does the STS drop go with retrieval errors?"""
    errors = read_result(ForgettingErrors, inputs.root / RESULT)
    rules = errors["protocol"]
    parts: list[Part] = [
        "An open question of the paper. For every query, what changed in retrieval is set against how the embedding "
        f"space moved there ({rules['from']} → {rules['to']}). Nearby: the {rules['nearest_pairs']} STS pairs nearest "
        f"to the query. A query that stood first before can only fall, so the correlation is also given with {MAIN} "
        "before held fixed (partial)."
    ]
    for name, of_set in errors["sets"].items():
        alternative = f"Change in retrieval against shifts of the space, queries of {name}"
        figure = Figure(f"forgetting_errors-{name}", alternative, partial(draw_points, inputs, name, of_set))
        heading = f"### {names.retrieval_set(inputs.evaluations[name])}: forgetting and errors"
        counts = f"n = {of_set['queries']:,} queries, {of_set['better']} better, {of_set['worse']} worse"
        where = f"{names.retrieval_set(inputs.evaluations[name])}: {counts}"
        notes = f"Spearman's ρ; {rules['interval'][name]}, seed {rules['seed']}. Bold: zero is outside."
        table = Table(f"forgetting_errors-{name}", HEADER, correlations(of_set), where, notes)
        parts += [heading, answer(of_set), table, figure]
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


def correlations(of_set: SetErrors) -> list[list[Cell]]:
    """Of every shift of the space, Spearman's correlations with intervals; bold where the interval leaves zero out."""
    rows: list[list[Cell]] = []
    for shift, words in SHIFTS.items():
        row: list[Cell] = [words]
        for target in TARGETS:
            value = of_set["correlations"][target][shift]
            row.append(_correlation(value["spearman"], value["interval"]))
            row.append(_correlation(value["partial"], value["partial_interval"]))
        rows.append(row)
    return rows


def _correlation(value: float, bounds: list[float]) -> str:
    text = f"{value:+.3f} {interval(bounds)}"
    return f"**{text}**" if bounds[0] > 0 or bounds[1] < 0 else text


def draw_points(inputs: Inputs, name: str, of_set: SetErrors, target: Path) -> None:
    """Of every query, the change in retrieval against how the space moved around it."""
    points = read_points(inputs.root / POINTS / f"{name}.csv")
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


def recompute(root: Path, draws: Draws) -> None:
    """RESULT from POINTS and judgements, its protocol as it stands there."""
    errors = read_result(ForgettingErrors, root / RESULT)
    for name in errors["sets"]:
        clusters = clusters_of(read_qrels(root / PREPARED / name / "qrels" / "test.tsv"))
        errors["sets"][name] = summary(read_points(root / POINTS / f"{name}.csv"), draws, clusters)
    write_json(root / RESULT, errors)

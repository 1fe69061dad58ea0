"""Figures of the ablations, and of forgetting against retrieval errors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.reporting import ablation, names, style
from src.reporting.figures_retrieval import powers_of_two
from src.reporting.inputs import Inputs, read_columns
from src.reporting.labels import Name, name_points
from src.reporting.retrieval_tables import caption
from src.reporting.tables import interval, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Mapping[str, Mapping[str, Any]]
_SETS_SHOWN = 2  # beside each other; the tables hold them all


def draw(inputs: Inputs, folder: Path) -> None:
    """A chart for each question that was asked, and the trade of retrieval against similarity."""
    if not inputs.ablation:
        return
    for key, rows in ablation.groups(inputs.ablation).items():
        if key == ablation.BATCH:
            batches(rows, inputs, folder)
        elif key != ablation.MIXING:
            bars(key, rows, inputs, folder)
    trade(inputs, folder)


def batches(rows: Rows, inputs: Inputs, folder: Path) -> None:
    """nDCG@10 and Spearman's correlation against the batch size."""
    ordered = sorted(rows.values(), key=lambda row: ablation.size(row, inputs))
    sizes = [ablation.size(row, inputs) for row in ordered]
    note = f"{ablation.caption(inputs)}. Bars: 95 % intervals of the difference from the reference."
    with style.chart(
        folder, "ablation-batch", "Batch size of the retrieval step", note, size=(7.0, 3.8), grid=(1, 2)
    ) as (
        left,
        right,
    ):
        for number, (name, parts) in enumerate(_measured(ordered, inputs)):
            axes = right if name == "STS" else left
            line(axes, sizes, parts, number, None if name == "STS" else name)
        left.set_ylabel("nDCG@10")
        right.set_ylabel(f"Spearman, {inputs.sts['set']}")
        left.legend(loc="lower right", fontsize=7.5)
        for axes in (left, right):
            powers_of_two(axes, sizes)
            axes.margins(x=0.08, y=0.25)
            axes.set_xlabel("pairs in a batch")


def _measured(rows: list[Mapping[str, Any]], inputs: Inputs) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """[(set or STS, one value a row)]."""
    assert inputs.ablation is not None
    sets = inputs.ablation["sets"][:_SETS_SHOWN]
    found = [(names.retrieval_set(inputs.evaluations[name]), [row["retrieval"][name] for row in rows]) for name in sets]
    return [*found, ("STS", [row["sts"] for row in rows])]


def line(axes: Axes, xs: list[int], parts: list[Mapping[str, Any]], number: int, label: str | None) -> None:
    """A line with intervals and a label at every point."""
    means = np.array([part["mean"] for part in parts])
    colour, marker = style.SERIES[number], style.MARKERS[number]
    axes.errorbar(xs, means, yerr=around(parts), marker=marker, color=colour, capsize=3, elinewidth=0.9, label=label)
    for x, mean in zip(xs, means, strict=True):
        style.label(axes, f"{mean:.3f}", (x, mean), color=colour)


def around(parts: list[Mapping[str, Any]]) -> np.ndarray:
    """How far the interval of the difference reaches below and above each mean, (2, rows); 0 for the reference."""
    reach = [
        (part["difference"] - part["interval"][0], part["interval"][1] - part["difference"])
        if "interval" in part
        else (0.0, 0.0)
        for part in parts
    ]
    return np.maximum(np.array(reach).T, 0.0)


def bars(key: str, rows: Rows, inputs: Inputs, folder: Path) -> None:
    """nDCG@10 of the main set and Spearman's correlation of every variant of a group, and the reference's as a line."""
    labels = [style.wrap(ablation.label(name, row, inputs), 2.2, 8) for name, row in rows.items()]
    measured = _measured(list(rows.values()), inputs)
    note = f"{ablation.caption(inputs)}. Black: 95 % interval of the difference from the reference (dashed)."
    height = 1.9 + 0.42 * len(rows)
    with style.chart(
        folder, f"ablation-{key}", ablation.QUESTIONS[key], note, size=(7.6, height), grid=(1, len(measured))
    ) as panels:
        for number, (axes, (name, parts)) in enumerate(zip(panels, measured, strict=True)):
            means = np.array([part["mean"] for part in parts])
            colours = [style.GREY, *[style.ORANGE if name == "STS" else style.BLUE] * (len(parts) - 1)]
            places = np.arange(len(parts))[::-1]
            axes.barh(places, means, color=colours, height=0.66, xerr=around(parts), ecolor=style.BLACK, capsize=3)
            axes.axvline(means[0], color=style.BLACK, linewidth=0.8, linestyle="--")
            top = (means + around(parts)[1]).max()
            for place, mean in zip(places, means, strict=True):  # in a column, clear of bars, intervals and line
                axes.text(1.04 * top, place, f"{mean:.3f}", va="center", fontsize=8)
            axes.set_xlim(0, 1.25 * top)
            axes.set_yticks(places, labels if number == 0 else [""] * len(labels), fontsize=8)
            axes.grid(axis="y", visible=False)
            axes.set_title("Spearman after" if name == "STS" else f"nDCG@10\n{name}", fontsize=8)


def trade(inputs: Inputs, folder: Path) -> None:
    """Retrieval against similarity: the mixing weight's curve, and what might do better as points."""
    assert inputs.ablation is not None
    main, found = inputs.ablation["sets"][0], ablation.groups(inputs.ablation)
    note = f"{ablation.caption(inputs)}. Shown: {main}. Up and to the right is better."
    title = "What retrieval gains against what similarity keeps"
    with style.chart(folder, "pareto", title, note, size=(7.0, 4.8)) as (axes,):
        shares = _mixing_curve(axes, inputs.ablation["pareto"], main)
        named: list[Name] = []
        for number, key in enumerate(key for key in (ablation.REMEDIES, ablation.SETTINGS) if key in found):
            rows = {name: row for name, row in found[key].items() if name != inputs.ablation["reference"]}
            xs = [row["sts"]["mean"] for row in rows.values()]
            ys = [row["retrieval"][main]["mean"] for row in rows.values()]
            colour, marker, label = style.SERIES[number], style.MARKERS[1 + number], ablation.in_a_sentence(key)
            axes.plot(xs, ys, linestyle="none", color=colour, marker=marker, label=label, zorder=4)
            named += [Name(row.replace("_", " "), (x, y), colour) for row, x, y in zip(rows, xs, ys, strict=True)]
        axes.margins(0.15)
        axes.set_xlabel(f"Spearman after retrieval training, {inputs.sts['set']}")
        axes.set_ylabel(f"nDCG@10, {main}")
        axes.legend(fontsize=7.5, loc="best")
        name_points(axes, shares + named, [[name.point for name in shares]])


def _mixing_curve(axes: Axes, curve: list[Mapping[str, Any]], main: str) -> list[Name]:
    """Draw the curve; the names of its points."""
    places = [(point["spearman"], point["retrieval"][main]) for point in curve]
    if places:
        label = "the recipe, and its weights mixed with those before"
        axes.plot(*zip(*places, strict=True), color=style.BLACK, marker="o", markersize=4, linewidth=1.2, label=label)
    return [Name(share(point["share"]), place, style.BLACK) for point, place in zip(curve, places, strict=True)]


def errors(inputs: Inputs, folder: Path) -> None:
    """Of every query, the change in retrieval against how the space moved around it."""
    if not inputs.errors:
        return
    for name, found in inputs.errors["sets"].items():
        points = read_points(inputs.root / "reports" / "forgetting_errors" / f"{name}.csv")
        note = f"{caption(inputs.evaluations[name])}. Spearman's correlation over queries with its 95 % interval."
        title = "Does what similarity lost go with retrieval errors?"
        panels = {"local_forgetting": "STS pairs nearby judged worse →", "query_shift": "query's vector moved →"}
        with style.chart(folder, f"forgetting_errors-{name}", title, note, size=(7.0, 3.9), grid=(1, 2)) as axes:
            for place, (key, label) in zip(axes, panels.items(), strict=True):
                _points(place, points, key, found["correlations"]["margin_change"][key])
                place.set_xlabel(label)
            axes[0].set_ylabel("change of margin of the relevant document")


def _points(axes: Axes, points: Mapping[str, np.ndarray], key: str, correlation: Mapping[str, Any]) -> None:
    change = points["ndcg_change"]
    kinds = (
        (change > 0, style.BLUE, "o", "nDCG@10 rose"),
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


def read_points(path: Path) -> dict[str, np.ndarray]:
    """{column: (queries,)} of reports/forgetting_errors/SET.csv."""
    columns = read_columns(path).items()
    return {name: np.array([float(value) for value in values]) for name, values in columns if name != "query-id"}

"""Figures of retrieval: models, dimensions, memory, latency, single queries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from src.recipe import systems
from src.recipe.stages import BEFORE, FINAL
from src.reporting import names, style
from src.reporting.inputs import Inputs, read_columns
from src.reporting.labels import Name, name_points
from src.reporting.retrieval_tables import MAIN, caption, changes, p_value, timed_dims

Evaluation = Mapping[str, Any]
FORMS = ("float32", "int8", "binary_rescored", "binary")
FORM_NAMES = {"binary_rescored": "binary, rescored by int8"}


def models(evaluation: Evaluation, folder: Path) -> None:
    """nDCG@10 of every model with its interval."""
    rows = list(evaluation["models"])[::-1]
    scores = np.array([evaluation["models"][row][MAIN] for row in rows])
    bounds = np.array([evaluation["intervals"][row][MAIN] for row in rows])
    note = f"{caption(evaluation)}. Lines: 95 % bootstrap intervals."
    size = (7.0, 1.6 + 0.32 * len(rows))
    with style.chart(folder, f"models-{evaluation['set']}", f"{MAIN} of every model", note, size=size) as (axes,):
        axes.barh(range(len(rows)), scores, color=[systems.colour(row) for row in rows], height=0.7)
        around = np.abs(bounds.T - scores)
        axes.errorbar(scores, range(len(rows)), xerr=around, fmt="none", ecolor=style.BLACK, capsize=3, linewidth=1.1)
        for place, (score, high) in enumerate(zip(scores, bounds[:, 1], strict=True)):
            axes.text(max(score, high) + 0.012, place, f"{score:.3f}", va="center", fontsize=8.5)
        axes.set_yticks(range(len(rows)), [systems.label(row) for row in rows])
        axes.set_xlim(0, min(1.12, max(bounds[:, 1].max(), scores.max()) * 1.12 + 0.03))
        axes.set_xlabel(MAIN)
        axes.grid(axis="y", visible=False)


def dimensions(evaluations: Mapping[str, Evaluation], folder: Path) -> None:
    """nDCG@10 of the retrieval model against the vector's length, all sets in one chart."""
    notes = "; ".join(caption(evaluation) for evaluation in evaluations.values())
    note = f"{notes}. One encoding, cut and renormalised. Bands: 95 % intervals of the loss against the whole vector."
    title = f"{MAIN} against the length of the vector"
    with style.chart(folder, "dimensions", title, note) as (axes,):
        everything: list[float] = []
        for number, evaluation in enumerate(evaluations.values()):
            sizes = [int(dim) for dim in evaluation["matryoshka"]]
            scores = [found[MAIN] for found in evaluation["matryoshka"].values()]
            whole = scores[0]
            low, high = zip(*(found["loss_interval"] for found in evaluation["matryoshka"].values()), strict=True)
            colour = style.SERIES[number % len(style.SERIES)]
            axes.fill_between(
                sizes, whole - np.array(high), whole - np.array(low), color=colour, alpha=0.18, linewidth=0
            )
            marker = style.MARKERS[number % len(style.MARKERS)]
            axes.plot(sizes, scores, marker=marker, color=colour, label=names.retrieval_set(evaluation))
            for size, score in zip(sizes, scores, strict=True):
                style.label(axes, f"{score:.3f}", (size, score), (0, 7), ha="center")
            everything += [*scores, whole - max(high), whole - min(low)]
        style.pad(axes, everything, 0.15)
        axes.margins(x=0.06)
        powers_of_two(axes, sorted({int(dim) for found in evaluations.values() for dim in found["matryoshka"]}))
        axes.set_xlabel("dimensions (float32: 4 bytes each)")
        axes.set_ylabel(MAIN)
        axes.legend(loc="lower right")


def powers_of_two(axes: Any, ticks: list[int]) -> None:
    """A logarithmic x-axis with these ticks, in plain numbers."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()


def memory(evaluation: Evaluation, folder: Path) -> None:
    """nDCG@10 against bytes a document, a line for each form of the index."""
    note = f"{caption(evaluation)}. Labels: dimensions. binary, rescored: its int8 codes may lie on disk, not counted."
    title = f"{MAIN} against the memory of the index"
    with style.chart(folder, f"memory-{evaluation['set']}", title, note, size=(7.0, 4.4)) as (axes,):
        powers_of_two(axes, _ticks(evaluation))
        axes.set_xlabel("bytes a document")
        axes.set_ylabel(MAIN)
        found = evaluation["quantisation"].items()
        _lines_of_forms(
            axes,
            {form: [(by[form]["bytes_per_document"], by[form][MAIN], dim) for dim, by in found] for form in FORMS},
        )


def _ticks(evaluation: Evaluation) -> list[int]:
    forms = evaluation["quantisation"].values()
    return sorted({found["bytes_per_document"] for by_form in forms for found in by_form.values()})


def _lines_of_forms(axes: Any, forms: Mapping[str, list[tuple[float, float, str]]]) -> None:
    """A line for each form of the index through its points (x, y, name), which are named in its colour."""
    named = []
    for number, (form, points) in enumerate(forms.items()):
        line = [(x, y) for x, y, _ in points]
        colour = style.SERIES[number]
        label = FORM_NAMES.get(form, form)
        axes.plot(*zip(*line, strict=True), marker=style.MARKERS[number], color=colour, label=label)
        named.append([Name(text, (x, y), colour) for x, y, text in points])
    axes.margins(x=0.05, y=0.1)
    axes.legend(loc="lower right")
    name_points(axes, [name for line in named for name in line], [[name.point for name in line] for line in named])


def latency(inputs: Inputs, folder: Path) -> bool:
    """nDCG@10 against measured search time of a query; False where the benchmark knows none of the dimensions."""
    measured, evaluation = inputs.latency, inputs.main
    shared = timed_dims(evaluation, measured)
    if not measured or not shared:
        return False
    note = (
        f"Quality: {caption(evaluation)}. Time: median of one query at a time over {measured['documents']:,} random "
        f"vectors, k = {measured['k']}, {measured['threads']} thread(s); reports/bench/eval_dims.json names the "
        "processor. Labels: dimensions."
    )
    title = f"{MAIN} against search time"
    with style.chart(folder, f"latency-{evaluation['set']}", title, note, size=(7.0, 4.4)) as (axes,):
        axes.set_xlabel("milliseconds a query (lower is faster)")
        axes.set_ylabel(MAIN)
        scores = evaluation["quantisation"]
        forms = {
            form: [(measured["dims"][dim][form]["batch_1"], scores[dim][form][MAIN], dim) for dim in dims]
            for form in FORMS
            if (dims := [dim for dim in shared if form in measured["dims"][dim]])
        }
        _lines_of_forms(axes, forms)
    return True


def queries(inputs: Inputs, evaluation: Evaluation, folder: Path) -> None:
    """nDCG@10 of every query before and after retrieval training."""
    columns = [read_columns(per_query_file(inputs.root, evaluation["set"], row))[MAIN] for row in (BEFORE, FINAL)]
    before, after = (np.array([float(value) for value in column]) for column in columns)
    tested = changes(evaluation)
    p = f", {p_value(evaluation, tested)} after Holm" if tested else ""
    better, worse = int((after > before).sum()), int((after < before).sum())
    note = f"{caption(evaluation)}. Area: number of queries at a point."
    title = f"{better} queries gain by retrieval training, {worse} lose, {len(after) - better - worse} stay{p}"
    with style.chart(folder, f"queries-{evaluation['set']}", title, note, size=(5.6, 5.2)) as (axes,):
        points, counts = np.unique(np.stack([before, after], axis=1).round(2), axis=0, return_counts=True)
        colours = np.where(points[:, 1] > points[:, 0], style.BLUE, style.GREY)
        colours = np.where(points[:, 1] < points[:, 0], style.VERMILLION, colours)
        axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle="--")
        axes.scatter(points[:, 0], points[:, 1], s=12 + 8 * counts, c=list(colours), alpha=0.6, linewidths=0)
        axes.set_xlim(-0.06, 1.06)
        axes.set_ylim(-0.06, 1.06)
        axes.set_aspect("equal")
        axes.set_xlabel(f"{MAIN} before ({systems.label(BEFORE)})")
        axes.set_ylabel(f"{MAIN} after ({systems.label(FINAL)})")


def per_query_file(root: Path, set_name: str, row: str) -> Path:
    """Where the measures of every query lie."""
    return root / "reports" / "per_query" / set_name / f"{row}.tsv"

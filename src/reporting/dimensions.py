"""Shorter vectors and smaller indexes: what they keep of retrieval, their memory and their search time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.evaluation.metrics import BRIEF, MAIN
from src.evaluation.results import Evaluation
from src.reporting import names, style
from src.reporting.inputs import Inputs
from src.reporting.labels import Name, name_points
from src.reporting.retrieval import LEVEL, caption
from src.reporting.section import Figure, Part, Section
from src.reporting.tables import Cell, Table, interval, percent

if TYPE_CHECKING:
    pass

FORMS = ("float32", "int8", "binary_rescored", "binary")
FORM_NAMES = {"binary_rescored": "binary, rescored by int8"}


def section(inputs: Inputs) -> Section:
    """Shorter vectors and smaller indexes."""
    curve = f"{MAIN} of the retrieval model against the number of dimensions"
    parts: list[Part] = [Figure("dimensions", curve, partial(draw_dimensions, inputs.evaluations))]
    for name, evaluation in inputs.evaluations.items():
        bytes_ = f"{MAIN} against bytes a document on {name}, by form of the index"
        parts += [
            dimensions(evaluation),
            Figure(f"memory-{name}", bytes_, partial(draw_memory, evaluation)),
            quantisation(evaluation),
        ]
    if inputs.latency and timed_dims(inputs.main, inputs.latency):
        name = inputs.main["set"]
        draw = partial(draw_latency, inputs.main, inputs.latency)
        parts.append(Figure(f"latency-{name}", f"{MAIN} against milliseconds a query on {name}", draw))
        parts.append(latency(inputs.main, inputs.latency))
    plots = [plot(inputs.main), memory_plot(inputs)]
    return Section("Dimensions, memory, speed", "the Matryoshka curve and points to deploy at", parts, plots)


def dimensions(evaluation: Evaluation) -> Table:
    """The retrieval model cut to each dimension."""
    rows: list[list[Cell]] = []
    marks: dict[tuple[int, int], str] = {}
    for number, (dim, found) in enumerate(evaluation["matryoshka"].items()):
        lost = [percent(-found["loss_relative"]), interval([-bound for bound in found["loss_interval"][::-1]])]
        cells: list[Cell] = [*lost] if number else [None, None]
        rows.append([int(dim), found["bytes_per_document"], *(found[key] for key in BRIEF), *cells])
        if number and found["loss_p_holm"] < LEVEL:
            marks[number, len(BRIEF) + 2] = "\\*"
    header = ["dimensions", "bytes a document", *BRIEF, f"{MAIN} change", "its 95 % interval (points)"]
    notes = (
        "One encoding; the vectors are cut and brought back to unit length. Change: against the whole vector; "
        f"\\* p < {LEVEL} (paired randomisation over queries, Holm over the dimensions)."
    )
    return Table(f"dimensions-{evaluation['set']}", header, rows, caption(evaluation), notes, marks)


def quantisation(evaluation: Evaluation) -> Table:
    """nDCG@10 and recall of each dimension in each form of the index."""
    rows: list[list[Cell]] = [
        [int(dim), form, found["bytes_per_document"], *(found[key] for key in ("P@1", "R@10", MAIN))]
        for dim, forms in evaluation["quantisation"].items()
        for form, found in forms.items()
    ]
    header = ["dimensions", "form", "bytes a document", "P@1", "R@10", MAIN]
    settings = evaluation["settings"]
    notes = f"binary_rescored: {settings['binary_rescored']}; the int8 codes it reads may lie on disk and do not count."
    return Table(f"quantisation-{evaluation['set']}", header, rows, caption(evaluation), notes)


def timed_dims(evaluation: Evaluation, measured: Mapping[str, Any] | None) -> list[str]:
    """Dimensions of a set's smaller indexes whose search times the benchmark has measured."""
    return [dim for dim in evaluation["quantisation"] if measured and dim in measured["dims"]]


def latency(evaluation: Evaluation, measured: Mapping[str, Any]) -> Table:
    """Search times of a query, one at a time and in batches, beside bytes and nDCG@10 of each deployment point."""
    batches = ("batch_1", f"batch_{measured['batch']}")
    rows: list[list[Cell]] = [
        [
            int(dim),
            form,
            found["bytes_per_document"],
            *(milliseconds(timed[form], batch) for batch in batches),
            found[MAIN],
        ]
        for dim in timed_dims(evaluation, measured)
        for form, found in evaluation["quantisation"][dim].items()
        if (timed := measured["dims"][dim]) and form in timed
    ]
    header = [
        "dimensions",
        "form",
        "bytes a document",
        "ms, one query",
        f"ms a query, {measured['batch']} at once",
        MAIN,
    ]
    notes = (
        f"Times: medians over {measured['documents']:,} random vectors, k = {measured['k']}, {measured['threads']} "
        "thread(s), without the query's encoding; reports/bench/eval_dims.json names the processor."
    )
    return Table(f"latency-{evaluation['set']}", header, rows, caption(evaluation), notes)


def milliseconds(timed: Mapping[str, float], batch: str) -> str:
    """A time with the digits that such a measurement has."""
    return f"{timed[batch]:.2f}"


def draw_dimensions(evaluations: Mapping[str, Evaluation], target: Path) -> None:
    """nDCG@10 of the retrieval model against the vector's length, all sets in one chart."""
    notes = "; ".join(caption(evaluation) for evaluation in evaluations.values())
    note = f"{notes}. One encoding, cut and renormalised. Bands: 95 % intervals of the loss against the whole vector."
    title = f"{MAIN} against the length of the vector"
    with style.chart(target, title, note) as (axes,):
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
        style.powers_of_two(axes, sorted({int(dim) for found in evaluations.values() for dim in found["matryoshka"]}))
        axes.set_xlabel("dimensions (float32: 4 bytes each)")
        axes.set_ylabel(MAIN)
        axes.legend(loc="lower right")


def draw_memory(evaluation: Evaluation, target: Path) -> None:
    """nDCG@10 against bytes a document, a line for each form of the index."""
    note = f"{caption(evaluation)}. Labels: dimensions. binary, rescored: its int8 codes may lie on disk, not counted."
    title = f"{MAIN} against the memory of the index"
    with style.chart(target, title, note, size=(7.0, 4.4)) as (axes,):
        style.powers_of_two(axes, _ticks(evaluation))
        axes.set_xlabel("bytes a document")
        axes.set_ylabel(MAIN)
        found = evaluation["quantisation"].items()
        _lines_of_forms(
            axes,
            {form: [(by[form]["bytes_per_document"], by[form][MAIN], dim) for dim, by in found] for form in FORMS},
        )


def _ticks(evaluation: Evaluation) -> list[float]:
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


def draw_latency(evaluation: Evaluation, measured: Mapping[str, Any], target: Path) -> None:
    """nDCG@10 against measured search time of a query."""
    shared = timed_dims(evaluation, measured)
    note = (
        f"Quality: {caption(evaluation)}. Time: median of one query at a time over {measured['documents']:,} random "
        f"vectors, k = {measured['k']}, {measured['threads']} thread(s); reports/bench/eval_dims.json names the "
        "processor. Labels: dimensions."
    )
    title = f"{MAIN} against search time"
    with style.chart(target, title, note, size=(7.0, 4.4)) as (axes,):
        axes.set_xlabel("milliseconds a query (lower is faster)")
        axes.set_ylabel(MAIN)
        scores = evaluation["quantisation"]
        forms = {
            form: [(measured["dims"][dim][form]["batch_1"], scores[dim][form][MAIN], dim) for dim in dims]
            for form in FORMS
            if (dims := [dim for dim in shared if form in measured["dims"][dim]])
        }
        _lines_of_forms(axes, forms)


def plot(evaluation: Evaluation) -> Table:
    """The curve of the first set alone: DVC draws one line through all rows of a file."""
    rows: list[list[Cell]] = [
        [evaluation["set"], names.protocol(evaluation), int(dim), found["bytes_per_document"]]
        + [found[measure] for measure in BRIEF]
        for dim, found in evaluation["matryoshka"].items()
    ]
    return Table("dimensions", ["set", "protocol", "dimensions", "bytes", *BRIEF], rows)


def memory_plot(inputs: Inputs) -> Table:
    """Every form of every dimension, with its bytes."""
    rows: list[list[Cell]] = [
        [name, names.protocol(evaluation), form, int(dim), found["bytes_per_document"], found[MAIN]]
        for name, evaluation in inputs.evaluations.items()
        for dim, forms in evaluation["quantisation"].items()
        for form, found in forms.items()
    ]
    return Table("memory", ["set", "protocol", "form", "dimensions", "bytes", MAIN], rows)

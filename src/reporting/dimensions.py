"""Shorter vectors and smaller indexes: what they keep of retrieval, their memory and their search time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.checked import read_result
from src.evaluation.metrics import BRIEF, MAIN
from src.evaluation.results import Evaluation, Scores
from src.reporting import names, style
from src.reporting.charts import Effect, by_dimension
from src.reporting.inputs import Inputs
from src.reporting.retrieval import LEVEL, caption
from src.reporting.section import Figure, Part, Section
from src.reporting.tables import Cell, Table, interval, opposite, percent, starred

TIMES = "reports/bench/eval_dims.json"
FORMS = ("float32", "int8", "binary_rescored", "binary")
FORM_NAMES = {"binary_rescored": "binary, rescored by int8"}


class Repeated(TypedDict):
    """Milliseconds a query: median and quartiles of repeats."""

    median: float
    low: float
    high: float


class Latency(TypedDict):
    """Times of encoding, {"batch_1": …, "batch_32": …}, and of searching vectors, {dimension: {form: the same}}."""

    documents: int
    k: int
    batch: int
    threads: int
    encoding: dict[str, Repeated]
    dims: dict[str, dict[str, dict[str, Repeated]]]


class Benchmark(TypedDict):
    """What of TIMES the report shows."""

    latency: Latency


def section(inputs: Inputs) -> Section:
    """Shorter vectors and smaller indexes."""
    curve = f"{MAIN} of the retrieval model by number of dimensions, and its change against the whole vector"
    parts: list[Part] = [Figure("dimensions", curve, partial(draw_dimensions, inputs.evaluations))]
    times = read_result(Benchmark, inputs.root / TIMES)["latency"]
    for name, evaluation in inputs.evaluations.items():
        words = f"{MAIN} against bytes a document on {name}, by form of the index"
        memory = Figure(f"memory-{name}", words, partial(draw_memory, evaluation))
        parts += [dimensions(evaluation), memory, indexes(evaluation, times)]
    if any(dim in times["dims"] for dim in inputs.main["quantisation"]):
        name = inputs.main["set"]
        words = f"{MAIN} against milliseconds of a search on {name}, by form of the index"
        parts.append(Figure(f"latency-{name}", words, partial(draw_latency, inputs.main, times)))
    what = "the Matryoshka curve and points to deploy at"
    return Section("Dimensions, memory, speed", what, parts, [plot(inputs.main)])


def dimensions(evaluation: Evaluation) -> Table:
    """The retrieval model cut to each dimension."""
    rows: list[list[Cell]] = []
    for number, (dim, cut) in enumerate(evaluation["matryoshka"].items()):
        change: list[Cell] = [None, None]
        if number:  # the first is the whole vector
            lost = starred(percent(-cut["loss_relative"]), cut["loss_p_holm"] < LEVEL)
            change = [lost, interval(opposite(cut["loss_interval"]))]
        rows.append([int(dim), cut["bytes_per_document"], *(cut[key] for key in BRIEF), *change])
    header = ["dimensions", "bytes a document", *BRIEF, f"{MAIN} change", "its 95 % interval (points)"]
    notes = (
        "One encoding; the vectors are cut and brought back to unit length. Change: against the whole vector; "
        f"\\* p < {LEVEL} (paired randomisation over queries, Holm over the dimensions)."
    )
    return Table(f"dimensions-{evaluation['set']}", header, rows, caption(evaluation), notes)


def _points(evaluation: Evaluation) -> Iterable[tuple[str, str, Scores]]:
    """Dimension, form of the index and measures of every smaller index."""
    for dim, forms in evaluation["quantisation"].items():
        for form, measured in forms.items():
            yield dim, form, measured


def indexes(evaluation: Evaluation, times: Latency) -> Table:
    """Every form of the index at each dimension: memory, quality, and search times where the benchmark took them."""
    rows: list[list[Cell]] = []
    for dim, form, measured in _points(evaluation):
        timed = times["dims"].get(dim, {}).get(form, {})
        taken = [_time(timed[batch]) if timed else None for batch in ("batch_1", f"batch_{times['batch']}")]
        rows.append([int(dim), form, *(measured[key] for key in ("bytes_per_document", "P@1", "R@10", MAIN)), *taken])
    header = ["dimensions", "form", "bytes a document", "P@1", "R@10", MAIN]
    header += ["ms, one query", f"ms a query, {times['batch']} at once"]
    notes = (
        f"binary_rescored: {evaluation['settings']['binary_rescored']}; the int8 codes it reads may lie on disk and do "
        f"not count. Times: medians and quartiles of a search of {times['documents']:,} random vectors, "
        f"k = {times['k']}, {times['threads']} thread(s). Encoding the query comes on top, "
        f"{_time(times['encoding']['batch_1'])} ms with an encoder of MiniLM's size. {TIMES} names the processor."
    )
    return Table(f"indexes-{evaluation['set']}", header, rows, caption(evaluation), notes)


def _time(taken: Repeated) -> str:
    """Milliseconds with their quartiles."""
    return f"{taken['median']:.2f} [{taken['low']:.2f}, {taken['high']:.2f}]"


def draw_dimensions(evaluations: Mapping[str, Evaluation], target: Path) -> None:
    """nDCG@10 of the retrieval model by the vector's length, and its change against the whole vector, by set."""
    levels, changes = {}, {}
    for evaluation in evaluations.values():
        cuts = {int(dim): cut for dim, cut in evaluation["matryoshka"].items()}
        name, whole = names.retrieval_set(evaluation), max(cuts)
        levels[name] = {dim: cut[MAIN] for dim, cut in cuts.items()}
        changes[name] = {
            dim: Effect(levels[name][dim] - levels[name][whole], opposite(cut["loss_interval"]))
            for dim, cut in cuts.items()
            if dim != whole
        }
    notes = "; ".join(caption(evaluation) for evaluation in evaluations.values())
    words = (f"{MAIN} by the length of the vector", f"{notes}. One encoding, cut and renormalised.", MAIN)
    by_dimension(target, words, levels, ("change against the whole vector, 95 %", changes))


def draw_memory(evaluation: Evaluation, target: Path) -> None:
    """nDCG@10 against bytes a document."""
    bytes_ = {(dim, form): measured["bytes_per_document"] for dim, form, measured in _points(evaluation)}
    note = "binary, rescored: its int8 codes may lie on disk, not counted."
    draw_forms(target, evaluation, bytes_, (f"{MAIN} against the memory of the index", note, "bytes a document"))


def draw_latency(evaluation: Evaluation, times: Latency, target: Path) -> None:
    """nDCG@10 against measured search time of a query."""
    taken = {(dim, form): of["batch_1"]["median"] for dim, forms in times["dims"].items() for form, of in forms.items()}
    note = (
        f"Search in {times['documents']:,} random vectors, one query, k = {times['k']}, {times['threads']} thread(s): "
        f"medians. Encoding it comes on top, {times['encoding']['batch_1']['median']:.1f} ms at MiniLM's size."
    )
    draw_forms(target, evaluation, taken, (f"{MAIN} against search time", note, "milliseconds of a search"))


def draw_forms(
    target: Path, evaluation: Evaluation, costs: Mapping[tuple[str, str], float], words: tuple[str, str, str]
) -> None:
    """nDCG@10 against what an index costs, a line for each form, marks as large as there are dimensions.

    Args:
        costs: by dimension and form; a point without one is left out.
        words: title, note, and what the costs are.
    """
    title, note, cost = words
    points = [(dim, form, costs[dim, form], m[MAIN]) for dim, form, m in _points(evaluation) if (dim, form) in costs]
    dims = ", ".join(dict.fromkeys(dim for dim, *_ in points))
    note = f"{caption(evaluation)}. {note} Marks, from large to small: {dims} dimensions."
    with style.chart(target, title, note, size=(7.0, 4.6)) as (axes,):
        for number, form in enumerate(FORMS):
            sizes, x, y = zip(*((int(dim), x, y) for dim, of, x, y in points if of == form), strict=True)
            looks: dict[str, Any] = {"color": style.SERIES[number], "label": FORM_NAMES.get(form, form)}
            axes.plot(x, y, color=style.SERIES[number])
            axes.scatter(x, y, s=12 * np.log2(sizes), marker=style.MARKERS[number], **looks)
        drawn = [x for _, _, x, _ in points]
        low, high = (math.floor(math.log2(bound)) for bound in (min(drawn), max(drawn)))
        style.powers_of_two(axes, [2.0**power for power in range(low, high + 1)])
        axes.set_xlabel(cost)
        axes.set_ylabel(MAIN)
        style.legend_below(axes, columns=len(FORMS))


def plot(evaluation: Evaluation) -> Table:
    """The curve of the first set alone: DVC draws one line through all rows of a file."""
    where = (evaluation["set"], names.protocol(evaluation))
    rows: list[list[Cell]] = [
        [*where, int(dim), cut["bytes_per_document"], *(cut[key] for key in BRIEF)]
        for dim, cut in evaluation["matryoshka"].items()
    ]
    return Table("dimensions", ["set", "protocol", "dimensions", "bytes", *BRIEF], rows)

"""Shorter vectors and smaller indexes: what they keep of retrieval, their memory and their search time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from src.evaluation.metrics import BRIEF, MAIN
from src.evaluation.results import Evaluation, Scores
from src.reporting import names, style
from src.reporting.charts import Effect, by_dimension
from src.reporting.inputs import Inputs, Latency, Repeated
from src.reporting.labels import Name, name_points
from src.reporting.retrieval import LEVEL, caption
from src.reporting.section import Figure, Part, Section
from src.reporting.tables import Cell, Table, interval, opposite, percent, starred

FORMS = ("float32", "int8", "binary_rescored", "binary")
FORM_NAMES = {"binary_rescored": "binary, rescored by int8"}


def section(inputs: Inputs) -> Section:
    """Shorter vectors and smaller indexes."""
    curve = f"{MAIN} of the retrieval model by number of dimensions, and its change against the whole vector"
    parts: list[Part] = [Figure("dimensions", curve, partial(draw_dimensions, inputs.evaluations))]
    for name, evaluation in inputs.evaluations.items():
        bytes_ = f"{MAIN} against bytes a document on {name}, by form of the index"
        memory = Figure(f"memory-{name}", bytes_, partial(draw_memory, evaluation))
        parts += [dimensions(evaluation), memory, quantisation(evaluation)]
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


def quantisation(evaluation: Evaluation) -> Table:
    """nDCG@10 and recall of each dimension in each form of the index."""
    shown = ("bytes_per_document", "P@1", "R@10", MAIN)
    rows: list[list[Cell]] = [
        [int(dim), form, *(measured[key] for key in shown)] for dim, form, measured in _points(evaluation)
    ]
    header = ["dimensions", "form", "bytes a document", *shown[1:]]
    rescored = evaluation["settings"]["binary_rescored"]
    notes = f"binary_rescored: {rescored}; the int8 codes it reads may lie on disk and do not count."
    return Table(f"quantisation-{evaluation['set']}", header, rows, caption(evaluation), notes)


def timed_dims(evaluation: Evaluation, times: Latency) -> list[str]:
    """Dimensions of a set's smaller indexes whose search times the benchmark has measured."""
    return [dim for dim in evaluation["quantisation"] if dim in times["dims"]]


def latency(evaluation: Evaluation, times: Latency) -> Table:
    """Search times of a query, one at a time and in batches, beside bytes and nDCG@10 of each deployment point."""
    batches = ("batch_1", f"batch_{times['batch']}")
    rows: list[list[Cell]] = [
        [int(dim), form, measured["bytes_per_document"], *(_time(timed[batch]) for batch in batches), measured[MAIN]]
        for dim, form, measured in _points(evaluation)
        if (timed := times["dims"].get(dim, {}).get(form))
    ]
    measures = ["ms, one query", f"ms a query, {times['batch']} at once", MAIN]
    notes = (
        f"Times: medians and quartiles of a search of {times['documents']:,} random vectors, k = {times['k']}, "
        f"{times['threads']} thread(s). Encoding the query comes on top, {_time(times['encoding']['batch_1'])} ms "
        "with an encoder of MiniLM's size. reports/bench/eval_dims.json names the processor."
    )
    header = ["dimensions", "form", "bytes a document", *measures]
    return Table(f"latency-{evaluation['set']}", header, rows, caption(evaluation), notes)


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
    """nDCG@10 against bytes a document, a line for each form of the index."""
    note = f"{caption(evaluation)}. Labels: dimensions. binary, rescored: its int8 codes may lie on disk, not counted."
    points = list(_points(evaluation))
    forms = {
        form: [(measured["bytes_per_document"], measured[MAIN], dim) for dim, of, measured in points if of == form]
        for form in FORMS
    }
    with style.chart(target, f"{MAIN} against the memory of the index", note, size=(7.0, 4.6)) as (axes,):
        style.powers_of_two(axes, sorted({measured["bytes_per_document"] for *_, measured in points}))
        axes.set_xlabel("bytes a document")
        _draw_forms(axes, forms)


def draw_latency(evaluation: Evaluation, times: Latency, target: Path) -> None:
    """nDCG@10 against measured search time of a query."""
    encoding = times["encoding"]["batch_1"]["median"]
    note = (
        f"Quality: {caption(evaluation)}. Time: encoding (MiniLM's size, {encoding:.1f} ms) and "
        f"search of one query in {times['documents']:,} random vectors, k = {times['k']}, {times['threads']} "
        "thread(s), medians with the quartiles of the search; reports/bench/eval_dims.json names the processor. "
        "Labels: dimensions, where there is room."
    )
    timed = {(dim, form): batches["batch_1"] for dim, by in times["dims"].items() for form, batches in by.items()}
    points = [
        (timed[dim, of], measured[MAIN], dim, of) for dim, of, measured in _points(evaluation) if (dim, of) in timed
    ]
    forms = {form: [(encoding + took["median"], y, dim) for took, y, dim, of in points if of == form] for form in FORMS}
    with style.chart(target, f"{MAIN} against search time", note, size=(7.0, 4.6)) as (axes,):
        axes.set_xlabel("milliseconds a query, encoding included (lower is faster)")
        for took, y, *_ in points:
            axes.plot([encoding + took["low"], encoding + took["high"]], [y, y], color=style.BLACK, linewidth=1.1)
        _draw_forms(axes, {form: points for form, points in forms.items() if points})


def _draw_forms(axes: Any, forms: Mapping[str, list[tuple[float, float, str]]]) -> None:
    """A line for each form of the index through its points (x, y, name), which are named in its colour."""
    lines, named = [], []
    for number, (form, points) in enumerate(forms.items()):
        lines.append([(x, y) for x, y, _ in points])
        looks = {"marker": style.MARKERS[number], "color": style.SERIES[number], "label": FORM_NAMES.get(form, form)}
        axes.plot(*zip(*lines[-1], strict=True), **looks)
        named += [Name(text, (x, y), style.SERIES[number]) for x, y, text in points]
    axes.set_ylabel(MAIN)
    axes.margins(x=0.05, y=0.1)
    style.legend_below(axes, columns=len(forms))
    name_points(axes, named, lines)


def plot(evaluation: Evaluation) -> Table:
    """The curve of the first set alone: DVC draws one line through all rows of a file."""
    where = (evaluation["set"], names.protocol(evaluation))
    rows: list[list[Cell]] = [
        [*where, int(dim), cut["bytes_per_document"], *(cut[key] for key in BRIEF)]
        for dim, cut in evaluation["matryoshka"].items()
    ]
    return Table("dimensions", ["set", "protocol", "dimensions", "bytes", *BRIEF], rows)


def memory_plot(inputs: Inputs) -> Table:
    """Every form of every dimension, with its bytes."""
    rows: list[list[Cell]] = [
        [name, names.protocol(evaluation), form, int(dim), measured["bytes_per_document"], measured[MAIN]]
        for name, evaluation in inputs.evaluations.items()
        for dim, form, measured in _points(evaluation)
    ]
    return Table("memory", ["set", "protocol", "form", "dimensions", "bytes", MAIN], rows)

"""Tables of retrieval: every model on a set, the paper's Table I, dimensions, smaller indexes, significance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src.evaluation.metrics import SHOWN as MEASURES
from src.recipe import systems
from src.recipe.stages import BEFORE, FINAL
from src.reporting import names
from src.reporting.tables import Cell, Table, interval, percent

if TYPE_CHECKING:
    from src.evaluation.expected import Entry

TABLE_1 = ("P@1", "P@5", "P@10", "MRR@10")
# Late-interaction rows that gains are taken over: the paper's own baseline where it is measured, else ours.
BASELINES = ("turkish-colbert", "colbert")
MAIN = "nDCG@10"
LEVEL = 0.05
Evaluation = Mapping[str, Any]


def models(evaluation: Evaluation, not_run: Sequence[Entry] = ()) -> Table:
    """Every row of a set with every measure; marks say what differs from the result and from ColBERT.

    Args:
        not_run: published rows of other models, which are shown below ours and named as published.
    """
    header = ["model", *MEASURES[:-1], "95 % interval", MEASURES[-1]]
    rows: list[list[Cell]] = []
    marks: dict[tuple[int, int], str] = {}
    for number, (name, scores) in enumerate(evaluation["models"].items()):
        bounds = interval(evaluation["intervals"][name][MAIN])
        rows.append([systems.label(name), *(scores[key] for key in MEASURES[:-1]), bounds, scores[MEASURES[-1]]])
        for column, measure in enumerate(header):
            mark = _mark(evaluation, measure, name)
            if mark:
                marks[number, column] = mark
    for entry in not_run:
        values = [entry.values.get(key) for key in MEASURES]
        rows.append([f"{entry.model} (published)", *values[:-1], None, values[-1]])
    tests = evaluation["significance"]
    notes = (
        f"† differs from {systems.label(FINAL)}, ‡ from {systems.label(baseline(evaluation))}, p < {LEVEL} after "
        f"Holm's correction ({tests['test']}; tested: {', '.join(tests['pairs'])}). Interval of {MAIN}: "
        f"{tests['interval']}, seed {tests['seed']}.{weights(evaluation)}{dropped(evaluation)}"
    )
    if not_run:
        notes += " (published): not run here, the values of its source (expected.yaml)."
    return Table(f"models-{evaluation['set']}", header, rows, caption(evaluation), notes, marks)


def weights(evaluation: Evaluation) -> str:
    """A sentence on each model whose weights are not the original numbers, empty where all are."""
    settings = evaluation["settings"]
    known = {name: model.get("weights") for name, model in settings.get("published", {}).items()}
    known |= {f"{systems.label('base')} and what was trained from it": settings.get("base_weights")}
    return "".join(f" {name}: {told}." for name, told in known.items() if told)


def dropped(evaluation: Evaluation) -> str:
    """A sentence on what was left out of the set, empty where nothing was; queries of other splits are no loss."""
    losses = ("empty_documents", "empty_queries", "queries_without_relevant_document")
    found = [f"{count} {what.replace('_', ' ')}" for what in losses if (count := evaluation["dropped"].get(what))]
    return f" Left out: {', '.join(found)}." if found else ""


def baseline(evaluation: Evaluation) -> str:
    """The late-interaction row that the table is compared with."""
    return next(name for name in BASELINES if name in evaluation["models"])


def caption(evaluation: Evaluation) -> str:
    """Set, whether it is synthetic, and protocol."""
    return f"{names.retrieval_set(evaluation)}: {names.protocol(evaluation)}"


def pair(evaluation: Evaluation, measure: str, name: str, other: str) -> dict[str, Any] | None:
    """The comparison of two rows on a measure as if `name` came first; None where it was not tested."""
    for found in evaluation["significance"].get("pairs", {}).get(measure, []):
        if (found["a"], found["b"]) == (name, other):
            return dict(found)
        if (found["b"], found["a"]) == (name, other):
            low, high = found["interval"]
            return {**found, "a": name, "b": other, "difference": -found["difference"], "interval": [-high, -low]}
    return None


def p_value(evaluation: Evaluation, tested: Mapping[str, Any]) -> str:
    """`p = 0.012` after Holm's correction, or `p < 0.001` where no sign flip reached the difference."""
    sign = "<" if tested["p"] <= evaluation["significance"]["p_floor"] else "="
    return f"p {sign} {tested['p_holm']:.2g}"


def _mark(evaluation: Evaluation, measure: str, name: str) -> str:
    found = (
        (sign, pair(evaluation, measure, name, other)) for sign, other in (("†", FINAL), ("‡", baseline(evaluation)))
    )
    return "".join(sign for sign, tested in found if tested and tested["significant"])


def table_1(evaluation: Evaluation) -> Table:
    """The paper's Table I in its shape: each model, and its gain over the ColBERT baseline."""
    over = baseline(evaluation)
    base = evaluation["models"][over]
    rows: list[list[Cell]] = []
    for name, scores in evaluation["models"].items():
        gains = [percent(scores[key] / base[key] - 1) if base[key] and name != over else None for key in TABLE_1]
        rows.append([systems.label(name), *(scores[key] for key in TABLE_1), *gains])
    header = ["model", *TABLE_1, *(f"{key}, gain" for key in TABLE_1)]
    notes = f"Gain: relative to {systems.label(over)}, the late-interaction baseline of this run."
    return Table(f"table_1-{evaluation['set']}", header, rows, caption(evaluation), notes)


def significance(evaluation: Evaluation) -> Table:
    """Differences of nDCG@10 between every two rows; * where significant."""
    listed = list(evaluation["models"])
    rows: list[list[Cell]] = []
    marks: dict[tuple[int, int], str] = {}
    for number, name in enumerate(listed):
        cells: list[Cell] = [systems.label(name)]
        for place, other in enumerate(listed):
            tested = pair(evaluation, MAIN, name, other)
            cells.append(f"{tested['difference']:+.3f}" if tested else None)
            if tested and tested["significant"]:
                marks[number, place + 1] = "\\*"
        rows.append(cells)
    notes = f"Row minus column. \\* p < {LEVEL}: {evaluation['significance'].get('test', 'not tested')}."
    header = [f"{MAIN} difference", *map(systems.label, listed)]
    return Table(f"significance-{evaluation['set']}", header, rows, caption(evaluation), notes, marks)


def dimensions(evaluation: Evaluation) -> Table:
    """The retrieval model cut to each dimension."""
    shown = ("P@1", "R@10", "R@100", "MRR@10", MAIN)
    rows: list[list[Cell]] = []
    marks: dict[tuple[int, int], str] = {}
    for number, (dim, found) in enumerate(evaluation["matryoshka"].items()):
        lost = [percent(-found["loss_relative"]), interval([-bound for bound in found["loss_interval"][::-1]])]
        cells: list[Cell] = [*lost] if number else [None, None]
        rows.append([int(dim), found["bytes_per_document"], *(found[key] for key in shown), *cells])
        if number and found["loss_p_holm"] < LEVEL:
            marks[number, len(shown) + 2] = "\\*"
    header = ["dimensions", "bytes a document", *shown, f"{MAIN} change", "its 95 % interval (points)"]
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


def changes(evaluation: Evaluation) -> dict[str, Any] | None:
    """What retrieval training changed on a set: the comparison of the result with the model before."""
    return pair(evaluation, MAIN, FINAL, BEFORE)

"""Retrieval: every system on every set, and the paper's Table I in its shape."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from src.evaluation.expected import Entry, unmeasured
from src.evaluation.metrics import MAIN
from src.evaluation.metrics import SHOWN as MEASURES
from src.evaluation.results import Evaluation, Measured, Pair
from src.recipe import systems
from src.recipe.stages import FINAL
from src.reporting import names, style
from src.reporting.inputs import Inputs
from src.reporting.section import Figure, Part, Section
from src.reporting.tables import Cell, Marked, Table, interval, opposite, percent, starred

TABLE_1 = ("P@1", "P@5", "P@10", "MRR@10")
# Late-interaction rows that gains are taken over: the paper's own baseline where it is measured, else ours.
BASELINES = ("turkish-colbert", "colbert")
LEVEL = 0.05


def section(inputs: Inputs) -> Section:
    """The main table of every set."""
    parts: list[Part] = []
    for name, evaluation in inputs.evaluations.items():
        alternative = f"{MAIN} of every model on {name} with 95 % intervals"
        figure = Figure(f"models-{name}", alternative, partial(draw_models, evaluation))
        rows = models(evaluation, unmeasured(inputs.expected, name, evaluation))
        parts += [f"### {names.retrieval_set(evaluation)}", rows, figure, significance(evaluation)]
    what = "all measures with intervals, and what differs significantly from what"
    return Section("Every model", what, parts, [plot(inputs)])


def models(evaluation: Evaluation, not_run: Sequence[Entry] = ()) -> Table:
    """Every row of a set with every measure; marks say what differs from the result and from ColBERT.

    Args:
        not_run: published rows of other models, which are shown below ours and named as published.
    """
    rows: list[list[Cell]] = []
    for name, scores in evaluation["models"].items():
        values: list[Cell] = [Marked(scores[key], _signs(evaluation, key, name)) for key in MEASURES]
        bounds = interval(evaluation["intervals"][name][MAIN])
        rows.append([systems.label(name), *values[:-1], bounds, values[-1]])
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
    header = ["model", *MEASURES[:-1], "95 % interval", MEASURES[-1]]
    return Table(f"models-{evaluation['set']}", header, rows, caption(evaluation), notes)


def weights(evaluation: Evaluation) -> str:
    """A sentence on each model whose weights are not the original numbers, empty where all are."""
    settings = evaluation["settings"]
    known = {name: model.get("weights") for name, model in settings["published"].items()}
    known |= {f"{systems.label('base')} and what was trained from it": settings.get("base_weights")}
    return "".join(f" {name}: {words}." for name, words in known.items() if words)


def dropped(evaluation: Evaluation) -> str:
    """A sentence on what was left out of the set, empty where nothing was; queries of other splits are no loss."""
    losses = ("empty_documents", "empty_queries", "queries_without_relevant_document")
    counts = [f"{count} {what.replace('_', ' ')}" for what in losses if (count := evaluation["dropped"].get(what))]
    return f" Left out: {', '.join(counts)}." if counts else ""


def baseline(evaluation: Evaluation) -> str:
    """The late-interaction row that the table is compared with."""
    return next(name for name in BASELINES if name in evaluation["models"])


def caption(evaluation: Evaluation) -> str:
    """Set, whether it is synthetic, and protocol."""
    return f"{names.retrieval_set(evaluation)}: {names.protocol(evaluation)}"


def pair(evaluation: Measured, measure: str, name: str, other: str) -> Pair | None:
    """The comparison of two rows on a measure as if `name` came first; None where it was not tested."""
    for tested in evaluation["significance"].get("pairs", {}).get(measure, []):
        if (tested["a"], tested["b"]) == (name, other):
            return tested
        if (tested["b"], tested["a"]) == (name, other):
            bounds = list(opposite(tested["interval"]))
            return {**tested, "a": name, "b": other, "difference": -tested["difference"], "interval": bounds}
    return None


def p_value(evaluation: Evaluation, tested: Pair) -> str:
    """`p = 0.012` after Holm's correction, or `p < 0.001` where no sign flip reached the difference."""
    sign = "<" if tested["p"] <= evaluation["significance"]["p_floor"] else "="
    return f"p {sign} {tested['p_holm']:.2g}"


def _signs(evaluation: Evaluation, measure: str, name: str) -> str:
    others = {"†": FINAL, "‡": baseline(evaluation)}
    tested = {sign: pair(evaluation, measure, name, other) for sign, other in others.items()}
    return "".join(sign for sign, test in tested.items() if test and test["significant"])


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
    for name in listed:
        tests = [pair(evaluation, MAIN, name, other) for other in listed]
        cells = [starred(f"{test['difference']:+.3f}", test["significant"]) if test else None for test in tests]
        rows.append([systems.label(name), *cells])
    notes = f"Row minus column. \\* p < {LEVEL}: {evaluation['significance'].get('test', 'not tested')}."
    header = [f"{MAIN} difference", *map(systems.label, listed)]
    return Table(f"significance-{evaluation['set']}", header, rows, caption(evaluation), notes)


def draw_models(evaluation: Evaluation, target: Path) -> None:
    """nDCG@10 of every model with its interval."""
    rows = list(evaluation["models"])[::-1]
    scores = np.array([evaluation["models"][row][MAIN] for row in rows])
    bounds = np.array([evaluation["intervals"][row][MAIN] for row in rows])
    note = f"{caption(evaluation)}. Lines: 95 % bootstrap intervals."
    size = (7.0, 1.6 + 0.32 * len(rows))
    with style.chart(target, f"{MAIN} of every model", note, size=size) as (axes,):
        axes.barh(range(len(rows)), scores, color=[systems.colour(row) for row in rows], height=0.7)
        around = np.abs(bounds.T - scores)
        axes.errorbar(scores, range(len(rows)), xerr=around, fmt="none", ecolor=style.BLACK, capsize=3, linewidth=1.1)
        for height, (score, high) in enumerate(zip(scores, bounds[:, 1], strict=True)):
            axes.text(max(score, high) + 0.012, height, f"{score:.3f}", va="center", fontsize=8.5)
        axes.set_yticks(range(len(rows)), [systems.label(row) for row in rows])
        axes.set_xlim(0, min(1.12, max(bounds[:, 1].max(), scores.max()) * 1.12 + 0.03))
        axes.set_xlabel(MAIN)
        axes.grid(axis="y", visible=False)


def plot(inputs: Inputs) -> Table:
    """Every score beside its protocol; labels name the set where there are several, since no two bars may share one."""
    several = len(inputs.evaluations) > 1
    rows: list[list[Cell]] = []
    for name, evaluation in inputs.evaluations.items():
        for row, scores in evaluation["models"].items():
            label = systems.label(row) + (f", {name}" if several else "")
            rows.append([label, name, names.protocol(evaluation), *(scores[measure] for measure in MEASURES)])
    return Table("models", ["model", "set", "protocol", *MEASURES], rows)

"""The ablations: a table and a chart for each question, and retrieval against similarity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.evaluation.metrics import MAIN
from src.reporting import names, style, variants
from src.reporting.inputs import Inputs
from src.reporting.labels import Name, name_points
from src.reporting.markdown import slug
from src.reporting.section import Figure, Part, Section
from src.reporting.tables import Cell, Table, interval, share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Rows = Mapping[str, Mapping[str, Any]]
_SETS_SHOWN = 2  # beside each other; the tables hold them all


_WORDS = {
    variants.BATCH: "The paper used batches of 1024 and saw gains up to 4096.",
    variants.ORDER: "The recipe is NLI → STS → retrieval; here steps are left out or change places.",
    variants.SETTINGS: "The paper trains every Matryoshka dimension and freezes early layers, without the number.",
    variants.SOURCES: "Retrieval pairs by origin, at equal size; inverse cloze pairs are made of the passages alone.",
    variants.FORGETTING: "Beyond the paper: replay of STS batches, and similarity distillation from the model before.",
    variants.NEGATIVES: "Beyond the paper: mined hard negatives, and false negatives masked.",
    variants.INTERPOLATION: "Weighted means of the weights before and after retrieval training, without further "
    "training.",
}


def section(inputs: Inputs) -> Section:
    """Every question with its table and figure, or a sentence why there are none."""
    if inputs.ablation is None:
        return Section("Ablations", "none of this run", [inputs.no_ablation])
    found = variants.groups(inputs.ablation)
    parts: list[Part] = [
        "Each variant is trained and measured by itself, on equally many pairs, and compared with the reference on the "
        "same queries and pairs. Rows and epochs differ from the main run's, so these figures compare with each other, "
        "not with the tables above; who picks a setting by them has seen the test sets (docs/ablations.md)."
    ]
    for key, rows in found.items():
        parts += [f"### {variants.QUESTIONS[key]}", _WORDS[key], table(key, rows, inputs)]
        if key != variants.INTERPOLATION:
            draw = partial(draw_batches if key == variants.BATCH else partial(draw_bars, key), rows, inputs)
            alternative = f"{variants.QUESTIONS[key]}: {MAIN} and Spearman of each variant"
            parts.append(Figure(f"ablation-{key}", alternative, draw))
    parts += [f"Left out: {name}, since {reason}." for name, reason in inputs.ablation["left_out"].items()]
    alternative = f"{MAIN} against Spearman: weight interpolation as a curve, variants as points"
    parts += ["### Retrieval against similarity", Figure("pareto", alternative, partial(draw_trade, inputs))]
    questions = " · ".join(f"[{variants.in_a_sentence(key)}](#{slug(variants.QUESTIONS[key])})" for key in found)
    return Section("Ablations", questions, parts)


def table(key: str, rows: Rows, inputs: Inputs) -> Table:
    """The variants of a group against the reference."""
    assert inputs.ablation is not None
    sets, reference = inputs.ablation["sets"], inputs.ablation["reference"]
    several = len(inputs.ablation["settings"]["seeds"]) > 1
    cells: list[list[Cell]] = []
    marks: dict[tuple[int, int], str] = {}
    for number, (name, row) in enumerate(rows.items()):
        line: list[Cell] = [variants.label(name, row, inputs)]
        for part in (*(row["retrieval"][set_name] for set_name in sets), row["sts"]):
            if part.get("significant"):
                marks[number, len(line) + 1] = "\\*"
            line += [spread(part), *(_change(part) if name != reference else (None, None))]
            line += [part.get("p_seeds")] if several else []
        shared = row["sts"].get("drop_share")
        cells.append([*line, f"{row['sts']['drop']:+.4f}", None if shared is None else share(shared)])
    header = ["variant"]
    for shown in (*(f"{MAIN}, {set_name}" for set_name in sets), "Spearman"):
        header += [shown, "change", "95 % interval", *(["p over seeds"] if several else [])]
    header += ["STS drop", "of the reference's drop"]
    return Table(f"ablation-{key}", header, cells, caption(inputs), notes(inputs), marks)


def spread(value: Mapping[str, float]) -> str:
    """`0.7171` or, over seeds, `0.7171 ± 0.0042`."""
    return f"{value['mean']:.4f}" + (f" ± {value['sd']:.4f}" if "sd" in value else "")


def _change(part: Mapping[str, Any]) -> tuple[Cell, Cell]:
    return f"{part['difference']:+.4f}", interval(part["interval"])


def caption(inputs: Inputs) -> str:
    """Sets, n, rows, epochs and seeds of all variants."""
    assert inputs.ablation is not None
    settings_ = inputs.ablation["settings"]
    sets = ", ".join(
        f"{names.retrieval_set(found)} (n = {found['protocol']['queries']:,} queries)"
        for found in (inputs.evaluations[name] for name in inputs.ablation["sets"])
    )
    sts = names.marked(inputs.sts["set"], bool(inputs.cards["sts"]["synthetic"]))
    rows = f"{settings_['rows']:,}"
    seeds = ("seeds " if len(settings_["seeds"]) > 1 else "seed ") + ", ".join(map(str, settings_["seeds"]))
    epochs = "the recipe's epochs" if settings_["epochs"] is None else f"{settings_['epochs']:g} epoch(s)"
    pairs = inputs.sts["protocol"]["pairs"]
    return f"{sets}; {sts} (n = {pairs:,} pairs); every variant: {rows} retrieval pairs, {epochs}, {seeds}"


def notes(inputs: Inputs) -> str:
    """How the changes were tested."""
    assert inputs.ablation is not None
    rules = inputs.ablation["protocol"]
    spreads = (
        f" ± is the standard deviation over seeds; p over seeds: {rules['p_seeds']}."
        if len(inputs.ablation["settings"]["seeds"]) > 1
        else ""
    )
    return (
        f"Change: against the reference; \\* significant at 0.05. {MAIN}: {_of_sets(rules['retrieval_test'])}. "
        f"Spearman: {rules['sts_test']}. STS drop: what retrieval training took; below zero it gained.{spreads}"
    )


def _of_sets(words: dict[str, str]) -> str:
    """A rule of every set in one sentence; once where it is the same for all."""
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return "; ".join(f"{name}: {rule}" for name, rule in words.items())


def draw_batches(rows: Rows, inputs: Inputs, target: Path) -> None:
    """nDCG@10 and Spearman's correlation against the batch size."""
    ordered = sorted(rows.values(), key=lambda row: variants.size(row, inputs))
    sizes = [variants.size(row, inputs) for row in ordered]
    note = f"{caption(inputs)}. Bars: 95 % intervals of the difference from the reference."
    with style.chart(target, "Batch size of the retrieval step", note, size=(7.0, 3.8), grid=(1, 2)) as (
        left,
        right,
    ):
        for number, (name, parts) in enumerate(_measured(ordered, inputs)):
            axes = right if name == "STS" else left
            _line(axes, sizes, parts, number, None if name == "STS" else name)
        left.set_ylabel(MAIN)
        right.set_ylabel(f"Spearman, {inputs.sts['set']}")
        left.legend(loc="lower right", fontsize=7.5)
        for axes in (left, right):
            style.powers_of_two(axes, sizes)
            axes.margins(x=0.08, y=0.25)
            axes.set_xlabel("pairs in a batch")


def _measured(rows: list[Mapping[str, Any]], inputs: Inputs) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """[(set or STS, one value a row)]."""
    assert inputs.ablation is not None
    sets = inputs.ablation["sets"][:_SETS_SHOWN]
    found = [(names.retrieval_set(inputs.evaluations[name]), [row["retrieval"][name] for row in rows]) for name in sets]
    return [*found, ("STS", [row["sts"] for row in rows])]


def _line(axes: Axes, xs: list[int], parts: list[Mapping[str, Any]], number: int, label: str | None) -> None:
    """A line with intervals and a label at every point."""
    means = np.array([part["mean"] for part in parts])
    colour, marker = style.SERIES[number], style.MARKERS[number]
    axes.errorbar(xs, means, yerr=_around(parts), marker=marker, color=colour, capsize=3, elinewidth=0.9, label=label)
    for x, mean in zip(xs, means, strict=True):
        style.label(axes, f"{mean:.3f}", (x, mean), color=colour)


def _around(parts: list[Mapping[str, Any]]) -> np.ndarray:
    """How far the interval of the difference reaches below and above each mean, (2, rows); 0 for the reference."""
    reach = [
        (part["difference"] - part["interval"][0], part["interval"][1] - part["difference"])
        if "interval" in part
        else (0.0, 0.0)
        for part in parts
    ]
    return np.maximum(np.array(reach).T, 0.0)


def draw_bars(key: str, rows: Rows, inputs: Inputs, target: Path) -> None:
    """nDCG@10 of the main set and Spearman's correlation of every variant of a group, and the reference's as a line."""
    labels = [style.wrap(variants.label(name, row, inputs), 2.2, 8) for name, row in rows.items()]
    measured = _measured(list(rows.values()), inputs)
    note = f"{caption(inputs)}. Black: 95 % interval of the difference from the reference (dashed)."
    height = 1.9 + 0.42 * len(rows)
    with style.chart(target, variants.QUESTIONS[key], note, size=(7.6, height), grid=(1, len(measured))) as panels:
        for number, (axes, (name, parts)) in enumerate(zip(panels, measured, strict=True)):
            means = np.array([part["mean"] for part in parts])
            colours = [style.GREY, *[style.ORANGE if name == "STS" else style.BLUE] * (len(parts) - 1)]
            places = np.arange(len(parts))[::-1]
            axes.barh(places, means, color=colours, height=0.66, xerr=_around(parts), ecolor=style.BLACK, capsize=3)
            axes.axvline(means[0], color=style.BLACK, linewidth=0.8, linestyle="--")
            top = (means + _around(parts)[1]).max()
            for place, mean in zip(places, means, strict=True):  # in a column, clear of bars, intervals and line
                axes.text(1.04 * top, place, f"{mean:.3f}", va="center", fontsize=8)
            axes.set_xlim(0, 1.25 * top)
            axes.set_yticks(places, labels if number == 0 else [""] * len(labels), fontsize=8)
            axes.grid(axis="y", visible=False)
            axes.set_title("Spearman after" if name == "STS" else f"{MAIN}\n{name}", fontsize=8)


def draw_trade(inputs: Inputs, target: Path) -> None:
    """Retrieval against similarity: weight interpolation as a curve, and variants as points."""
    assert inputs.ablation is not None
    main, found = inputs.ablation["sets"][0], variants.groups(inputs.ablation)
    note = f"{caption(inputs)}. Shown: {main}. Up and to the right is better."
    title = "What retrieval gains against what similarity keeps"
    with style.chart(target, title, note, size=(7.0, 4.8)) as (axes,):
        shares = _interpolation_curve(axes, inputs.ablation["pareto"], main)
        named: list[Name] = []
        for number, key in enumerate(
            key for key in (variants.FORGETTING, variants.NEGATIVES, variants.SETTINGS) if key in found
        ):
            rows = {name: row for name, row in found[key].items() if name != inputs.ablation["reference"]}
            xs = [row["sts"]["mean"] for row in rows.values()]
            ys = [row["retrieval"][main]["mean"] for row in rows.values()]
            colour, marker, label = style.SERIES[number], style.MARKERS[1 + number], variants.in_a_sentence(key)
            axes.plot(xs, ys, linestyle="none", color=colour, marker=marker, label=label, zorder=4)
            named += [Name(row.replace("_", " "), (x, y), colour) for row, x, y in zip(rows, xs, ys, strict=True)]
        axes.margins(0.15)
        axes.set_xlabel(f"Spearman after retrieval training, {inputs.sts['set']}")
        axes.set_ylabel(f"{MAIN}, {main}")
        axes.legend(fontsize=7.5, loc="best")
        name_points(axes, shares + named, [[name.point for name in shares]])


def _interpolation_curve(axes: Axes, curve: list[Mapping[str, Any]], main: str) -> list[Name]:
    """Draw the curve; the names of its points."""
    places = [(point["spearman"], point["retrieval"][main]) for point in curve]
    if places:
        label = "the recipe, interpolated with the model before"
        axes.plot(*zip(*places, strict=True), color=style.BLACK, marker="o", markersize=4, linewidth=1.2, label=label)
    return [Name(share(point["share"]), place, style.BLACK) for point, place in zip(curve, places, strict=True)]

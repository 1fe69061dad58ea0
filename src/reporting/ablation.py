"""The ablations: a table and a chart for each question, and retrieval against similarity."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

from src.ablation.results import Measured, Row
from src.evaluation.metrics import MAIN
from src.reporting import names, style, variants
from src.reporting.charts import Effect, forest
from src.reporting.inputs import Inputs
from src.reporting.section import Figure, Part, Section, slug
from src.reporting.tables import Cell, Table, interval, share, starred

Rows = Mapping[str, Row]
FEWEST_SEEDS = 3  # from which on a difference may be said of a training, and not of one run of it
SHOWN = (variants.FORGETTING, variants.NEGATIVES, variants.SETTINGS)  # as points beside the curve of interpolation
_SETS_SHOWN = 2  # beside each other; the tables hold them all


def section(inputs: Inputs) -> Section:
    """Every question with its table and figure, or a sentence why there are none."""
    if inputs.ablation is None:
        return Section("Ablations", "none of this run", [inputs.no_ablation])
    groups = variants.groups(inputs.variants)
    parts: list[Part] = [
        "Each variant is trained and measured by itself and compared with the reference, or with the variant that it "
        "names, on the same queries and pairs. Pairs (epochs counted) and optimizer updates may differ from the main "
        "run's, so these figures compare with each other, not with the tables above; who picks a setting by them has "
        "seen the test sets (docs/ablations.md)."
    ]
    for key, rows in groups.items():
        question = variants.QUESTIONS[key]
        parts += [f"### {question.heading}", question.words, table(key, rows, inputs)]
        alternative = f"{question.heading}: change of {MAIN} and Spearman by each variant"
        if any("against" in row for row in rows.values()):
            parts.append(Figure(f"ablation-{key}", alternative, partial(draw_effects, key, rows, inputs)))
    parts += [f"Left out: {name}, since {reason}." for name, reason in inputs.variants["left_out"].items()]
    alternative = f"Change of {MAIN} against change of Spearman: weight interpolation as a curve, variants as points"
    parts += ["### Retrieval against similarity", Figure("pareto", alternative, partial(draw_pareto, inputs))]
    questions = " · ".join(
        f"[{variants.in_a_sentence(key)}](#{slug(variants.QUESTIONS[key].heading)})" for key in groups
    )
    return Section("Ablations", questions, parts)


def table(key: str, rows: Rows, inputs: Inputs) -> Table:
    """The variants of a group against the reference."""
    sets = inputs.variants["sets"]
    several = len(inputs.variants["settings"]["seeds"]) > 1
    lines: list[list[Cell]] = []
    for name, row in rows.items():
        line: list[Cell] = [variants.label(name, row, inputs), row["pairs"], row["updates"]]
        for measured in (*(row["retrieval"][set_name] for set_name in sets), row["sts"]):
            line += [spread(measured), *_change(measured), *([measured.get("p_seeds")] if several else [])]
        kept = row["sts"].get("drop_share")
        lines.append([*line, f"{row['sts']['drop']:+.4f}", None if kept is None else share(kept)])
    header = ["variant", "pairs", "updates"]
    for shown in (*(f"{MAIN}, {set_name}" for set_name in sets), "Spearman"):
        header += [shown, "change", "95 % interval", *(["p over seeds"] if several else [])]
    header += ["STS drop", "of the reference's drop"]
    return Table(f"ablation-{key}", header, lines, caption(inputs), notes(inputs))


def spread(value: Measured) -> str:
    """`0.7171` or, over seeds, `0.7171 ± 0.0042`."""
    return f"{value['mean']:.4f}" + (f" ± {value['sd']:.4f}" if "sd" in value else "")


def _change(measured: Measured) -> tuple[Cell, Cell]:
    if "difference" not in measured:  # of the reference, or where the other was left out
        return None, None
    return starred(f"{measured['difference']:+.4f}", measured["significant"]), interval(measured["interval"])


def caption(inputs: Inputs) -> str:
    """Sets, n and seeds of all variants."""
    common = inputs.variants["settings"]
    evaluations = [inputs.evaluations[name] for name in inputs.variants["sets"]]
    sets = ", ".join(f"{names.retrieval_set(e)} (n = {e['protocol']['queries']:,} queries)" for e in evaluations)
    seeds = ("seeds " if len(common["seeds"]) > 1 else "seed ") + ", ".join(map(str, common["seeds"]))
    pairs = inputs.sts["protocol"]["pairs"]
    return f"{sets}; {inputs.sts_name} (n = {pairs:,} pairs); {seeds}"


def notes(inputs: Inputs) -> str:
    """How the changes were tested, and what one seed or two cannot say."""
    rules, seeds = inputs.variants["protocol"], len(inputs.variants["settings"]["seeds"])
    tests = rules["retrieval_test"]
    same = len(set(tests.values())) == 1
    of_sets = next(iter(tests.values())) if same else "; ".join(f"{name}: {rule}" for name, rule in tests.items())
    sentences = [
        "Pairs, updates: of the retrieval training, epochs counted; optimizer steps.",
        "Change: against the reference, or against the variant named in the row; \\* significant at 0.05.",
        f"{MAIN}: {of_sets}. Spearman: {rules['sts_test']}.",
        "STS drop: what retrieval training took; below zero it gained.",
    ]
    if seeds > 1:
        sentences.append(f"± is the standard deviation over seeds; p over seeds: {rules['p_seeds']}.")
    if seeds < FEWEST_SEEDS:
        sentences.append(
            f"Stars speak of these trained models: with fewer than {FEWEST_SEEDS} seeds not of the training."
        )
    return " ".join(sentences)


def draw_effects(key: str, rows: Rows, inputs: Inputs, target: Path) -> None:
    """The change of every measure by each variant of a group, around zero, with its value beside it."""
    others = {name: row for name, row in rows.items() if "against" in row}
    labels = []
    for name, row in others.items():
        updates = f", {row['updates']:,} updates" if "@" not in name else ""
        labels.append(style.wrap(variants.label(name, row, inputs) + updates, 2.2, 8))
    note = f"{caption(inputs)}. Difference from the reference or the variant named, 95 % interval; right: the value."
    size = (7.6, 1.9 + 0.36 * len(others))
    sets = inputs.variants["sets"][:_SETS_SHOWN]
    titles = [*(f"{MAIN}, {names.retrieval_set(inputs.evaluations[name])}" for name in sets)]
    titles.append(f"Spearman, {inputs.sts['set']}")
    reference, *measured = (
        [*(row["retrieval"][name] for name in sets), row["sts"]]
        for row in (rows[inputs.variants["reference"]], *others.values())
    )
    with style.chart(target, variants.QUESTIONS[key].heading, note, size=size, grid=(1, len(titles))) as panels:
        for number, (axes, title) in enumerate(zip(panels, titles, strict=True)):
            values = [of_row[number] for of_row in measured]
            effects = [Effect(v["difference"], v["interval"], f"{v['mean']:.3f}") for v in values]
            forest(axes, labels if number == 0 else [""] * len(labels), {title: effects}, colour=number)
            axes.set_title(f"{title}\nreference {reference[number]['mean']:.3f}", fontsize=8)


def draw_pareto(inputs: Inputs, target: Path) -> None:
    """Changes of retrieval and similarity against each other: weight interpolation as a curve, variants as points."""
    main, reference = inputs.variants["sets"][0], inputs.variants["reference"]
    groups = variants.groups(inputs.variants)
    curve = {
        float(name.partition("@")[2]): row
        for name, row in groups.get(variants.INTERPOLATION, {}).items()
        if name.startswith(f"{reference}@")
    }
    line = [_point(curve[weight], main) for weight in sorted(curve)] + [(0.0, 0.0)]
    weights = ", ".join(map(share, [*sorted(curve), 1.0]))
    note = (
        f"{caption(inputs)}. Differences from the reference with their 95 % intervals. Up and to the right is better. "
        f"The curve goes from the model before to the reference, at zero: {weights} of the trained weights."
    )
    with style.chart(target, "Retrieval against similarity", note, size=(7.0, 5.4)) as (axes,):
        axes.axhline(0, color=style.GREY, linewidth=0.8)
        axes.axvline(0, color=style.GREY, linewidth=0.8)
        axes.plot(*zip(*line, strict=True), color=style.BLACK, marker=".", linewidth=1.2, label="interpolated weights")
        for row in curve.values():
            _cross(axes, row, main, style.BLACK)
        for colour, key in zip(style.SERIES, SHOWN, strict=False):
            rows = {name: row for name, row in groups.get(key, {}).items() if row.get("against") == reference}
            for (name, row), marker in zip(rows.items(), cycle(style.MARKERS)):
                words = f"{variants.in_a_sentence(key)}: {name.replace('_', ' ')}"
                axes.scatter(*_point(row, main), color=colour, marker=marker, label=words, zorder=4)
                _cross(axes, row, main, colour)
        axes.margins(0.1)
        axes.set_xlabel(f"change of Spearman, {inputs.sts['set']}")
        axes.set_ylabel(f"change of {MAIN}, {main}")
        style.legend_below(axes, columns=2)


def _point(row: Row, main: str) -> tuple[float, float]:
    return row["sts"]["difference"], row["retrieval"][main]["difference"]


def _cross(axes: Any, row: Row, main: str, colour: str) -> None:
    """The intervals of both differences at a row's point."""
    x, y = _point(row, main)
    looks = {"color": colour, "linewidth": 0.7, "alpha": 0.45}
    axes.plot(row["sts"]["interval"], (y, y), **looks)
    axes.plot((x, x), row["retrieval"][main]["interval"], **looks)

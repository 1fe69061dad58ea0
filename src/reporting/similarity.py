"""Semantic similarity before and after retrieval training: the paper's Table III, dimensions, NLI triplets."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from src.evaluation.results import Similarity
from src.evaluation.similarity import SIMILARITIES
from src.recipe import systems
from src.recipe.stages import BEFORE, CHECKPOINTS, FINAL
from src.reporting import names, style
from src.reporting.inputs import Inputs
from src.reporting.section import Figure, Part, Section
from src.reporting.tables import Cell, Table, interval, percent

KINDS = tuple(SIMILARITIES)
MEASURES = ("pearson", "spearman")


def section(inputs: Inputs) -> Section:
    """The paper's Table III."""
    rated, nli = (bool(inputs.cards[name]["synthetic"]) for name in ("sts", "nli"))
    found = inputs.sts["forgetting"]
    relative = percent(-found["drop"] / found["before"]) if found["before"] else "–"
    bounds = interval([-bound for bound in found["interval"][::-1]])
    accuracy = triplets(inputs.sts, nli)
    by_dim = forgetting(inputs.sts, rated)
    alternative = "Spearman's correlation before and after retrieval training, by dimension"
    parts: list[Part] = [
        "The paper reports that semantic similarity falls only slightly by retrieval training; its numbers are not "
        f"among our sources, so none are compared. Ours: {found['before']:.4f} → {found['after']:.4f} ({relative}; "
        f"change {-found['drop']:+.4f}, 95 % interval {bounds}). Verdict: **{found['verdict']}**.",
        table_3(inputs.sts, rated),
        "At every dimension:",
        by_dim,
        Figure("forgetting", alternative, partial(draw_forgetting, inputs.sts, rated)),
        *([accuracy] if accuracy else []),
    ]
    what = "STS before and after retrieval, every dimension, NLI"
    return Section("Table III: semantic similarity kept", what, parts, [plot(by_dim)])


def caption(sts: Similarity, synthetic: bool) -> str:
    """Set, whether it is synthetic, and n."""
    rules = sts["protocol"]
    return f"{names.marked(sts['set'], synthetic)}: {rules['split']} split, n = {rules['pairs']:,} rated pairs"


def table_3(sts: Similarity, synthetic: bool) -> Table:
    """The paper's Table III in its shape: both correlations under four similarities, before and after retrieval."""
    rows: list[list[Cell]] = []
    for name in CHECKPOINTS:
        whole = next(iter(sts["dims"][name].values()))
        rows.append([systems.label(name), *(whole[kind][measure] for kind in KINDS for measure in MEASURES)])
    before, after = (rows[CHECKPOINTS.index(name)][1:] for name in (BEFORE, FINAL))
    changes = (float(b) - float(a) for a, b in zip(before, after, strict=True))  # type: ignore[arg-type]
    rows.append(["change by retrieval training", *(f"{change:+.4f}" for change in changes)])
    header = ["model", *(f"{kind}, {measure.title()}" for kind in KINDS for measure in MEASURES)]
    notes = "Whole vectors at unit length; distances count negatively, so that more is more similar."
    return Table("table_3", header, rows, caption(sts, synthetic), notes)


def forgetting(sts: Similarity, synthetic: bool) -> Table:
    """Spearman's correlation before and after retrieval training, at every dimension."""
    rows: list[list[Cell]] = [
        [
            int(dim),
            found["before"],
            found["after"],
            f"{-found['drop']:+.4f}",
            interval([-bound for bound in found["interval"][::-1]]),
            found["verdict"],
        ]
        for dim, found in sts["forgetting"]["dims"].items()
    ]
    header = ["dimensions", "before", "after", "change", "95 % interval", "verdict"]
    notes = f"Spearman, cosine. Interval: {sts['protocol']['interval']}, seed {sts['protocol']['seed']}."
    return Table("forgetting", header, rows, caption(sts, synthetic), notes)


def triplets(sts: Similarity, synthetic: bool) -> Table | None:
    """NLI triplet accuracy of the chain at every dimension; None where the data has no negatives."""
    nli = sts["nli"]
    if not nli:
        return None
    dims = list(nli["accuracy"][FINAL])
    rows: list[list[Cell]] = [
        [systems.label(name), *(nli["accuracy"][name][dim] for dim in dims)] for name in CHECKPOINTS
    ]
    header = ["model", *(f"{dim} dimensions" for dim in dims)]
    words = f"{names.marked(nli['set'], synthetic)}: dev split, n = {nli['triplets']:,} triplets"
    notes = "Share of triplets whose positive is nearer to the anchor than the negative (cosine)."
    return Table("nli_triplets", header, rows, words, notes)


def draw_forgetting(sts: Similarity, synthetic: bool, target: Path) -> None:
    """Spearman's correlation before and after retrieval training at every dimension, and its change."""
    dims = sts["forgetting"]["dims"]
    sizes = [int(dim) for dim in dims]
    note = f"{caption(sts, synthetic)}. Right: paired bootstrap, 95 %."
    title = "Semantic similarity before and after retrieval training"
    with style.chart(target, title, note, size=(7.0, 3.6), grid=(1, 2)) as (left, right):
        before, after = ([found["before"] for found in dims.values()], [found["after"] for found in dims.values()])
        for number, (label, values) in enumerate((("before", before), ("after", after))):
            left.plot(sizes, values, marker=style.MARKERS[number], color=style.SERIES[number], label=label)
        style.pad(left, before + after, 0.25)
        left.set_ylabel("Spearman, cosine")
        left.legend()
        change = np.array([-found["drop"] for found in dims.values()])
        low, high = zip(*((-found["interval"][1], -found["interval"][0]) for found in dims.values()), strict=True)
        around = np.stack([change - np.array(low), np.array(high) - change])
        right.axhline(0, color=style.GREY, linewidth=0.9)
        right.errorbar(sizes, change, yerr=around, fmt="o", color=style.BLACK, capsize=3)
        right.set_ylabel("change (after − before)")
        for axes in (left, right):
            style.powers_of_two(axes, sorted(sizes))
            axes.set_xlabel("dimensions")


def plot(by_dim: Table) -> Table:
    """The correlations of the table of forgetting, whose first columns are dimensions, before and after."""
    return Table("forgetting", by_dim.header[:3], [row[:3] for row in by_dim.rows])

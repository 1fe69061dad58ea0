"""Semantic similarity before and after retrieval training: the paper's Table III, dimensions, NLI triplets."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from src.evaluation.results import Triplets
from src.evaluation.similarity import SIMILARITIES
from src.recipe import systems
from src.recipe.stages import BEFORE, CHECKPOINTS, FINAL
from src.reporting import names
from src.reporting.charts import Effect, by_dimension
from src.reporting.inputs import Inputs
from src.reporting.section import Figure, Part, Section
from src.reporting.tables import Cell, Table, interval, opposite, percent

MEASURES = ("pearson", "spearman")


def section(inputs: Inputs) -> Section:
    """The paper's Table III."""
    kept = inputs.sts["forgetting"]
    relative = percent(-kept["drop"] / kept["before"]) if kept["before"] else "–"
    alternative = "Spearman's correlation before and after retrieval training, by dimension, and its change"
    parts: list[Part] = [
        "The paper reports that semantic similarity falls only slightly by retrieval training; its numbers are not "
        f"among our sources, so none are compared. Ours: {kept['before']:.4f} → {kept['after']:.4f} ({relative}; "
        f"change {-kept['drop']:+.4f}, 95 % interval {interval(opposite(kept['interval']))}). "
        f"Verdict: **{kept['verdict']}**.",
        table_3(inputs),
        "At every dimension:",
        forgetting(inputs),
        Figure("forgetting", alternative, partial(draw_forgetting, inputs)),
    ]
    if inputs.sts["nli"]:
        parts.append(triplets(inputs.sts["nli"], bool(inputs.cards["nli"]["synthetic"])))
    what = "STS before and after retrieval, every dimension, NLI"
    return Section("Table III: semantic similarity kept", what, parts)


def caption(inputs: Inputs) -> str:
    """Set, whether it is synthetic, and n."""
    rules = inputs.sts["protocol"]
    return f"{inputs.sts_name}: {rules['split']} split, n = {rules['pairs']:,} scored pairs"


def table_3(inputs: Inputs) -> Table:
    """The paper's Table III in its shape: both correlations under four similarities, before and after retrieval."""
    columns = [(kind, measure) for kind in SIMILARITIES for measure in MEASURES]
    whole = {name: next(iter(inputs.sts["dims"][name].values())) for name in CHECKPOINTS}
    values = {name: [whole[name][kind][measure] for kind, measure in columns] for name in CHECKPOINTS}
    rows: list[list[Cell]] = [[systems.label(name), *values[name]] for name in CHECKPOINTS]
    changes = [f"{after - before:+.4f}" for before, after in zip(values[BEFORE], values[FINAL], strict=True)]
    rows.append(["change by retrieval training", *changes])
    header = ["model", *(f"{kind}, {measure.title()}" for kind, measure in columns)]
    notes = "Whole vectors at unit length; distances count negatively, so that more is more similar."
    return Table("table_3", header, rows, caption(inputs), notes)


def forgetting(inputs: Inputs) -> Table:
    """Spearman's correlation before and after retrieval training, at every dimension; dvc.yaml plots its CSV."""
    rules = inputs.sts["protocol"]
    rows: list[list[Cell]] = []
    for dim, kept in inputs.sts["forgetting"]["dims"].items():
        bounds = interval(opposite(kept["interval"]))
        rows.append([int(dim), kept["before"], kept["after"], f"{-kept['drop']:+.4f}", bounds, kept["verdict"]])
    header = ["dimensions", "before", "after", "change", "95 % interval", "verdict"]
    notes = f"Spearman, cosine. Interval: {rules['interval']}, seed {rules['seed']}."
    return Table("forgetting", header, rows, caption(inputs), notes)


def triplets(nli: Triplets, synthetic: bool) -> Table:
    """NLI triplet accuracy of the chain at every dimension."""
    dims = list(nli["accuracy"][FINAL])
    rows: list[list[Cell]] = [
        [systems.label(name), *(nli["accuracy"][name][dim] for dim in dims)] for name in CHECKPOINTS
    ]
    header = ["model", *(f"{dim} dimensions" for dim in dims)]
    words = f"{names.marked(nli['set'], synthetic)}: dev split, n = {nli['triplets']:,} triplets"
    notes = "Share of triplets whose positive is nearer to the anchor than the negative (cosine)."
    return Table("nli_triplets", header, rows, words, notes)


def draw_forgetting(inputs: Inputs, target: Path) -> None:
    """Spearman's correlation before and after retrieval training at every dimension, and its change."""
    dims = {int(dim): kept for dim, kept in inputs.sts["forgetting"]["dims"].items()}
    levels = {when: {dim: kept[when] for dim, kept in dims.items()} for when in ("before", "after")}
    change = {
        dim: Effect(-kept["drop"], opposite(kept["interval"]), f"{-kept['drop']:+.3f}") for dim, kept in dims.items()
    }
    title = "Semantic similarity before and after retrieval training"
    words = (title, f"{caption(inputs)}.", "Spearman, cosine")
    by_dimension(target, words, levels, ("change (after − before), paired bootstrap, 95 %", {"change": change}))

"""Tables of semantic similarity: the paper's Table III, dimensions, NLI triplets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from src.recipe import systems
from src.recipe.stages import BEFORE, CHECKPOINTS, FINAL
from src.reporting import names
from src.reporting.tables import Cell, Table, interval

KINDS = ("cosine", "dot", "euclidean", "manhattan")
MEASURES = ("pearson", "spearman")
Similarity = Mapping[str, Any]


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

"""Ablation variants in words, grouped by the question that they answer (src/ablation/compare.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from src.recipe.stages import BLOCKS, STAGES
from src.reporting.inputs import Inputs
from src.reporting.tables import share

Row = Mapping[str, Any]


BATCH, ORDER, SETTINGS, SOURCES = "batch", "order", "settings", "sources"
FORGETTING, NEGATIVES, INTERPOLATION = "anti_forgetting", "negatives", "interpolation"
# Heading of each group, in the order of the report.
QUESTIONS = {
    BATCH: "Batch size",
    ORDER: "Which steps, in which order",
    SETTINGS: "Matryoshka and frozen layers",
    SOURCES: "Where the retrieval pairs come from",
    FORGETTING: "Anti-forgetting",
    NEGATIVES: "Hard and false negatives",
    INTERPOLATION: "Weight interpolation",
}


def groups(ablation: Mapping[str, Any]) -> dict[str, dict[str, Row]]:
    """{group: {variant: row}} in the order of QUESTIONS, the reference first in each; only groups with a variant."""
    reference = ablation["reference"]
    found: dict[str, dict[str, Row]] = {key: {reference: ablation["rows"][reference]} for key in QUESTIONS}
    for name, row in ablation["rows"].items():
        if name != reference:
            found[group(name, row)][name] = row
    return {key: rows for key, rows in found.items() if len(rows) > 1}


def group(name: str, row: Row) -> str:
    """Which question a variant answers, told from what its row changes."""
    changed = row["row"]
    train = dict(changed.get("train", {}))
    if "@" in name:
        return INTERPOLATION
    if changed.get("mix"):
        return SOURCES
    if set(train) == {"batch_size"}:
        return BATCH
    if "anti_forgetting" in train:
        return FORGETTING
    if {"hard_negatives", "false_negatives"} & set(train):
        return NEGATIVES
    alone = set(changed) <= {"path", "interpolations"}
    return ORDER if alone else SETTINGS


def in_a_sentence(key: str) -> str:
    """A group's heading within a sentence."""
    words = QUESTIONS[key]
    return words if words.startswith("Matryoshka") else words[0].lower() + words[1:]


def label(name: str, row: Row, inputs: Inputs) -> str:
    """A variant in words, from its row of params."""
    changed = row["row"]
    steps = " → ".join(STAGES[name].title for name in row["path"])
    reference = inputs.ablation["reference"] if inputs.ablation else None
    variant, interpolated, weight = name.partition("@")
    if interpolated:
        weights = f"{share(float(weight))} of the trained weights"
        return weights if variant == reference else f"{label(variant, row, inputs)}; {weights}"
    if name == reference:
        return f"{steps}, batch {inputs.params.train.batch_size:,} (reference)"
    parts = [] if tuple(row["path"]) == tuple(STAGES) else [steps]
    parts += [f"{share(part)} {source.replace('_', ' ')}" for source, part in changed.get("mix", {}).items()]
    parts += ["no Matryoshka"] if changed.get("matryoshka") is False else []
    for block in BLOCKS:
        parts += settings(changed.get(block, {}), "" if block == "train" else f"{block}.")
    return ", ".join(parts) or name


def settings(changes: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Changed keys with their values, nested ones without the name of their block."""
    found: list[str] = []
    for key, value in changes.items():
        if isinstance(value, Mapping):
            found += settings(value, prefix)
        else:
            words = f"{prefix}{key.replace('_', ' ')}"
            found.append({True: words, False: f"no {words}"}[value] if isinstance(value, bool) else f"{words} {value}")
    return found


def size(row: Row, inputs: Inputs) -> int:
    """The batch size of a variant's retrieval step."""
    return int(row["row"].get("train", {}).get("batch_size", inputs.params.train.batch_size))

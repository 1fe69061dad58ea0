"""Ablation variants in words, grouped by the question that they answer (src/ablation/compare.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from src.ablation.results import Comparison, Row
from src.recipe.stages import BLOCKS, STAGES
from src.reporting.inputs import Inputs
from src.reporting.tables import share


class Question(NamedTuple):
    """A group of variants: its heading, and a sentence below it."""

    heading: str
    words: str


BATCH, ORDER, SETTINGS, SOURCES = "batch", "order", "settings", "sources"
FORGETTING, NEGATIVES, INTERPOLATION = "anti_forgetting", "negatives", "interpolation"
# In the order of the report.
QUESTIONS = {
    BATCH: Question("Batch size", "The paper used batches of 1024 and saw gains up to 4096."),
    ORDER: Question(
        "Which steps, in which order", "The recipe is NLI → STS → retrieval; here steps are left out or change places."
    ),
    SETTINGS: Question(
        "Matryoshka and frozen layers",
        "The paper trains every Matryoshka dimension and freezes early layers, without the number.",
    ),
    SOURCES: Question(
        "Where the retrieval pairs come from",
        "Retrieval pairs by origin, at equal size; inverse cloze pairs are made of the passages alone.",
    ),
    FORGETTING: Question(
        "Anti-forgetting", "Beyond the paper: replay of STS batches, and similarity distillation from the model before."
    ),
    NEGATIVES: Question(
        "Hard and false negatives", "Beyond the paper: mined hard negatives, and false negatives masked."
    ),
    INTERPOLATION: Question(
        "Weight interpolation",
        "Weighted means of the weights before and after retrieval training, without further training.",
    ),
}


def groups(ablation: Comparison) -> dict[str, dict[str, Row]]:
    """{group: {variant: row}} in the order of QUESTIONS, the reference first in each; only groups with a variant."""
    reference = ablation["reference"]
    grouped: dict[str, dict[str, Row]] = {key: {reference: ablation["rows"][reference]} for key in QUESTIONS}
    for name, row in ablation["rows"].items():
        if name != reference:
            grouped[group(name, row)][name] = row
    return {key: rows for key, rows in grouped.items() if len(rows) > 1}


def group(name: str, row: Row) -> str:
    """Which question a variant answers, by what its row changes."""
    changed = row["row"]
    train = set(changed.get("train", {}))
    if "@" in name:
        return INTERPOLATION
    if changed.get("mix"):
        return SOURCES
    if "updates" in changed or ("batch_size" in train and train <= {"batch_size", "learning_rate"}):
        return BATCH
    if "anti_forgetting" in train:
        return FORGETTING
    if {"hard_negatives", "false_negatives"} & train:
        return NEGATIVES
    return ORDER if set(changed) <= {"path", "interpolations", "full_budget", "against"} else SETTINGS


def in_a_sentence(key: str) -> str:
    """A group's heading within a sentence."""
    words = QUESTIONS[key].heading
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
    parts += [f"at {changed['updates']:,} updates"] if "updates" in changed else []
    parts += ["full budget"] if changed.get("full_budget") else []
    against = [f"against {changed['against'].replace('_', ' ')}"] if "against" in changed else []
    return "; ".join([", ".join(parts) or name, *against])


def settings(changes: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Changed keys with their values, nested ones without the name of their block."""
    words: list[str] = []
    for key, value in changes.items():
        if isinstance(value, Mapping):
            words += settings(value, prefix)
        else:
            said = f"{prefix}{key.replace('_', ' ')}"
            words.append({True: said, False: f"no {said}"}[value] if isinstance(value, bool) else f"{said} {value}")
    return words

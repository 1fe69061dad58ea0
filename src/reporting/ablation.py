"""Ablations by the question that they answer, read from reports/ablation/comparison.json (src/ablation/compare.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from src.recipe.stages import BLOCKS, STAGES
from src.reporting import names
from src.reporting.inputs import Inputs
from src.reporting.tables import Cell, Table, interval, share

BATCH, ORDER, SETTINGS, REMEDIES, SOURCES, MIXING = "batch", "order", "settings", "remedies", "sources", "mixing"
# Heading of each group, in the order of the report.
QUESTIONS = {
    BATCH: "Batch size",
    ORDER: "Which steps, in which order",
    SETTINGS: "Matryoshka and frozen layers",
    SOURCES: "Where the retrieval pairs come from",
    REMEDIES: "Remedies",
    MIXING: "Mixing the weights before and after",
}
Row = Mapping[str, Any]


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
        return MIXING
    if changed.get("mix"):
        return SOURCES
    if set(train) == {"batch_size"}:
        return BATCH
    if "remedies" in train or "false_negatives" in train:
        return REMEDIES
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
    variant, mixed, weight = name.partition("@")
    if mixed:
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


def spread(value: Mapping[str, float]) -> str:
    """`0.7171` or, over seeds, `0.7171 ± 0.0042`."""
    return f"{value['mean']:.4f}" + (f" ± {value['sd']:.4f}" if "sd" in value else "")


def table(key: str, rows: Mapping[str, Row], inputs: Inputs) -> Table:
    """The variants of a group against the reference."""
    assert inputs.ablation is not None
    sets, reference = inputs.ablation["sets"], inputs.ablation["reference"]
    several = len(inputs.ablation["settings"]["seeds"]) > 1
    cells: list[list[Cell]] = []
    marks: dict[tuple[int, int], str] = {}
    for number, (name, row) in enumerate(rows.items()):
        line: list[Cell] = [label(name, row, inputs)]
        for part in (*(row["retrieval"][set_name] for set_name in sets), row["sts"]):
            if part.get("significant"):
                marks[number, len(line) + 1] = "\\*"
            line += [spread(part), *(_change(part) if name != reference else (None, None))]
            line += [part.get("p_seeds")] if several else []
        shared = row["sts"].get("drop_share")
        cells.append([*line, f"{row['sts']['drop']:+.4f}", None if shared is None else share(shared)])
    header = ["variant"]
    for shown in (*(f"nDCG@10, {set_name}" for set_name in sets), "Spearman"):
        header += [shown, "change", "95 % interval", *(["p over seeds"] if several else [])]
    header += ["STS drop", "of the reference's drop"]
    return Table(f"ablation-{key}", header, cells, caption(inputs), notes(inputs), marks)


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
        f"Change: against the reference; \\* significant at 0.05. nDCG@10: {_of_sets(rules['retrieval_test'])}. "
        f"Spearman: {rules['sts_test']}. STS drop: what retrieval training took; below zero it gained.{spreads}"
    )


def _of_sets(words: dict[str, str]) -> str:
    """A rule of every set in one sentence; once where it is the same for all."""
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return "; ".join(f"{name}: {rule}" for name, rule in words.items())


def size(row: Row, inputs: Inputs) -> int:
    """The batch size of a variant's retrieval step."""
    return int(row["row"].get("train", {}).get("batch_size", inputs.params.train.batch_size))

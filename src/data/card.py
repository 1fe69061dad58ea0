"""Data cards: where a set comes from, what was dropped and why, how long its texts are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired

import numpy as np
from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.checked import read_result, validated
from src.files import read_json_object, sha256

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Why rows leave train: what the card counts them under.
WHOLE = "stands in an evaluation set"
COPY = "near copy of an evaluation document"
DEV_COPY = "near copy of a dev passage"
QUANTILES = {"p5": 5, "p50": 50, "p95": 95, "max": 100}
FILE = "card.json"  # of a prepared set
Quantiles = dict[str, int]  # by the names of QUANTILES


class HubFile(TypedDict):
    """What was used of a file of the Hub."""

    rows: int
    bytes: int
    sha256: str


class Repository(TypedDict):
    """A repository of the Hub at its commit, and the files that were used."""

    repository: str
    revision: str
    pinned: bool
    files: dict[str, HubFile]


class Joined(TypedDict):
    """Rows of a split of ids that were read, and those that were dropped or noted as they were joined with texts."""

    rows: int
    dropped: dict[str, int]
    noted: dict[str, int]


class Origin(TypedDict):
    """Where a set comes from, as its source.json says."""

    source: str
    licence: str
    synthetic: bool
    note: NotRequired[str]
    revision: NotRequired[str]
    pinned: NotRequired[bool]
    repositories: NotRequired[list[Repository]]
    joined: NotRequired[dict[str, Joined]]


class Counts(TypedDict):
    """Rows of a split that were read and kept, dropped by reason, and mended or only counted."""

    read: int
    kept: int
    dropped: dict[str, int]
    noted: dict[str, int]


class Card(Origin):
    """card.json of a prepared set; the report adds the lengths in tokens.

    `protocol` is an evaluation set's; a training set has `sampling` (how rows were drawn), `carving` (of the dev split)
    and what was done about leakage.
    """

    name: str
    files: dict[str, str]
    splits: dict[str, Counts]
    words: dict[str, Quantiles]
    protocol: NotRequired[str]
    sampling: NotRequired[str | None]
    carving: NotRequired[str | None]
    leakage: NotRequired[str]
    overlap: NotRequired[float | None]
    copies: NotRequired[dict[str, int]]
    tokens: NotRequired[dict[str, Quantiles]]
    tokens_counted: NotRequired[str]


def read_card(folder: Path) -> Card:
    """The card of a prepared set. Raises UserError where there is none, or it is none."""
    return read_result(Card, folder / FILE)


def origin(folder: Path) -> Origin:
    """What FOLDER/source.json says: source, licence, synthetic, note; `unstated` where it says nothing."""
    path = folder / "source.json"
    stated = read_json_object(path) if path.is_file() else {}
    facts = {name: stated.get(name, "unstated") for name in ("source", "licence")}
    facts["synthetic"] = bool(stated.get("synthetic", False))
    facts |= {name: stated[name] for name in ("note", "revision", "pinned", "repositories") if name in stated}
    return validated(Origin, facts, path)


def checksums(files: Iterable[Path], origin: Origin) -> dict[str, str]:
    """SHA-256 of each file by its name; of a Hub data set, of the files as they are on the Hub."""
    if "repositories" in origin:
        used = [(item["repository"], item["files"]) for item in origin["repositories"]]
        return {f"{name}/{path}": file["sha256"] for name, files in used for path, file in files.items()}
    return {path.name: sha256(path) for path in sorted(files)}


def word_quantiles(texts: Iterable[str]) -> Quantiles:
    """Quantiles of the number of words."""
    return _quantiles([len(text.split()) for text in texts])


def token_quantiles(texts: list[str], tokenizer: Tokenizer) -> Quantiles:
    """Quantiles of the number of tokens, the special ones included; the tokenizer is to cut and pad nothing."""
    return _quantiles([len(encoding) for encoding in tokenizer.encode_batch_fast(texts)])


def _quantiles(lengths: list[int]) -> Quantiles:
    if not lengths:
        return {}
    return {name: int(np.percentile(lengths, share, method="lower")) for name, share in QUANTILES.items()}


def markdown(card: Card) -> str:
    """A card as a page."""
    lines = [f"# {card['name']}", ""]
    if card["synthetic"]:
        lines += ["**Synthetic data**: invented texts; numbers on them say nothing about real Turkish.", ""]
    if card.get("pinned") is False:
        lines += ["**Unpinned**: the commit below is what the Hub held; `python -m src.hub pin` fixes it.", ""]
    lines += [f"- Source: {card['source']}", f"- Licence: {card['licence']}"]
    said = ("revision", "protocol", "note", "sampling", "carving")
    lines += [f"- {name}: {value}" for name in said if (value := card.get(name))]
    if card.get("copies"):
        lines.append(_copies(card["copies"], card["overlap"] or 0.0))
    lines += [f"- `{name}`: sha256 `{digest}`" for name, digest in card["files"].items()]
    lines += ["", "| split | read | kept | dropped | mended or counted |", "|---|---:|---:|---|---|"]
    for split, counts in card["splits"].items():
        dropped, mended = _counts(counts["dropped"]), _counts(counts["noted"])
        lines.append(f"| {split} | {counts['read']} | {counts['kept']} | {dropped} | {mended} |")
    lines += ["", "| texts | unit | p5 | p50 | p95 | max |", "|---|---|---:|---:|---:|---:|"]
    for unit, lengths in (("words", card["words"]), ("tokens", card.get("tokens", {}))):
        for column, quantiles in lengths.items():
            lines.append(f"| {column} | {unit} | " + " | ".join(str(quantiles[name]) for name in QUANTILES) + " |")
    return "\n".join(lines) + "\n"


def _copies(copies: dict[str, int], threshold: float) -> str:
    """How many rows were near copies, of which documents; the card as JSON names them all."""
    shown = ", ".join(
        f"{name} ({rows})" for name, rows in sorted(copies.items(), key=lambda item: (-item[1], item[0]))[:5]
    )
    return (
        f"- Near copies removed from train: {sum(copies.values())} rows that share {threshold:.0%} or more of their "
        f"word 5-grams, or of the document's, with one of {len(copies)} evaluation documents: {shown}"
        f"{', …' if len(copies) > 5 else ''}"
    )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items()) or "–"

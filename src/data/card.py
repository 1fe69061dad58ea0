"""Data cards: where a set comes from, what was dropped and why, how long its texts are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.files import read_json_object, sha256

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Why rows leave train: what the card counts them under.
WHOLE = "stands in an evaluation set"
COPY = "near copy of an evaluation document"
DEV_COPY = "near copy of a dev passage"
QUANTILES = {"p5": 5, "p50": 50, "p95": 95, "max": 100}


def origin(folder: Path) -> dict[str, Any]:
    """What FOLDER/source.json says: source, licence, synthetic, note; `unstated` where it says nothing."""
    path = folder / "source.json"
    stated = read_json_object(path) if path.is_file() else {}
    facts = {name: stated.get(name, "unstated") for name in ("source", "licence")}
    facts["synthetic"] = bool(stated.get("synthetic", False))
    return facts | {name: stated[name] for name in ("note", "revision", "pinned", "repositories") if name in stated}


def checksums(files: Iterable[Path], origin: dict[str, Any]) -> dict[str, str]:
    """SHA-256 of each file by its name; of a Hub data set, of the files as they are on the Hub."""
    if "repositories" in origin:
        used = [(item["repository"], item["files"]) for item in origin["repositories"]]
        return {f"{name}/{path}": file["sha256"] for name, files in used for path, file in files.items()}
    return {path.name: sha256(path) for path in sorted(files)}


def word_quantiles(texts: Iterable[str]) -> dict[str, int]:
    """Quantiles of the number of words."""
    return _quantiles([len(text.split()) for text in texts])


def token_quantiles(texts: list[str], tokenizer: Tokenizer) -> dict[str, int]:
    """Quantiles of the number of tokens, the special ones included; the tokenizer is to cut and pad nothing."""
    return _quantiles([len(encoding) for encoding in tokenizer.encode_batch_fast(texts)])


def _quantiles(lengths: list[int]) -> dict[str, int]:
    if not lengths:
        return {}
    return {name: int(np.percentile(lengths, share, method="lower")) for name, share in QUANTILES.items()}


def markdown(card: dict[str, Any]) -> str:
    """A card as a page."""
    lines = [f"# {card['name']}", ""]
    if card["synthetic"]:
        lines += ["**Synthetic data**: invented texts; numbers on them say nothing about real Turkish.", ""]
    if card.get("pinned") is False:
        lines += ["**Unpinned**: the commit below is what the Hub held; `python -m src.hub pin` fixes it.", ""]
    lines += [f"- Source: {card['source']}", f"- Licence: {card['licence']}"]
    said = ("revision", "protocol", "note", "sampling", "carving")
    lines += [f"- {name}: {card[name]}" for name in said if card.get(name)]
    if card.get("copies"):
        lines.append(_copies(card["copies"], card["overlap"]))
    lines += [f"- `{name}`: sha256 `{digest}`" for name, digest in card["files"].items()]
    lines += ["", "| split | read | kept | dropped | mended or counted |", "|---|---:|---:|---|---|"]
    for split, counts in card["splits"].items():
        dropped, mended = (_counts(counts[part]) for part in ("dropped", "noted"))
        lines.append(f"| {split} | {counts['read']} | {counts['kept']} | {dropped} | {mended} |")
    lines += ["", "| texts | unit | p5 | p50 | p95 | max |", "|---|---|---:|---:|---:|---:|"]
    for unit in ("words", "tokens"):
        for column, quantiles in card.get(unit, {}).items():
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

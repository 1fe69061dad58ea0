"""A training set from its folder to cleaned rows, with every dropped row counted by its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from src.checked import validated
from src.data.card import Joined
from src.data.columns import Kind, check_row
from src.data.readers import find_split, read_rows
from src.data.text import clean, is_mojibake
from src.errors import UserError
from src.files import read_json_object
from src.strict_json import Row


@dataclass
class Split:
    """Cleaned rows of one split, and what happened to the others."""

    rows: list[Row] = field(default_factory=list)
    read: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    copies: Counter[str] = field(default_factory=Counter)  # rows that held a near copy of an evaluation document


def clean_rows(kind: Kind, sources: Iterable[Path], max_words: int, unique: bool) -> Split:
    """Read, check and clean the rows of some files.

    Dropped and counted: rows with an empty text, unrepairable mojibake and, where `unique`, a repeated row. (A test
    split keeps its repeated rows: without them its numbers would not compare with others'.) Counted alone: what
    was mended in texts, and texts of more than `max_words` words.

    Raises:
        UserError: a malformed row, no row at all, or an optional column in some rows only.
    """
    split, seen = Split(), set()
    first: tuple[str, set[str]] | None = None
    for path in sources:
        for number, row in read_rows(path):
            split.read += 1
            check_row(kind, path, number, row)
            first = _as_first(first, f"{path}:{number}", row.keys() & set(kind.optional))
            cleaned = _clean_row(kind, row, split, max_words)
            if cleaned is None:
                continue
            identity = tuple(cleaned.get(column) for column in kind.texts)
            if unique and identity in seen:
                split.dropped["duplicate"] += 1
                continue
            seen.add(identity)
            split.rows.append(cleaned)
    if not split.read:
        raise UserError(f"{', '.join(map(str, sources))}: no rows; expected at least one")
    return split


def _as_first(first: tuple[str, set[str]] | None, where: str, given: set[str]) -> tuple[str, set[str]]:
    """The first row's place and optional columns. Raises UserError where another row has more or fewer of them."""
    if first is None or first[1] == given:
        return first or (where, given)
    having, lacking = (where, first[0]) if given > first[1] else (first[0], where)
    column = min(given ^ first[1])
    raise UserError(f"{lacking}: no `{column}`, which {having} has; give every row one, or none")


def count_unjoined(split: Split, folder: Path, name: str) -> None:
    """Count the rows of ids that found no texts when a Hub data set was joined (FOLDER/source.json says)."""
    path = folder / "source.json"
    stated = read_json_object(path) if path.is_file() else {}
    if joined := validated(dict[str, Joined], stated.get("joined") or {}, path).get(name):
        split.read = joined["rows"]
        split.dropped.update(joined["dropped"])
        split.mended.update(joined["noted"])


def _clean_row(kind: Kind, row: Row, split: Split, max_words: int) -> Row | None:
    cleaned: Row = {}
    for column in kind.texts:
        if column not in row:
            continue
        text = clean(row[column] or "", split.mended)
        if not text:
            split.dropped["empty text"] += 1
            return None
        if is_mojibake(text):
            split.dropped["mojibake"] += 1
            return None
        split.mended[f"over {max_words} words"] += len(text.split()) > max_words
        cleaned[column] = text
    tags = {tag: str(row[tag]) for tag in kind.tags if row.get(tag) is not None}
    return cleaned | ({kind.score: row[kind.score]} if kind.score else {}) | tags


def without(split: Split, reason_of: Callable[[Row], str | None]) -> Split:
    """The split without the rows for which there is a reason to go, counted by it."""
    kept = Split(read=split.read, dropped=split.dropped.copy(), mended=split.mended, copies=split.copies)
    for row in split.rows:
        reason = reason_of(row)
        if reason is None:
            kept.rows.append(row)
        else:
            kept.dropped[reason] += 1
    return kept


def sample(split: Split, count: int | None, seed: int) -> None:
    """Keep a seeded sample of `count` rows, in their order; None keeps all."""
    if count is not None and count < len(split.rows):
        picked = np.sort(np.random.default_rng(seed).choice(len(split.rows), count, replace=False))
        split.dropped["not sampled (max_rows)"] += len(split.rows) - count
        split.rows = [split.rows[i] for i in picked]


def split_files(folder: Path, split: str, extra: list[str]) -> list[Path]:
    """The files of a split; `extra` files belong to train. Raises UserError where one is missing."""
    file = find_split(folder, split, required=split == "train")
    files = [file] if file else []
    if split == "train":
        for name in extra:
            if Path(name).name != name or not (folder / name).is_file():
                raise UserError(f"{folder}: no file {name!r}, which `files` names in params.yaml")
            files.append(folder / name)
    return files

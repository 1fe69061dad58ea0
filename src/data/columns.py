"""The columns of each kind of training set, and a row checked against them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.data.text import clean
from src.errors import UserError
from src.strict_json import Row


@dataclass(frozen=True)
class Kind:
    """Text columns that a row must have, those it may have, tags that are carried along, and the score column.

    `queries` are the text columns that hold queries; the others are passages or sentences.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    score: str | None = None
    queries: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        return self.required + self.optional

    @property
    def passages(self) -> tuple[str, ...]:
        return tuple(column for column in self.texts if column not in self.queries)


KINDS = {
    "text": Kind(("text",), tags=("source",)),
    "nli": Kind(("anchor", "positive", "negative")),
    "sts": Kind(("sentence1", "sentence2"), score="score"),
    "retrieval": Kind(("anchor", "positive"), optional=("negative",), tags=("source",), queries=("anchor",)),
}
LOWEST, HIGHEST = 0.0, 5.0


def check_row(kind: Kind, path: Path, number: int, row: Row) -> None:
    """Columns and types.

    Raises:
        UserError: a column is missing or no text; the score is no number from 0 to 5.
    """
    for column in kind.optional:
        value = row.get(column)
        if value is None or (isinstance(value, str) and not clean(value)):  # as a table writes what a row has not
            row.pop(column, None)
    for column in kind.texts:
        if column not in row:
            if column in kind.optional:
                continue
            expected = ", ".join(kind.required + ((kind.score,) if kind.score else ()))
            raise UserError(f"{path}:{number}: no column `{column}`; expected {expected}; found {', '.join(row)}")
        if row[column] is not None and not isinstance(row[column], str):
            raise UserError(f"{path}:{number}: {column} is a {type(row[column]).__name__}; expected text")
    if kind.score:
        row[kind.score] = _score(path, number, kind.score, row.get(kind.score))


def _score(path: Path, number: int, column: str, value: Any) -> float:
    plain = not isinstance(value, bool) and not (isinstance(value, str) and (not value.isascii() or "_" in value))
    try:
        score = float(value) if plain else math.nan  # float() itself takes 0_4 for 4
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not LOWEST <= score <= HIGHEST:
        raise UserError(f"{path}:{number}: {column} is {value!r}; expected a number from {LOWEST:g} to {HIGHEST:g}")
    return score

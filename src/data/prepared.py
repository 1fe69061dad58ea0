"""Rows of a prepared training set, checked by every stage that reads them: the file may have been edited by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from src.errors import UserError
from src.files import numbered_jsonl
from src.strict_json import Row

_LARGEST = float(np.finfo(np.float32).max)  # of a gold score


def read_rows(path: Path, texts: Sequence[str], score: str | None = None) -> Iterator[Row]:
    """The rows of a JSON-lines file. Raises UserError as `text_of` and `score_of` do, and where there is no file."""
    for number, row in numbered_jsonl(path):
        for column in texts:
            text_of(row, column, f"{path}:{number}")
        if score:
            score_of(row, score, f"{path}:{number}")
        yield row


def text_of(row: Row, column: str, where: str) -> str:
    """The text of a column. Raises UserError where it is missing, empty or something else; `where`: file and row."""
    text = row.get(column)
    if not isinstance(text, str) or not text.strip():
        fault = "missing" if column not in row else "empty" if isinstance(text, str) else f"{type(text).__name__}"
        raise UserError(f"{where}: {column} is {fault}; expected a text")
    return text


def score_of(row: Row, column: str, where: str) -> float:
    """The gold score of a column. Raises UserError where it is no number, or beyond float32; `where`: file and row."""
    score = row.get(column)
    if isinstance(score, bool) or not isinstance(score, int | float) or not -_LARGEST <= score <= _LARGEST:
        raise UserError(f"{where}: {column} is {score!r}; expected a number")
    return float(score)

"""Training rows, tokenised ahead: every distinct text once, rows as numbers of texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from src.data.prepared import score_of, text_of
from src.data.text import identity
from src.errors import UserError
from src.files import read_jsonl
from src.model.prompts import Prompts
from src.progress import bar
from src.strict_json import Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

States = NDArray[np.floating[Any]]
_TOKENISE_AT_ONCE = 4096  # texts handed to the tokenizer's threads together


class Columns(NamedTuple):
    """The columns that a loss reads of a row: its texts, a further text that a file may have, and the gold score."""

    texts: tuple[str, ...]
    optional: str | None = None
    score: str | None = None


RANKED = Columns(("anchor", "positive"), optional="negative")
SCORED = Columns(("sentence1", "sentence2"), score="score")


@dataclass(frozen=True)
class Rows:
    """The rows of a training file.

    Attributes:
        path: the file, for messages.
        columns: names of the text columns; a third one, `negative`, where the file has it.
        texts: the distinct texts, prompts included.
        ids: (rows, columns) numbers of each row's texts.
        gold: (rows,) float32 gold scores of scored pairs; None for rows that rank.
        same: (rows, columns) numbers that equal texts share, whatever their column, prompt, case and punctuation.
        relevant: (pairs, 2) numbers, as in `same`, of queries and their known positives; for rows that rank.
    """

    path: Path
    columns: tuple[str, ...]
    texts: list[str]
    ids: NDArray[np.int64]
    gold: NDArray[np.float32] | None
    same: NDArray[np.int64]
    relevant: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


def read_rows(path: Path, columns: Columns, prompts: Prompts, whole: Path | None = None) -> Rows:
    """The rows of a JSON-lines file with the columns that the loss needs, each text after its column's prompt.

    Args:
        whole: the set that the rows are a sample of, whose positives are known too.

    Raises:
        UserError: there is no file or no row, or one lacks a column, has an empty text or a gold score that is no
            number; the message names file, row and column.
    """
    names = columns.texts
    numbers: dict[str, int] = {}
    identities: dict[str, int] = {}
    ids: list[list[int]] = []
    same: list[list[int]] = []
    gold: list[float] = []
    for number, row in enumerate(read_jsonl(path), 1):
        names = _text_columns(path, number, row, names, columns.optional)
        texts = [text_of(row, name, f"{path}:{number}") for name in names]
        same.append([identities.setdefault(identity(text), len(identities)) for text in texts])
        prompted = [prompts.of(name) + text for name, text in zip(names, texts, strict=True)]
        ids.append([numbers.setdefault(text, len(numbers)) for text in prompted])
        if columns.score:
            gold.append(score_of(row, columns.score, f"{path}:{number}"))
    if not ids:
        raise UserError(f"{path}: no rows; expected at least one with {', '.join(names)}")
    shared = np.array(same, dtype=np.int64)
    others = [] if whole is None else list(_known_pairs(whole, names, identities))
    relevant = np.concatenate([shared[:, :2], np.array(others, dtype=np.int64).reshape(-1, 2)])
    scores = np.array(gold, dtype=np.float32) if gold else None
    return Rows(path, names, list(numbers), np.array(ids, dtype=np.int64), scores, shared, relevant)


def _text_columns(path: Path, number: int, row: Row, names: tuple[str, ...], optional: str | None) -> tuple[str, ...]:
    """A file's text columns; its first row says whether the optional one is among them."""
    if optional is None or optional in names or not row.get(optional):
        return names
    if number == 1:
        return (*names, optional)
    raise UserError(f"{path}:{number}: has a `{optional}`, and the rows before have none; give every row one, or none")


def _known_pairs(path: Path, columns: tuple[str, ...], identities: dict[str, int]) -> Iterator[tuple[int, int]]:
    """The first two columns of a file's rows by number, where both have one."""
    for number, row in enumerate(read_jsonl(path), 1):
        first, second = (identities.get(identity(text_of(row, name, f"{path}:{number}"))) for name in columns[:2])
        if first is not None and second is not None:
            yield first, second


@dataclass(frozen=True)
class Tokens:
    """Token ids of texts, one after another: text t is `flat[starts[t] : starts[t + 1]]`.

    Attributes:
        cut: numbers of the texts that were longer than the limit.
        states: (tokens, size) output of the encoder's frozen layers, where it is kept.
    """

    flat: NDArray[np.int32]
    starts: NDArray[np.int64]
    pad_id: int
    cut: NDArray[np.int64]
    states: States | None = None

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each text."""
        return np.diff(self.starts)

    def padded(self, texts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], States | None]:
        """Token ids and attention mask of some texts, padded on the right: two (texts, longest) arrays.

        And the frozen layers' outputs, padded with zeros, where they are kept: (texts, longest, size).
        """
        positions, mask = self.positions(texts)
        ids = np.full(mask.shape, self.pad_id, dtype=np.int64)
        ids[mask] = self.flat[positions]
        states: States | None = None
        if self.states is not None:
            states = np.zeros((*mask.shape, self.states.shape[1]), dtype=self.states.dtype)
            states[mask] = self.states[positions]
        return ids, mask.astype(np.int64), states

    def positions(self, texts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Positions of some texts' tokens in `flat`, and their attention mask, (texts, longest)."""
        lengths = self.starts[texts + 1] - self.starts[texts]
        columns = np.arange(lengths.max())
        mask = columns < lengths[:, None]
        return (self.starts[texts][:, None] + columns)[mask], mask


def tokenise(tokenizer: PreTrainedTokenizerBase, texts: list[str], max_length: int, quiet: bool = False) -> Tokens:
    """Tokens of each text with the special ones, cut at `max_length`."""
    parts: list[NDArray[np.int32]] = []
    cut: list[int] = []
    with bar("tokenise", "text", len(texts), quiet=quiet) as progress:
        for start in range(0, len(texts), _TOKENISE_AT_ONCE):
            batch = tokenizer(
                texts[start : start + _TOKENISE_AT_ONCE],
                truncation=True,
                max_length=max_length,
                return_attention_mask=False,
                return_token_type_ids=False,
            )
            cut += [start + at for at, encoding in enumerate(batch.encodings or []) if encoding.overflowing]
            parts.extend(np.array(ids, dtype=np.int32) for ids in batch["input_ids"])
            progress.update(len(batch["input_ids"]))
    starts = np.zeros(len(parts) + 1, dtype=np.int64)
    np.cumsum([len(part) for part in parts], out=starts[1:])
    return Tokens(np.concatenate(parts), starts, int(tokenizer.pad_token_id or 0), np.array(cut, dtype=np.int64))

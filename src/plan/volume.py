"""How much data there is, as stage prepare left it: rows, tokens of each text column, which texts are the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.data.card import FILE, read_card
from src.data.columns import KINDS
from src.evaluation.beir import PREPARED, prepared_set
from src.files import read_jsonl
from src.model.prompts import Prompts
from src.params import Params
from src.plan.cost import KNOWN
from src.training.dataset import RANKED, SCORED, numbered
from src.training.sampler import Ids

# Tokens a word: of gte-multilingual-base's vocabulary, and of a small one trained on Turkish text (12,000 pieces
# make 1.67 of a word on 3.3 million words of Turkish). Two special tokens a text come on top.
TOKENS_A_WORD, SPECIAL = 1.7, 2
_SAMPLE = 2000
_SYNTHETIC = Path("data/synthetic")


class Volume(NamedTuple):
    """Mean tokens of each text column, (rows, columns) numbers of the texts, where the figures are from."""

    tokens: tuple[float, ...]
    texts: Ids
    source: str

    @property
    def rows(self) -> int:
        return len(self.texts)

    @property
    def distinct(self) -> float:
        """The share of the texts that are left where each counts once."""
        numbers = np.sort(self.texts, axis=None)  # np.unique takes seconds for millions of numbers in a row
        return (1 + np.count_nonzero(np.diff(numbers))) / self.texts.size

    def cut(self, max_length: int) -> Volume:
        """The same rows, each text of at most `max_length` tokens."""
        return self._replace(tokens=tuple(min(count, max_length) for count in self.tokens))


def unrelated(rows: int, tokens: tuple[float, ...], source: str) -> Volume:
    """Rows of which no two share a text."""
    return Volume(tokens, np.arange(rows * len(tokens)).reshape(rows, len(tokens)), source)


def training_set(params: Params, key: str) -> Volume | None:
    """The volume of `data.KEY` as stage prepare left it, else as published or as it will be invented; None: unknown."""
    data, kind, prepared = getattr(params.data, key), KINDS[key], PREPARED / key
    if (prepared / FILE).is_file() and read_card(prepared)["name"] == data.name:
        rows = list(read_jsonl(prepared / "train.jsonl"))
        if key == "text":
            return _counted([row["text"] for row in rows])
        ids = numbered(prepared, rows, SCORED if kind.score else RANKED, Prompts())
        return Volume(tuple(_tokens([row[column] for row in rows]) for column in ids.columns), ids.same, "counted")
    invented = (16.0,) + (30.0,) * (len(kind.required) - 1)
    return _assumed(Path(data.path), getattr(params.synthesize, f"{key}_rows"), invented, data.max_rows)


def evaluation_set(name: str, params: Params) -> Volume | None:
    """Documents and queries of a set under its protocol, as one column. Else as `training_set`."""
    item, options = params.eval.sets[name], params.synthesize
    if (PREPARED / name / "corpus.jsonl").is_file():
        prepared = prepared_set(name, item)
        return _counted([*prepared.documents, *prepared.queries])
    return _assumed(Path(item.path), options.documents + options.claims_dev + options.claims_test, (48.0,))


def _assumed(path: Path, rows: int, tokens: tuple[float, ...], max_rows: int | None = None) -> Volume | None:
    """A published set, or an invented one of so many rows and tokens."""
    known = KNOWN["sets"].get(path.name)
    if known:
        return unrelated(min(known["rows"], max_rows or known["rows"]), tuple(known["tokens"]), "assumed")
    return unrelated(rows, tokens, "assumed") if _SYNTHETIC in path.parents else None


def _counted(texts: Sequence[str]) -> Volume:
    return unrelated(len(texts), (_tokens(texts),), "counted")


def _tokens(texts: Sequence[str]) -> float:
    """Mean tokens of a text."""
    words = [len(text.split()) for text in texts[:: len(texts) // _SAMPLE + 1]]
    return round(sum(words) / len(words) * TOKENS_A_WORD + SPECIAL, 1)

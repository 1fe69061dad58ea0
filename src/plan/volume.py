"""How much data there is: rows, tokens of each text column, and which texts are the same; read where it is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from src.data.card import FILE, read_card
from src.data.columns import KINDS
from src.data.evaluation_set import PROTOCOLS, read_beir
from src.data.hub_descriptor import is_hub_set
from src.data.splits import cleaned_splits
from src.files import read_jsonl
from src.model.prompts import Prompts
from src.params import Params
from src.params.schema import EvalSetParams
from src.strict_json import Row
from src.training.dataset import RANKED, SCORED, numbered
from src.training.sampler import Ids

# Tokens a word: of gte-multilingual-base's vocabulary, and of a small one trained on Turkish text (12,000 pieces
# make 1.67 of a word on 3.3 million words of Turkish). Two special tokens a text come on top.
TOKENS_A_WORD, SPECIAL = 1.7, 2
_SAMPLE = 2000
COUNTED, ASSUMED = "counted", "assumed"


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


# Rows as published; tokens are ours to assume. Of evaluation sets: documents and queries, as one column; TR-MTEB's
# protocol keeps no more documents than there are judgements.
PUBLISHED = {
    "all_nli_tr": (482_091, (20.0, 13.0, 13.0)),
    "stsb_tr": (5_749, (16.0, 16.0)),
    "msmarco_tr": (920_106, (12.0, 93.0, 93.0)),
    "msmarco_tr_triplets": (920_106, (12.0, 93.0, 93.0)),
    "scifact_tr": (5_483, (313.0,)),
    "trmteb_scifact_tr": (639, (188.0,)),
}
_SYNTHETIC = Path("data/synthetic")


def training_set(params: Params, key: str) -> Volume | None:
    """The volume of `data.KEY` as stage prepare makes it, else as published or as it will be invented; None: unknown.

    Raises:
        UserError: the data are there and malformed, or an evaluation set that they must not leak into is missing.
    """
    data, kind, rows = getattr(params.data, key), KINDS[key], _rows(params, key)
    path = Path(data.path)
    if rows is not None and key == "text":
        return unrelated(len(rows), (_tokens([row["text"] for row in rows]),), COUNTED)
    if rows is not None:
        ids = numbered(path, rows, SCORED if kind.score else RANKED, Prompts())
        return Volume(tuple(_tokens([row[column] for row in rows]) for column in ids.columns), ids.same, COUNTED)
    if path.name in PUBLISHED:
        count, tokens = PUBLISHED[path.name]
        return unrelated(min(count, data.max_rows or count), tokens, ASSUMED)
    if _SYNTHETIC in path.parents:
        invented = (16.0,) + (30.0,) * (len(kind.required) - 1)
        return unrelated(getattr(params.synthesize, f"{key}_rows"), invented, ASSUMED)
    return None


def unrelated(rows: int, tokens: tuple[float, ...], source: str) -> Volume:
    """Rows of which no two share a text."""
    return Volume(tokens, np.arange(rows * len(tokens)).reshape(rows, len(tokens)), source)


def evaluation_set(item: EvalSetParams, params: Params) -> Volume | None:
    """Documents and queries of a set under its protocol, as one column. Else as `training_set`."""
    folder, options = Path(item.path), params.synthesize
    if folder.name in PUBLISHED:
        return unrelated(*PUBLISHED[folder.name], ASSUMED)
    if folder.is_dir() and not is_hub_set(folder):
        beir = PROTOCOLS[item.protocol](read_beir(folder, item.protocol))
        documents = [f"{title} {text}" if item.title else text for title, text in beir.documents.values()]
        texts = [*documents, *beir.queries.values()]
        return unrelated(len(texts), (_tokens(texts),), COUNTED)
    if _SYNTHETIC in folder.parents:
        return unrelated(options.documents + options.claims_dev + options.claims_test, (48.0,), ASSUMED)
    return None


def _rows(params: Params, key: str) -> list[Row] | None:
    """The rows of train: what stage prepare keeps of a folder, or has kept of a Hub data set."""
    data, prepared = getattr(params.data, key), Path("data/prepared") / key
    if Path(data.path).is_dir() and not is_hub_set(Path(data.path)):
        others = [item.path for item in params.eval.sets.values()] + [params.data.nli.path, params.data.sts.path]
        if any(is_hub_set(Path(path)) for path in others):  # not here to be looked into for leaks
            prepare = params.prepare.model_copy(update={"leakage": "keep"})
            params = params.model_copy(update={"prepare": prepare})
        return cleaned_splits(key, params)["train"].rows
    if (prepared / FILE).is_file() and read_card(prepared)["name"] == data.name:
        return list(read_jsonl(prepared / "train.jsonl"))
    return None


def _tokens(texts: Sequence[str]) -> float:
    """Mean tokens of a text."""
    words = [len(text.split()) for text in texts[:: len(texts) // _SAMPLE + 1]]
    return round(sum(words) / len(words) * TOKENS_A_WORD + SPECIAL, 1)

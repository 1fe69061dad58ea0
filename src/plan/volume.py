"""How much text there is: rows of each training set and tokens of each column, counted where the data are at hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from src.params.schema import Params

# Tokens a word: of gte-multilingual-base's vocabulary, and of a small one trained on Turkish text (12,000 pieces
# make 1.67 of a word on 3.3 million words of Turkish). Two special tokens a text come on top.
TOKENS_A_WORD = 1.7
SPECIAL = 2
_SAMPLE = 2000


class Volume(NamedTuple):
    """A data set: rows, tokens of each text column of a row (mean, uncut), and where the figures come from."""

    rows: int
    tokens: tuple[float, ...]
    source: str

    def cut(self, max_rows: int | None, max_length: int) -> Volume:
        """At most `max_rows` rows and `max_length` tokens a text."""
        rows = min(self.rows, max_rows or self.rows)
        return Volume(rows, tuple(min(count, max_length) for count in self.tokens), self.source)


# Rows as published; token lengths are ours to assume (a query and a passage of MS MARCO: about 105 tokens).
HUB = {
    "all_nli_tr": Volume(482_091, (20, 13, 13), "published rows, assumed lengths"),
    "stsb_tr": Volume(5_749, (16, 16), "published rows, assumed lengths"),
    "msmarco_tr": Volume(920_106, (12, 93, 93), "published rows, assumed lengths"),
    "msmarco_tr_triplets": Volume(920_106, (12, 93, 93), "published rows, assumed lengths"),
}
# Documents and queries of evaluation sets: (documents, tokens of one, queries, tokens of one).
# TR-MTEB's protocol keeps no more documents than there are judgements.
HUB_EVAL = {"scifact_tr": (5_183, 330, 300, 28), "trmteb_scifact_tr": (339, 330, 300, 28)}
_COLUMNS = {
    "nli": ("anchor", "positive", "negative"),
    "sts": ("sentence1", "sentence2"),
    "retrieval": ("anchor", "positive", "negative"),
    "text": ("text",),
}


def training_set(params: Params, key: str) -> Volume | None:
    """The volume of `data.KEY`: counted, else as published, else (mini) from the block `synthesize`; None: unknown."""
    data = getattr(params.data, key)
    found = in_folder(Path("data/prepared") / key, key) if _is_prepared(key, data.name) else None
    found = found or in_folder(Path(data.path), key) or HUB.get(Path(data.path).name)
    if found is None and data.path.startswith("data/synthetic/"):
        rows = getattr(params.synthesize, f"{key}_rows")
        found = Volume(rows, (16.0,) + (30.0,) * (len(_COLUMNS[key]) - 1), "params.yaml, assumed lengths")
    return found


def _is_prepared(key: str, name: str) -> bool:
    card = Path("data/prepared") / key / "card.json"
    try:
        return json.loads(card.read_text(encoding="utf-8")).get("name") == name
    except (OSError, ValueError):
        return False


def in_folder(folder: Path, key: str) -> Volume | None:
    """Count the rows of a folder's train.jsonl (or .gz) and the words of the first 2,000; None where there is none."""
    for name in ("train.jsonl", "train.jsonl.gz"):
        path = folder / name
        if path.is_file():
            rows = sum(1 for line in _lines(path) if line.strip())
            sample = [json.loads(line) for line in islice(_lines(path), _SAMPLE) if line.strip()]
            columns = [column for column in _COLUMNS[key] if sample and column in sample[0]]
            return Volume(rows, tuple(_mean_tokens(sample, column) for column in columns), "counted")
    return None


def _mean_tokens(rows: list[dict[str, Any]], column: str) -> float:
    words = sum(len(str(row.get(column, "")).split()) for row in rows) / len(rows)
    return round(words * TOKENS_A_WORD + SPECIAL, 1)


def _lines(path: Path) -> Iterator[str]:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as stream:
        yield from stream


def evaluation_set(path: str) -> tuple[int, float, int, float] | None:
    """(documents, tokens of one, queries, tokens of one) of a BEIR folder or a known Hub set; None: unknown."""
    folder = Path(path)
    if folder.name in HUB_EVAL:
        return HUB_EVAL[folder.name]
    counts: list[float] = []
    for name in ("corpus.jsonl", "queries.jsonl"):
        if not (folder / name).is_file():
            return None
        rows = [json.loads(line) for line in _lines(folder / name) if line.strip()]
        counts += [len(rows), _mean_tokens(rows, "text")]
    return int(counts[0]), counts[1], int(counts[2]), counts[3]

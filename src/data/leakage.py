"""Training rows that leak from evaluation sets, found and named by their reason.

Evaluation texts are: the queries and documents of every set in `eval.sets`, the dev and test pairs of the STS set, and
the dev and test triplets of the NLI set. A training row leaks when one of its texts is one of these, up to case,
punctuation and white space, or when one of its passages is a near copy of an evaluation document (`src.data.overlap`).
That is stricter than needed for a retrieval passage that is also an evaluation document: to have been trained on a
passage is an advantage even where the question was another, so such rows go as well. A query that quotes a document is
no copy of it, so queries are compared whole alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from src.data.card import COPY, DEV_COPY, WHOLE
from src.data.columns import KINDS, Kind
from src.data.evaluation_set import read_beir
from src.data.hub import local
from src.data.overlap import Overlap, OverlapIndex
from src.data.readers import find_split, read_rows
from src.data.text import clean, key
from src.data.training_set import Split, without
from src.params import Params
from src.strict_json import Row

# Shorter texts, such as `Evet.`, stand everywhere and prove nothing.
_SHORTEST = 3  # words


@dataclass
class LeakFinder:
    """Says of a training row whether it leaks, and counts the evaluation documents that near copies are of.

    Attributes:
        keys: (`src.data.text.key`) of all evaluation texts of three words or more.
        documents: the evaluation documents.
        threshold: share of word n-grams from which on an overlap is a near copy; None: none is looked for.
        copies: {SET/ID of an evaluation document: rows that held a near copy of it}.
    """

    kind: Kind
    keys: frozenset[str]
    documents: OverlapIndex
    threshold: float | None
    copies: Counter[str] = field(default_factory=Counter)
    _known: dict[str, Overlap | None] = field(default_factory=dict)  # several queries share a passage

    def reason(self, row: Row) -> str | None:
        """Why a cleaned row has to go; None: it may stay."""
        if any(key(row[column]) in self.keys for column in self.kind.texts if column in row):
            return WHOLE
        overlaps = [self._copied(row[column]) for column in self.kind.passages if column in row]
        copied = max(filter(None, overlaps), key=lambda overlap: overlap.share, default=None)
        if copied is None:
            return None
        self.copies[copied.document] += 1
        return COPY

    def _copied(self, text: str) -> Overlap | None:
        if self.threshold is None:
            return None
        if text not in self._known:
            self._known[text] = self.documents.most(text)
        overlap = self._known[text]
        return overlap if overlap is not None and overlap.share >= self.threshold else None


def leak_finder(kind: Kind, params: Params) -> LeakFinder:
    """The finder for rows of this kind, with the texts of every evaluation set in params."""
    keys: set[str] = set()
    documents: dict[str, str] = {}
    for path in sorted({item.path for item in params.eval.sets.values()}):
        beir = read_beir(local(Path(path)))
        keys.update(key(text) for text in beir.queries.values())
        keys.update(key(text) for _, text in beir.documents.values())
        documents.update({f"{Path(path).name}/{id_}": text for id_, (_, text) in beir.documents.items()})
    for other, split in (("sts", "dev"), ("sts", "test"), ("nli", "dev"), ("nli", "test")):
        keys.update(_split_keys(other, split, params))
    whole = frozenset(text for text in keys if len(text.split()) >= _SHORTEST)
    return LeakFinder(kind, whole, OverlapIndex(documents), params.prepare.overlap)


def without_leaks(kind: Kind, train: Split, params: Params) -> Split:
    """The rows of `train` that do not leak from evaluation sets."""
    finder = leak_finder(kind, params)
    kept = without(train, finder.reason)
    kept.copies = finder.copies
    return kept


def without_copies_of_dev(kind: Kind, train: Split, dev: Split, threshold: float | None) -> Split:
    """The rows of `train` without a near copy of a passage of `dev`, for sets of queries and passages.

    Whole texts are `split_off`'s business, or that of who made the dev file.
    """
    if not kind.queries:
        return train
    passages = {str(number): row[kind.passages[0]] for number, row in enumerate(dev.rows)}
    finder = LeakFinder(kind, frozenset(), OverlapIndex(passages), threshold)
    return without(train, lambda row: DEV_COPY if finder.reason(row) else None)


def _split_keys(name: str, split: str, params: Params) -> Iterator[str]:
    folder = local(Path(getattr(params.data, name).path))
    path = find_split(folder, split, required=False) if folder.is_dir() else None
    for _, row in read_rows(path) if path else ():
        for column in KINDS[name].texts:
            if isinstance(row.get(column), str):
                yield key(clean(row[column]))

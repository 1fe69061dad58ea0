"""The texts of evaluation sets, by which leaking training rows are found.

Evaluation texts are: the queries and documents of every set in `eval.sets`, the dev and test pairs of the STS set, and
the dev and test triplets of the NLI set. A training row leaks when one of its texts is one of these, up to case,
punctuation and white space. That is stricter than needed for a retrieval passage that is also an evaluation document:
to have been trained on a passage is an advantage even where the question was another, so such rows go as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from src.data.columns import KINDS
from src.data.evaluation_set import read_beir
from src.data.hub import local
from src.data.readers import find_split, read_rows
from src.data.text import clean, key
from src.params import Params

# Shorter texts, such as `Evet.`, stand everywhere and tell nothing.
_SHORTEST = 3  # words


def evaluation_keys(params: Params) -> frozenset[str]:
    """Keys (`src.data.text.key`) of all evaluation texts of three words or more."""
    found: set[str] = set()
    for path in sorted({item.path for item in params.eval.sets.values()}):
        beir = read_beir(local(Path(path)))
        found.update(key(text) for text in beir.queries.values())
        found.update(key(text) for _, text in beir.documents.values())
    for other, split in (("sts", "dev"), ("sts", "test"), ("nli", "dev"), ("nli", "test")):
        found.update(_split_keys(other, split, params))
    return frozenset(text for text in found if len(text.split()) >= _SHORTEST)


def _split_keys(name: str, split: str, params: Params) -> Iterator[str]:
    folder = local(Path(getattr(params.data, name).path))
    path = find_split(folder, split, required=False) if folder.is_dir() else None
    for _, row in read_rows(path) if path else ():
        for column in KINDS[name].texts:
            if isinstance(row.get(column), str):
                yield key(clean(row[column])[0])

"""Near copies between training texts and evaluation documents, found by their word n-grams.

Whole-text equality misses a passage that was cut, joined or lightly edited. Two texts overlap by the share of one
text's distinct word 5-grams that stand in the other, in the direction in which it is larger: a passage that contains a
document counts as much as one that is contained in it (containment; Broder 1997, "On the resemblance and containment of
documents"). The documents are few and known, so an exact inverted index takes the place of sketches such as MinHash.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from src.data.text import key

WORDS = 5  # of an n-gram


class Overlap(NamedTuple):
    """The evaluation document that a text overlaps most, and the larger of the two containments (0 to 1)."""

    document: str
    share: float


class OverlapIndex:
    """The word n-grams of evaluation documents, each with the documents that hold it."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        """`documents`: {name: text}; those of fewer than WORDS words have no n-gram and overlap nothing."""
        self._sizes: dict[str, int] = {}
        self._holders: defaultdict[str, list[str]] = defaultdict(list)
        for name, text in documents.items():
            grams = ngrams(text)
            self._sizes[name] = len(grams)
            for gram in grams:
                self._holders[gram].append(name)

    def most(self, text: str) -> Overlap | None:
        """The largest overlap of a text with a document, ties by name; None where no n-gram is shared."""
        grams = ngrams(text)
        shared = Counter(name for gram in grams for name in self._holders.get(gram, ()))
        if not shared:
            return None
        share = {name: count / min(len(grams), self._sizes[name]) for name, count in shared.items()}
        best = min(share, key=lambda name: (-share[name], name))
        return Overlap(best, share[best])


def ngrams(text: str) -> set[str]:
    """The distinct runs of WORDS words, compared as leaks are: case, punctuation and circumflexes aside."""
    words = key(text).split()
    return {" ".join(words[start : start + WORDS]) for start in range(len(words) - WORDS + 1)}

"""BM25 for Turkish: words as Lucene's TurkishAnalyzer has them, scores by bm25s."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from src.evaluation.beir import EvalSet
from src.evaluation.runs import Run, from_rows, rounded, search_depth
from src.recipe.systems import LEXICAL
from src.turkish import APOSTROPHES, fold

# Lucene's BM25Similarity. Not tuned, so that the baseline is nobody's choice; k1 1.5 is worse (docs/evaluation.md).
K1 = 1.2
B = 0.75
# A modifier letter such as U+02BC is `\w` too, so the apostrophes are left out of it by name.
_WORD = re.compile(rf"([^\W{APOSTROPHES}]+)(?:[{APOSTROPHES}]+[^\W{APOSTROPHES}]+)*")
Tokenizer = Callable[[str], list[str]]


def words(text: str) -> list[str]:
    """The words of a text in Turkish lower case, each cut at its apostrophe.

    The apostrophe parts a name from its suffix (`İstanbul'un` → `istanbul`), as in Lucene's ApostropheFilter; before a
    word it is a quotation mark and cuts nothing.
    """
    return _WORD.findall(fold(text))


def stems() -> Tokenizer:
    """A tokenizer that also takes the suffixes off (Snowball's Turkish stemmer)."""
    import Stemmer

    stemmer = Stemmer.Stemmer("turkish")
    return lambda text: stemmer.stemWords(words(text))


def lemmas() -> Tokenizer:
    """A tokenizer that gives each word's dictionary form (simplemma's Turkish list of 1.2 million forms)."""
    import simplemma

    @functools.cache  # texts repeat their words, and simplemma's own cache is smaller than a corpus' vocabulary
    def lemma(word: str) -> str:
        # A few of the list's forms bear capitals or circumflexes, which words() has taken off.
        return fold(simplemma.lemmatize(word, lang="tr"))

    return lambda text: [lemma(word) for word in words(text)]


def tokenizers() -> dict[str, Tokenizer]:
    """The rows of BM25 that every evaluation has, and what each takes for a word."""
    return dict(zip(LEXICAL, (words, stems(), lemmas()), strict=True))


class Bm25:
    """Documents indexed for BM25 in Lucene's form; one without words keeps its row, as Lucene's empty field."""

    def __init__(self, documents: Sequence[str], tokenize: Tokenizer, k1: float = K1) -> None:
        import bm25s

        self._tokenize = tokenize
        self._vocabulary: dict[str, int] = {}
        number = self._vocabulary.setdefault
        ids = [[number(word, len(self._vocabulary)) for word in tokenize(text)] for text in documents]
        tokens = bm25s.tokenization.Tokenized(ids=ids, vocab=self._vocabulary)
        self._index = bm25s.BM25(k1=k1, b=B, method="lucene")
        self._index.index(tokens, show_progress=len(documents) > 100_000)

    def search(self, queries: Sequence[str], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The k best documents of each query; documents without a query word are no hits.

        Returns:
            Scores and rows (queries, k), best first, ties by lower row; row -1 and score 0 where there are fewer hits.
        """
        scores = np.zeros((len(queries), k), dtype=np.float32)
        rows = np.full((len(queries), k), -1, dtype=np.int64)
        for number, query in enumerate(queries):
            ids = [self._vocabulary[word] for word in self._tokenize(query) if word in self._vocabulary]
            if not ids:
                continue
            query_scores = rounded(self._index.get_scores_from_ids(ids))
            best = _best(query_scores, k)
            scores[number, : len(best)] = query_scores[best]
            rows[number, : len(best)] = best
        return scores, rows


def rank(data: EvalSet, depth: int) -> Iterator[tuple[str, Run]]:
    """The run of every form of BM25, by the name of its row."""
    for name, tokenize in tokenizers().items():
        scores, rows = Bm25(data.documents, tokenize).search(data.queries, search_depth(data, depth))
        yield name, from_rows(scores, rows, data, depth)


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Rows of the k best positive scores, ties by lower row."""
    hits = np.flatnonzero(scores > 0)
    if len(hits) > k:
        threshold = np.partition(scores[hits], len(hits) - k)[len(hits) - k]
        hits = hits[scores[hits] >= threshold]
    return hits[np.lexsort((hits, -scores[hits]))][:k].astype(np.int64)

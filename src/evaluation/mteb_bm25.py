"""MTEB's own BM25 (its model baseline-bm25s), as a row whose published values can be reproduced.

It is no fair baseline for Turkish: English stop words and stemmer, and no Turkish lower case. Ours is `lexical`.
"""

from __future__ import annotations

import numpy as np

from src.evaluation import runs
from src.evaluation.beir import EvalSet
from src.evaluation.runs import Run


def rank_mteb_bm25(data: EvalSet, depth: int) -> Run:
    """The run of bm25s with its defaults (Lucene's form, k1 1.5, b 0.75) on texts tokenised as MTEB does.

    A document is its title, a line end and its text. Documents without a query word are hits with score 0, so they
    fill the ranking in order of their ids.
    """
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")

    def words(texts: list[str]) -> list[list[str]]:
        return bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, return_ids=False, show_progress=False)

    index = bm25s.BM25()
    index.index(words([f"\n{text}" for text in data.documents]), show_progress=False)
    nothing = np.zeros(len(data.documents))  # for a query of stop words alone
    scored = [index.get_scores(query) if query else nothing for query in words(data.queries)]
    scores = runs.rounded(np.stack(scored))
    rows = np.argsort(-scores, axis=1, kind="stable")[:, : runs.search_depth(data, depth)]
    return runs.from_rows(np.take_along_axis(scores, rows, axis=1), rows, data, depth)

"""The known positives of each query, so that none of them serves as its negative."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class Relevance:
    """The known positives of each query, by numbers of texts that count as the same (`src.data.text.identity`).

    They are the positives of all rows with that query, and the query's own text.
    """

    def __init__(self, pairs: Numbers) -> None:
        """`pairs`: (pairs, 2) of a query and its positive."""
        queries = np.unique(pairs[:, 0])
        pairs = np.concatenate([pairs, np.column_stack([queries, queries])])
        size = int(pairs.max()) + 1
        self._queries, self._texts = np.divmod(np.unique(pairs[:, 0] * size + pairs[:, 1]), size)

    @property
    def pairs(self) -> Numbers:
        """(pairs, 2), sorted, each once, those of a query with its own text among them."""
        return np.column_stack([self._queries, self._texts])

    def of(self, query: int) -> Numbers:
        """The known positives of a query, ascending."""
        first, last = np.searchsorted(self._queries, [query, query + 1])
        return self._texts[first:last]

    def ignored(self, same: Numbers) -> NDArray[np.bool_]:
        """The documents of a batch that are no negatives of a query.

        Args:
            same: (B, columns); column 0 queries, column 1 positives, then negatives, if any.

        Returns:
            (B, B · (columns - 1)) bool; False at a query's own positive.
        """
        documents = same[:, 1:].T.ravel()
        order = np.argsort(documents, kind="stable")
        ignored = np.zeros((len(same), len(documents)), dtype=bool)
        for row, query in enumerate(same[:, 0].tolist()):
            known = self.of(query)
            spans = (np.searchsorted(documents, known, side, sorter=order) for side in ("left", "right"))
            for first, last in zip(*spans, strict=True):
                ignored[row, order[first:last]] = True
        np.fill_diagonal(ignored[:, : len(same)], False)
        return ignored

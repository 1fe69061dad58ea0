"""What the rows of the table are called: one name for a run's file, its measures and its label.

Published models have names of their own choosing, which must not be one of these (`is_own`).
"""

from __future__ import annotations

import re

LEXICAL = ("bm25", "bm25_stem", "bm25_lemma")
LEMMA = LEXICAL[-1]  # the one that dense encoders are held against
LATE = "colbert"
CHAIN = ("base", "nli", "sts", "retrieval")  # checkpoints in their order
BEFORE, FINAL = CHAIN[-2:]  # retrieval training; FINAL is measured at every dimension
HYBRIDS = ("hybrid", "hybrid_z")  # of LEMMA and FINAL
FORMS = ("int8", "binary", "binary_rescored")  # of quantised vectors

# Further kinds of BM25 and of fusion begin like the first one.
_OWN = re.compile(
    rf"(?:bm25(?:_\w+)?|hybrid(?:_\w+)?|{LATE}|{'|'.join(CHAIN)})(?:-\d+)?(?:[.-](?:float32|{'|'.join(FORMS)}))?",
    re.IGNORECASE,  # some file systems do not tell the case of names
)


def at_dim(row: str, dim: int) -> str:
    """The row of vectors cut to their first `dim` dimensions."""
    return f"{row}-{dim}"


def quantised(row: str, dim: int, form: str) -> str:
    """The row of one of FORMS at a dimension."""
    return f"{at_dim(row, dim)}.{form}"


def is_own(name: str) -> bool:
    """Whether a name is that of a row which the pipeline makes itself, or could be."""
    return _OWN.fullmatch(name) is not None

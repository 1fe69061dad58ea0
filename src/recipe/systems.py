"""The systems that are compared: the name of a system's run and measures, its label and its colour.

Published models have names of their own choosing, which must not be one of these (`is_own`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from src.recipe.stages import CHECKPOINTS, STAGES


@dataclass(frozen=True)
class System:
    """A row of every table: its label, and its colour in every figure."""

    label: str
    colour: str


# Greys for words alone, orange for late interaction, blues for the chain, purples for hybrids, after Okabe and Ito.
_BLUES = ("#BFE1F6", "#56B4E9", "#2E93CE", "#0072B2")
_TITLES = [stage.title for stage in STAGES.values()]
SYSTEMS = {
    "bm25": System("BM25", "#BDBDBD"),
    "bm25_stem": System("BM25 (stemmed)", "#9A9A9A"),
    "bm25_lemma": System("BM25 (lemmas)", "#6E6E6E"),
    "colbert": System("ColBERT (trained here)", "#E69F00"),
    **{
        name: System(" → ".join(_TITLES[:place]) or "base encoder", colour)
        for place, (name, colour) in enumerate(zip(CHECKPOINTS, _BLUES, strict=True))
    },
    "hybrid": System("hybrid of BM25 and retrieval (ranks)", "#E3B8D0"),
    "hybrid_z": System("hybrid of BM25 and retrieval (z-scores)", "#CC79A7"),
}
LEXICAL = tuple(name for name in SYSTEMS if name.startswith("bm25"))
LEMMA = LEXICAL[-1]  # the one that dense encoders are held against
LATE = "colbert"
HYBRIDS = tuple(name for name in SYSTEMS if name.startswith("hybrid"))  # of LEMMA and the result
FORMS = ("int8", "binary", "binary_rescored")  # of quantised vectors
TOPICS = ("forgetting", "matryoshka", "protocol")  # keys of reports/metrics.json beside those of the sets
_PUBLISHED = System("", "#009E73")

# Further kinds of BM25 and of fusion begin like the first one.
_OWN = re.compile(
    rf"(?:bm25(?:_\w+)?|hybrid(?:_\w+)?|{LATE}|{'|'.join(CHECKPOINTS)})(?:-\d+)?(?:[.-](?:float32|{'|'.join(FORMS)}))?",
    re.IGNORECASE,  # some file systems do not tell the case of names
)


def label(name: str) -> str:
    """A system in words; a published model goes by its own name."""
    return SYSTEMS[name].label if name in SYSTEMS else name


def colour(name: str) -> str:
    """A system's colour; published models share one."""
    return SYSTEMS.get(name, _PUBLISHED).colour


def at_dim(name: str, dim: int) -> str:
    """The run of vectors cut to their first `dim` dimensions."""
    return f"{name}-{dim}"


def quantised(name: str, dim: int, form: str) -> str:
    """The run of one of FORMS at a dimension."""
    return f"{at_dim(name, dim)}.{form}"


def is_own(name: str) -> bool:
    """Whether a name is that of a system which the pipeline makes itself, or could be."""
    return _OWN.fullmatch(name) is not None

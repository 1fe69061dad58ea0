"""What the evaluation stages write and the report reads: one shape for both, checked where a file is read.

docs/evaluation.md says how the values are made.
"""

from __future__ import annotations

from typing import Any, NotRequired, Required

from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

DECIMALS = 6  # of every number in a result: what a recomputation from the runs agrees to
Scores = dict[str, float]
# Measures by name, beside bytes_per_document, loss, loss_interval, loss_relative and loss_p_holm.
Shortened = dict[str, Any]


class Protocol(TypedDict):
    """The rules and sizes of a retrieval set, and where it comes from."""

    name: str
    queries: int
    documents: int
    title: bool
    self_hits: str
    source: NotRequired[str]
    synthetic: NotRequired[bool]
    revision: NotRequired[str]


class Truncated(TypedDict):
    """Tokens that an encoder reads of a query and of a document of a set, and how many are longer."""

    query_tokens: int
    document_tokens: int
    queries_cut: int
    documents_cut: int


class TruncatedTexts(TypedDict):
    """Tokens that an encoder reads of a sentence, how many sentences there are, and how many are longer."""

    tokens: int
    texts: int
    cut: int


class System(TypedDict, total=False):
    """What is known of a system that was run as it is: data/published/SET/models.json by name."""

    source: Required[str]
    revision: str | None
    kind: str
    weights: str  # what was done to them, where anything was
    pinned: bool
    sha256: str
    dim: int
    backend: str
    truncation: Truncated


class Scored(TypedDict):
    """What of a set may be compared with published values; data/published/SET/metrics.json holds no more."""

    protocol: Protocol
    models: dict[str, Scores]


class Tested(TypedDict):
    """A difference with its interval, its p-value before and after Holm's correction, and the verdict."""

    difference: float
    interval: list[float]
    p: float
    p_holm: float
    significant: bool


class Pair(Tested):
    """The difference of two systems in one measure."""

    a: str
    b: str


class Significance(TypedDict, total=False):
    """Differences between every two systems: how they were tested, and {measure: pairs}; empty for a single one."""

    interval: str
    test: str
    p_floor: float
    seed: int
    pairs: dict[str, list[Pair]]


class Settings(TypedDict):
    """How every system was run, in words and numbers."""

    depth: int
    max_length: int
    backend: str
    truncation: dict[str, Truncated]
    scores: str
    relevant: str
    bm25: str
    bm25_stem: str
    bm25_lemma: str
    hybrid: str
    hybrid_z: str
    binary_rescored: str
    quantised_depth: int
    published: dict[str, System]
    base_weights: NotRequired[str]


class Measured(TypedDict):
    """A retrieval set's measures by system, with intervals and tests."""

    set: str
    protocol: Protocol
    dropped: dict[str, int]
    models: dict[str, Scores]
    intervals: dict[str, dict[str, list[float]]]
    significance: Significance


class Evaluation(Measured):
    """reports/eval/SET.json of a retrieval set."""

    matryoshka: dict[str, Shortened]  # by dimension
    quantisation: dict[str, dict[str, Scores]]  # by dimension and form: measures, bytes_per_document
    settings: Settings


class Change(TypedDict):
    """Spearman's correlation at a dimension before and after retrieval training; `drop` is before less after."""

    before: float
    after: float
    drop: float
    interval: list[float]
    verdict: str


class Forgetting(Change):
    """The change of whole vectors, between which models, and of every dimension."""

    dims: dict[str, Change]


class Triplets(TypedDict):
    """Accuracy on NLI triplets, by model and dimension."""

    set: str
    triplets: int
    accuracy: dict[str, Scores]


class SimilarityRules(TypedDict):
    """How scored pairs are measured: the facts that are not in their values."""

    split: str
    backend: str
    vectors: str
    interval: str
    seed: int
    truncation: dict[str, TruncatedTexts]


class SimilarityProtocol(SimilarityRules):
    """The same with the number of pairs."""

    pairs: int


class Similarity(TypedDict):
    """reports/eval/sts.json."""

    set: str
    protocol: SimilarityProtocol
    models: dict[str, Scores]
    dims: dict[str, dict[str, dict[str, Scores]]]  # by model, dimension and similarity
    nli: Triplets | None
    forgetting: Forgetting

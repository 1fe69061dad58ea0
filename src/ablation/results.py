"""What a variant and the comparison of variants leave in JSON: one shape for who writes it and who reads it.

`summary.json` of a variant is explained in src/ablation/record.py, `comparison.json` in src/ablation/compare.py.
"""

from __future__ import annotations

from typing import NotRequired, Required  # typing's own carries too little before Python 3.12

from typing_extensions import TypedDict

from src.evaluation.results import Scores, Tested
from src.params.block import Settings

Origin = dict[str, str]


class Trained(TypedDict):
    """What a training stage of a variant took."""

    step: str
    rows: int
    batch_size: int
    epochs: float
    optimizer_steps: int


class LeftOut(TypedDict):
    """summary.json of a variant that the data are too few for."""

    variant: str
    row: Settings
    left_out: str
    origin: Origin


class Summary(TypedDict):
    """summary.json of a variant that was trained."""

    variant: str
    row: Settings
    path: list[str]
    start: str
    trained: list[Trained]
    settings: dict[str, list[int]]
    origin: Origin
    sets: list[str]
    sts_set: str
    retrieval: dict[str, dict[str, Scores]]
    sts: dict[str, Scores]


class Difference(Tested):
    """From the variant that it is compared with; `p_seeds` tests the seeds' means."""

    p_seeds: NotRequired[float]


class Measured(TypedDict, total=False):
    """A measure of a variant: mean over seeds, their deviation, and the keys of `Difference` where it is compared."""

    mean: Required[float]
    sd: float
    difference: float
    interval: list[float]
    p: float
    p_holm: float
    significant: bool
    p_seeds: float


class MeasuredSimilarity(Measured, total=False):
    """The same of Spearman's correlation, and what retrieval training took of it."""

    before: Required[float]
    drop: Required[float]
    drop_share: float


class Row(TypedDict):
    """A line of the comparison."""

    path: list[str]
    row: Settings
    pairs: int
    updates: int
    retrieval: dict[str, Measured]
    sts: MeasuredSimilarity
    against: NotRequired[str]


class Point(TypedDict):
    """Retrieval against similarity at a share of the trained weights."""

    share: float
    retrieval: Scores
    spearman: float


class Protocol(TypedDict):
    """How the numbers came about, in words; of each set where its clusters decide."""

    retrieval: str
    retrieval_test: dict[str, str]
    retrieval_interval: dict[str, str]
    sts: str
    sts_test: str
    resamples: int
    p_seeds: str
    seed: int


class Comparison(TypedDict):
    """comparison.json."""

    reference: str
    settings: dict[str, list[int]]
    protocol: Protocol
    sets: list[str]
    sts_set: str
    rows: dict[str, Row]
    pareto: list[Point]
    left_out: dict[str, str]
    origins: dict[str, Origin]

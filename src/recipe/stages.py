"""The training stages of the recipe, in their order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """One training of the chain.

    Attributes:
        name: of the stage, of its data set in params and of the model that it makes.
        starts_from: the model that it trains further.
        block: of params.yaml; `train` is the retrieval stage's, since `-S train.batch_size=512` is what users type.
        title: what tables and figures call it.
    """

    name: str
    starts_from: str
    block: str
    title: str

    @property
    def data(self) -> Path:
        """Its training rows."""
        return Path("data/prepared") / self.name / "train.jsonl"


BASE = "base"  # the encoder before any training
STAGES = {
    stage.name: stage
    for stage in (
        Stage("nli", starts_from=BASE, block="nli", title="NLI"),
        Stage("sts", starts_from="nli", block="sts", title="STS"),
        Stage("retrieval", starts_from="sts", block="train", title="retrieval"),
    )
}
CHECKPOINTS = (BASE, *STAGES)
FINAL = CHECKPOINTS[-1]  # the result, which is measured at every dimension
BEFORE = STAGES[FINAL].starts_from  # what the forgetting check compares it with
EARLIER = tuple(STAGES)[:-1]  # the stages whose sets retrieval training may replay
BLOCKS = tuple(stage.block for stage in STAGES.values())


def model(name: str) -> Path:
    """The folder of a checkpoint."""
    return Path("models") / name

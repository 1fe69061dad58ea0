"""What ablations/params.yaml may hold; the blocks of params.yaml check what its rows change."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from src.checked import validated
from src.params.block import Block, Count, Flag, Key, Number, Positive, Ratio, Settings
from src.params.schema import Params
from src.recipe.stages import BLOCKS

Changes = Annotated[Settings, Field(default_factory=dict)]  # of a step's block


class AblationParams(Block):
    reference: Key
    seeds: list[Count]
    sets: Annotated[list[Key], Field(min_length=1)] | None
    rows: Positive | None
    epochs: Annotated[Number, Field(gt=0)] | None
    variants: Annotated[dict[Key, Settings], Field(min_length=1)]

    @model_validator(mode="after")
    def _reference_is_a_variant(self) -> Self:
        if self.sets is not None and len(set(self.sets)) < len(self.sets):
            raise ValueError("sets names a set twice")
        if self.reference not in self.variants:
            raise ValueError(f"reference {self.reference!r} is none of the variants {', '.join(self.variants)}")
        for name, row in self.variants.items():
            other = row.get("against", self.reference)
            if other not in self.variants or "against" in self.variants[other]:
                raise ValueError(
                    f"variants.{name}.against: {other!r} is no variant that is itself compared with reference"
                )
        return self


class VariantParams(Block):
    """A row of `variants`, to be checked and then taken as it stands; what it does not name is as in the recipe."""

    path: Annotated[list[Literal["nli", "sts", "retrieval"]], Field(min_length=1)]
    nli: Changes
    sts: Changes
    train: Changes
    matryoshka: Flag = True
    mix: Annotated[dict[str, Annotated[Number, Field(gt=0.0, le=1.0)]], Field(default_factory=dict)]
    interpolations: Annotated[list[Ratio], Field(default_factory=list)]
    against: Key | None = None
    updates: Positive | None = None
    full_budget: Flag = False

    @model_validator(mode="after")
    def _row_is_sound(self) -> Self:
        if self.path[-1] != "retrieval" or len(set(self.path)) < len(self.path):
            raise ValueError(f"path {self.path} must end in retrieval and name each step once")
        if self.updates and (self.full_budget or "epochs" in self.train):
            raise ValueError("updates say how long it trains; leave out full_budget and train.epochs")
        if self.mix and abs(sum(self.mix.values()) - 1.0) > 1e-6:
            raise ValueError(f"mix {self.mix} adds up to {sum(self.mix.values()):g}; expected 1")
        return self


def check_variant(row: Settings, params: Params, where: str) -> None:
    """Raises UserError that lists every fault of the row that stands at `where`."""
    validated(VariantParams, row, where)
    for key in BLOCKS:
        block = getattr(params, key)
        old = block.model_dump()
        new = {
            name: {**old[name], **value} if isinstance(value, dict) and isinstance(old.get(name), dict) else value
            for name, value in row.get(key, {}).items()
        }
        validated(type(block), {**old, **new}, f"{where}.{key}")

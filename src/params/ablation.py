"""What the block `ablation` may hold; what its rows change is checked by the blocks that they change."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from src.params.block import Block, Count, Flag, Key, Positive, Ratio


class AblationParams(Block):
    reference: Key
    seeds: list[Count]
    rows: Positive | None
    epochs: Annotated[float, Field(gt=0)] | None
    variants: Annotated[dict[Key, dict[str, Any]], Field(min_length=1)]

    @model_validator(mode="after")
    def _reference_is_a_variant(self) -> Self:
        if self.reference not in self.variants:
            raise ValueError(f"reference {self.reference!r} is none of the variants {', '.join(self.variants)}")
        return self


class VariantParams(Block):
    """A row of ablation.variants. Only `path` must be there: what a row does not name is as in the recipe."""

    path: Annotated[list[Literal["nli", "sts", "retrieval"]], Field(min_length=1)]
    changes: dict[Literal["nli", "sts", "train"], dict[str, Any]]
    matryoshka: Flag
    mix: dict[str, Annotated[float, Field(gt=0.0, le=1.0)]]
    interpolations: list[Ratio]

    @model_validator(mode="after")
    def _path_ends_in_retrieval(self) -> Self:
        if self.path[-1] != "retrieval" or len(set(self.path)) < len(self.path):
            raise ValueError(f"path {self.path} must end in retrieval and name each step once")
        return self

"""A variant: a row of `ablation.variants` in params.yaml, laid over the recipe.

A row names what differs from the recipe and nothing else:

    path              the steps, in their order, such as [sts, nli, retrieval]; always there
    nli, sts, train   keys of these blocks with their values; `train.remedies` key by key
    matryoshka        false: the retrieval step trains the whole vector alone
    mix               {source: share} of the retrieval pairs, see src/ablation/mix.py
    interpolations    shares of the trained weights at which the result is measured too
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src.errors import UserError

if TYPE_CHECKING:
    from src.params.schema import Params, StepParams

CHAIN = ("nli", "sts", "retrieval")
BLOCK = {"nli": "nli", "sts": "sts", "retrieval": "train"}


@dataclass(frozen=True)
class Variant:
    """What one row of params asks for.

    Attributes:
        path: the steps in their order.
        blocks: each step's block of params, the row's changes laid over the recipe's.
        reused: how many steps of the path the chain has trained already in the same way.
        mix: share of each source among the retrieval pairs; empty: as they come.
        interpolations: shares of the trained weights at which the result is measured too.
        row: as params have it.
    """

    name: str
    path: tuple[str, ...]
    blocks: dict[str, StepParams]
    reused: int
    mix: dict[str, float]
    interpolations: tuple[float, ...]
    row: dict[str, Any]

    @property
    def start(self) -> str:
        """The model of the chain that training starts from, such as models/sts."""
        return self.path[self.reused - 1] if self.reused else "base"

    @property
    def trained(self) -> tuple[str, ...]:
        """The steps that are trained here."""
        return self.path[self.reused :]


def variant(name: str, params: Params) -> Variant:
    """The variant of a name.

    Raises:
        UserError: params have no such row.
    """
    rows = params.ablation.variants
    if name not in rows:
        raise UserError(f"expected one variant of ablation.variants: {', '.join(rows)}")
    row = rows[name]
    changes = {step: dict(row.get(BLOCK[step], {})) for step in CHAIN}
    blocks = {step: changed(getattr(params, BLOCK[step]), changes[step]) for step in CHAIN}
    blocks["retrieval"] = retrieval_block(blocks["retrieval"], row, changes["retrieval"], params)
    path = tuple(row["path"])
    reused = common_start(path, [step for step in CHAIN if changes[step]])
    mix, shares = dict(row.get("mix", {})), tuple(row.get("interpolations", ()))
    return Variant(name, path, blocks, reused, mix, shares, row)


def changed(block: StepParams, changes: dict[str, Any]) -> StepParams:
    """The block with the changes, checked as the block itself is; mappings in it are changed key by key."""
    values = block.model_dump()
    for key, value in changes.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    return type(block).model_validate(values)


def retrieval_block(block: StepParams, row: dict[str, Any], changes: dict[str, Any], params: Params) -> StepParams:
    """The retrieval step's block with what all variants share (epochs) and without Matryoshka where the row says so."""
    common: dict[str, Any] = {}
    if params.ablation.epochs is not None and "epochs" not in changes:
        common["epochs"] = params.ablation.epochs
    if not row.get("matryoshka", True):
        common |= {"dims": block.dims[:1], "dim_weights": None}
    return changed(block, common)


def common_start(path: tuple[str, ...], changed_steps: list[str]) -> int:
    """How many steps at the start of the path are the chain's own, unchanged. Retrieval is always trained anew."""
    count = 0
    for step, own in zip(path, CHAIN[:-1], strict=False):
        if step != own or step in changed_steps:
            break
        count += 1
    return count

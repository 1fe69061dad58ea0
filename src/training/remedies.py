"""What is added to a step's training against forgetting and for harder negatives (the block `train.remedies`)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.model.prompts import Prompts
from src.training.batches import BatchSource
from src.training.dataset import Rows, read_rows, tokenise
from src.training.losses import Matryoshka
from src.training.mining import with_hard_negatives
from src.training.rehearsal import MixedPlan, MixedSource, Rehearsed
from src.training.sampler import BatchPlan
from src.training.similarity import KeptSimilarity, vectors_before

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from src.params.schema import RemedyParams, StepParams


@dataclass(frozen=True)
class Remedies:
    """The block `train.remedies`, with the earlier steps that it may rehearse: {name: (training rows, block)}."""

    params: RemedyParams
    earlier: dict[str, tuple[Path, StepParams]]

    def rehearsed(self, prompts: Prompts) -> list[Rehearsed]:
        """The sets to rehearse, with the encoder's prompts; none where their share is 0."""
        if not self.params.rehearsal_share:
            return []
        chosen = (self.earlier[name] for name in self.params.rehearsal_sets)
        return [Rehearsed(read_rows(path, step.loss, prompts), step) for path, step in chosen]

    def mined(self, rows: Rows, model: SentenceTransformer, step: StepParams, device: torch.device, seed: int) -> Rows:
        """The rows with negatives mined by `model`, where params ask for that."""
        if not self.params.hard_negatives:
            return rows
        limit, model.max_seq_length = model.max_seq_length, step.max_length
        found = with_hard_negatives(rows, model.to(own_device(device)), self.params.hard_negative_margin, seed)
        model.max_seq_length = limit  # it is saved with the model
        return found

    def kept(self, step: StepParams) -> KeptSimilarity | None:
        """The term that holds similarities, where it has a weight."""
        if not self.params.similarity_weight:
            return None
        return KeptSimilarity(Matryoshka.of(step.dims, step.dim_weights), self.params.similarity_weight)

    def settings(self) -> dict[str, Any]:
        """What a checkpoint's fingerprint must know beside the step's own block."""
        if not self.params.rehearsal_share:
            return {}
        return {name: self.earlier[name][1].model_dump(mode="json") for name in self.params.rehearsal_sets}

    def files(self) -> list[Path]:
        """The files that training reads for rehearsal."""
        return [self.earlier[name][0] for name in self.params.rehearsal_sets] if self.params.rehearsal_share else []


def own_device(device: torch.device) -> torch.device:
    """This process's GPU where several share the machine."""
    import torch

    local = os.environ.get("LOCAL_RANK")
    return torch.device("cuda", int(local)) if device.type == "cuda" and local else device


def mixed_plan(
    plan: BatchPlan, rows: int, rehearsed: Sequence[Rehearsed], *, share: float, size: int, seed: int
) -> Any:
    """The plan with rehearsed batches mixed in, or as it is where there are none."""
    return MixedPlan(plan, rows, rehearsed, share=share, size=size, seed=seed) if rehearsed else plan


def mixed_source(source: BatchSource, rehearsed: Sequence[Rehearsed], model: SentenceTransformer) -> Any:
    """The source with those of the rehearsed sets, or as it is where there are none."""
    if not rehearsed:
        return source
    return MixedSource([source, *(_rehearsed_source(item, model, source.budget) for item in rehearsed)])


def _rehearsed_source(item: Rehearsed, model: SentenceTransformer, budget: int) -> BatchSource:
    tokens = tokenise(model.tokenizer, item.rows.texts, item.step.max_length, quiet=True)
    masked = item.step.loss == "mnrl" and item.step.false_negatives != "keep"
    return BatchSource(item.rows, tokens, budget, mask_relevant=masked)


def hold_to(model: SentenceTransformer, source: BatchSource, device: torch.device) -> None:
    """Give the source the texts' vectors by the model as it stands, before it is trained."""
    source.before = vectors_before(model, source.tokens, source.budget, device)

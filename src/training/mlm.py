"""Masked-language-model pretraining of a GTE: it learns words before it learns to compare texts."""

from __future__ import annotations

import math
from contextlib import closing, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from transformers import GteForMaskedLM

from src.model.tokenizer import PAD
from src.params.schema import MlmParams
from src.training.masking import batches, cut, mask_words, pad, passes, word_starts
from src.training.record import Curve, Record
from src.training.schedule import scheduler

_WEIGHT_DECAY = 0.01
_MAX_GRAD_NORM = 1.0
# Hidden tokens are scored in multiples of this: few distinct shapes, as in src.training.masking.rounded.
_COUNT_STEP = 128


class Corpus(NamedTuple):
    """Text as masked language modelling reads it: pieces of token ids, and where words start in the vocabulary."""

    pieces: list[np.ndarray]
    starts: Tensor

    @property
    def lengths(self) -> np.ndarray:
        return np.array([len(piece) for piece in self.pieces])


def corpus(tokenizer: Tokenizer, texts: list[str], max_length: int) -> Corpus:
    """Texts as pieces of at most `max_length` tokens."""
    return Corpus(cut(tokenizer, texts, max_length), word_starts(tokenizer))


def masked_loss(model: GteForMaskedLM, ids: Tensor, labels: Tensor, autocast: bool = False) -> Tensor:
    """Mean cross-entropy over the hidden tokens; the costly vocabulary layer runs on them alone.

    Args:
        ids: token ids with words hidden (n, length).
        labels: hidden tokens, -100 elsewhere (n, length).
    """
    context = torch.autocast(ids.device.type, torch.bfloat16) if autocast else nullcontext()
    masked = (labels.flatten() >= 0).nonzero().flatten()
    masked = functional.pad(masked, (0, -len(masked) % _COUNT_STEP))  # with index 0: a begin token, which has no label
    with context:
        hidden = model.gte(input_ids=ids, attention_mask=(ids != PAD).long()).last_hidden_state
        logits = model.lm_head(hidden.flatten(0, 1).index_select(0, masked))
    return functional.cross_entropy(logits.float(), labels.flatten()[masked])


def pretrain(
    model: GteForMaskedLM,
    text: Corpus,
    settings: MlmParams,
    *,
    seed: int,
    autocast: bool = False,
) -> Curve:
    """Train `model` in place on `settings.epochs` passes over `text`; the same seed gives the same weights.

    A batch holds as many pieces of like length as fit into batch_size × max_length tokens.

    Returns:
        The training curve; its losses are in nats a masked token.
    """
    tokens = settings.batch_size * settings.max_length
    batches_a_pass = len(batches(text.lengths, tokens, np.random.default_rng(seed)))
    total = max(1, round(batches_a_pass * settings.epochs))
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY, fused=True)
    schedule = scheduler(optimizer, total, math.ceil(settings.warmup_ratio * total))
    generator = torch.Generator().manual_seed(seed)
    drawn = passes(text.lengths, tokens, seed)
    record = Record("masked language modelling", total, batches_a_pass)
    model.train()
    with closing(record):
        for step in range(1, total + 1):
            ids = pad([text.pieces[i] for i in next(drawn)])
            hidden, labels = mask_words(ids, text.starts, settings.mask_probability, generator)
            if not bool((labels >= 0).any()):
                hidden, labels = mask_words(ids, text.starts, 0.99, generator)  # texts of a word or two
            learning_rate = float(schedule.get_last_lr()[0])
            loss = masked_loss(model, hidden.to(model.device), labels.to(model.device), autocast)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), _MAX_GRAD_NORM)
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
            record.add(step, {"loss": loss.item(), "learning_rate": learning_rate, "grad_norm": float(norm)})
    return record.points

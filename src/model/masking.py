"""What masked language modelling is fed: texts in pieces, batches of like length, whole words masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from src.model.tokenizer import BEGIN, END, MASK, PAD, SPECIAL_TOKENS, WORD_START

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

# BERT's shares: of the tokens to be predicted, 80 % are masked, 10 % replaced at random, 10 % left as they are.
_MASKED, _REPLACED = 0.8, 0.1
_IGNORED = -100
# Encoded at once: bounds memory, and lets the progress bar move.
_ENCODED_AT_ONCE = 4096


def cut(tokenizer: Tokenizer, texts: Sequence[str], max_length: int) -> list[np.ndarray]:
    """The texts as token ids with begin and end; a text longer than `max_length` tokens becomes several pieces."""
    pieces = []
    for start in range(0, len(texts), _ENCODED_AT_ONCE):
        for encoding in tokenizer.encode_batch(texts[start : start + _ENCODED_AT_ONCE], add_special_tokens=False):
            for at in range(0, len(encoding.ids), max_length - 2):
                ids = encoding.ids[at : at + max_length - 2]
                if len(ids) > 1 or at == 0:
                    pieces.append(np.array([BEGIN, *ids, END], dtype=np.int32))
    return pieces


def batches(lengths: np.ndarray, tokens: int, generator: np.random.Generator) -> list[np.ndarray]:
    """Indices of pieces in batches of like length, at most `tokens` padded tokens each, in random order.

    Sorting by length spares padding; which pieces of one length fall together, and the order of batches, is random.
    """
    shuffled = generator.permutation(len(lengths))
    order = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    groups, start = [], 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * lengths[order[stop]] <= tokens:
            stop += 1
        groups.append(order[start:stop])
        start = stop
    return [groups[i] for i in generator.permutation(len(groups))]


def pad(pieces: Sequence[np.ndarray]) -> torch.Tensor:
    """Token ids (pieces, longest), padded at the end."""
    import torch

    ids = np.full((len(pieces), max(map(len, pieces))), PAD, dtype=np.int64)
    for row, piece in enumerate(pieces):
        ids[row, : len(piece)] = piece
    return torch.from_numpy(ids)


def word_starts(tokenizer: Tokenizer) -> torch.Tensor:
    """For each token id, whether it begins a unit that is masked as a whole (bool, vocabulary size)."""
    import torch

    tokens = [tokenizer.id_to_token(i) or "" for i in range(tokenizer.get_vocab_size())]
    return torch.tensor([token.startswith(WORD_START) or not token.isalpha() for token in tokens])


def mask_words(
    ids: torch.Tensor, starts: torch.Tensor, probability: float, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Hide whole words: the suffixes of a Turkish word would give away much of its masked stem, and its stem of them.

    Args:
        ids: token ids (n, length); `starts`: whether a token id begins a word (vocabulary size).

    Returns:
        The ids with words hidden, and labels: the hidden token, or -100 where nothing is to be predicted.
    """
    import torch

    words = starts[ids].cumsum(dim=1)  # the number of the word that each token belongs to
    drawn = torch.rand(ids.shape, generator=generator) < probability
    chosen = drawn.gather(1, words.clamp(max=ids.shape[1] - 1)) & (ids >= len(SPECIAL_TOKENS))
    fate = torch.rand(ids.shape, generator=generator)
    random_ids = torch.randint(len(SPECIAL_TOKENS), len(starts), ids.shape, generator=generator)
    hidden = torch.where(chosen & (fate < _MASKED), MASK, ids)
    hidden = torch.where(chosen & (fate >= _MASKED) & (fate < _MASKED + _REPLACED), random_ids, hidden)
    return hidden, torch.where(chosen, ids, _IGNORED)


def steps(batch_count: int, epochs: float) -> int:
    """Optimizer steps of `epochs` passes (a part of a pass where it is no whole number), at least one."""
    return max(1, round(batch_count * epochs))


def passes(lengths: np.ndarray, tokens: int, seed: int) -> Iterator[np.ndarray]:
    """Batches without end, drawn anew for each pass over the pieces."""
    generator = np.random.default_rng(seed)
    while True:
        yield from batches(lengths, tokens, generator)

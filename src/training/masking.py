"""The input of masked language modelling: texts in pieces, batches of like length, whole words masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from src.model.tokenizer import BEGIN, END, MASK, PAD, SPECIAL_TOKENS, WORD_START

# BERT's shares: of the tokens to be predicted, 80 % are masked, 10 % replaced at random, 10 % left as they are.
_MASKED, _REPLACED = 0.8, 0.1
_IGNORED = -100
# Encoded at once: bounds memory, and lets the progress bar move.
_ENCODED_AT_ONCE = 4096
_LENGTH_STEP = 8


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

    Like lengths spare padding; which pieces of one length fall together, and the order of batches, is random.
    """
    padded = rounded(lengths)
    order = generator.permutation(len(lengths))
    groups: list[np.ndarray] = []
    for length in np.unique(padded):
        alike = order[padded[order] == length]
        rows = max(1, tokens // int(length))
        groups += [alike[start : start + rows] for start in range(0, len(alike), rows)]
    return [groups[i] for i in generator.permutation(len(groups))]


def rounded(length: np.ndarray) -> np.ndarray:
    """Up to a multiple of 8: with few distinct shapes, the matrix library compiles and keeps few kernels."""
    return -(-length // _LENGTH_STEP) * _LENGTH_STEP


def pad(pieces: Sequence[np.ndarray]) -> Tensor:
    """Token ids (pieces, longest up to a multiple of 8), padded at the end."""
    longest = rounded(np.array([len(piece) for piece in pieces])).max()
    ids = np.full((len(pieces), longest), PAD, dtype=np.int64)
    for row, piece in enumerate(pieces):
        ids[row, : len(piece)] = piece
    return torch.from_numpy(ids)


def word_starts(tokenizer: Tokenizer) -> Tensor:
    """For each token id, whether it begins a unit that is masked as a whole (bool, vocabulary size)."""
    tokens = [tokenizer.id_to_token(i) or "" for i in range(tokenizer.get_vocab_size())]
    return torch.tensor([token.startswith(WORD_START) or not token.isalpha() for token in tokens])


def mask_words(ids: Tensor, starts: Tensor, probability: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Hide whole words: the suffixes of a Turkish word would give away much of its masked stem, and its stem of them.

    Args:
        ids: token ids (n, length); `starts`: whether a token id begins a word (vocabulary size).

    Returns:
        The ids with words hidden, and labels: the hidden token, or -100 where nothing is to be predicted.
    """
    words = starts[ids].cumsum(dim=1)  # the number of the word that each token belongs to
    drawn = torch.rand(ids.shape, generator=generator) < probability
    chosen = drawn.gather(1, words.clamp(max=ids.shape[1] - 1)) & (ids >= len(SPECIAL_TOKENS))
    fate = torch.rand(ids.shape, generator=generator)
    random_ids = torch.randint(len(SPECIAL_TOKENS), len(starts), ids.shape, generator=generator)
    hidden = torch.where(chosen & (fate < _MASKED), MASK, ids)
    hidden = torch.where(chosen & (fate >= _MASKED) & (fate < _MASKED + _REPLACED), random_ids, hidden)
    return hidden, torch.where(chosen, ids, _IGNORED)


def passes(lengths: np.ndarray, tokens: int, seed: int) -> Iterator[np.ndarray]:
    """Batches without end, drawn anew for each pass over the pieces."""
    generator = np.random.default_rng(seed)
    while True:
        yield from batches(lengths, tokens, generator)

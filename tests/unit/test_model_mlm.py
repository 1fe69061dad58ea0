"""Masked language modelling: what is hidden, how texts are batched, and that the model learns."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import GteConfig, GteForMaskedLM

from src.model.tokenizer import BEGIN, END, MASK, PAD, SPECIAL_TOKENS, train_tokenizer
from src.params.schema import MlmParams
from src.training.masking import batches, cut, mask_words, pad, word_starts
from src.training.mlm import corpus, masked_loss, pretrain

TEXTS = [
    f"{subject} {place} {verb}."
    for subject in ("Öğretmen", "Balıkçılar", "Komşumuz", "Işıkçı")
    for place in ("İzmir'de", "ormanda", "evlerinde", "denizde")
    for verb in ("çalışıyor", "bekledi", "uyuyacak", "konuşmuş")
] * 4
SETTINGS = MlmParams(
    epochs=10, batch_size=32, learning_rate=3e-3, warmup_ratio=0.1, mask_probability=0.3, max_length=16
)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS, 90)


@pytest.fixture(scope="module")
def text(tokenizer):
    return corpus(tokenizer, TEXTS, 16)


def tiny_model(vocabulary: int) -> GteForMaskedLM:
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}
    rope = {"rope_type": "default", "rope_theta": 10_000.0}
    return GteForMaskedLM(GteConfig(vocab_size=vocabulary, **size, hidden_dropout_prob=0.0, rope_parameters=rope))


def test_long_texts_are_cut_and_nothing_is_lost(tokenizer):
    long = " ".join(TEXTS[:10])
    pieces = cut(tokenizer, [long], 16)
    assert all(piece[0] == BEGIN and piece[-1] == END and len(piece) <= 16 for piece in pieces)
    inner = [i for piece in pieces for i in piece[1:-1]]
    assert inner == tokenizer.encode(long, add_special_tokens=False).ids[: len(inner)]
    assert len(inner) >= len(tokenizer.encode(long, add_special_tokens=False).ids) - 1


@given(st.lists(st.integers(2, 40), min_size=1, max_size=200), st.integers(0, 5))
def test_a_pass_holds_each_piece_once_within_the_token_budget(lengths, seed):
    lengths = np.array(lengths)
    groups = batches(lengths, 64, np.random.default_rng(seed))
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    assert all(len(group) * lengths[group].max() <= 64 for group in groups)


def test_whole_words_are_hidden_and_nothing_else_changes(tokenizer, text):
    ids = pad(text.pieces[:64])
    hidden, labels = mask_words(ids, text.starts, 0.5, torch.Generator().manual_seed(1))
    chosen = labels >= 0
    assert torch.equal(hidden[~chosen], ids[~chosen])
    assert torch.equal(labels[chosen], ids[chosen])
    words = text.starts[ids].cumsum(1)
    for row in range(len(ids)):
        for word in words[row].unique():
            letters = (words[row] == word) & (ids[row] >= len(SPECIAL_TOKENS))
            assert chosen[row][letters].unique().numel() <= 1, "a word is hidden whole or not at all"
    assert not chosen[ids < len(SPECIAL_TOKENS)].any()
    assert 0.7 < (hidden[chosen] == MASK).float().mean() < 0.9


def test_parts_of_words_and_suffixes_are_no_starts(tokenizer):
    starts = word_starts(tokenizer)
    assert starts[tokenizer.token_to_id("▁")] and starts[tokenizer.token_to_id("'")]
    assert not starts[tokenizer.token_to_id("a")]
    assert starts[PAD] and starts[BEGIN]


def test_the_loss_is_the_mean_over_hidden_tokens_alone(text):
    model = tiny_model(len(text.starts)).eval()
    ids = pad(text.pieces[:5])
    hidden, labels = mask_words(ids, text.starts, 0.5, torch.Generator().manual_seed(1))
    stock = model(input_ids=hidden, attention_mask=(ids != PAD).long(), labels=labels).loss
    assert masked_loss(model, hidden, labels).item() == pytest.approx(stock.item(), rel=1e-5)


def test_it_learns_and_the_same_seed_gives_the_same_weights(text):
    first, second = tiny_model(len(text.starts)), tiny_model(len(text.starts))
    hidden, labels = mask_words(pad(text.pieces), text.starts, 0.3, torch.Generator().manual_seed(1))
    before = masked_loss(first, hidden, labels).item()
    curve = pretrain(first, text, SETTINGS, seed=3)
    assert masked_loss(first.eval(), hidden, labels).item() < before - math.log(2), "half the perplexity"
    assert curve[-1][2] < 0.8 * curve[0][2] and [point[0] for point in curve] == list(range(1, len(curve) + 1))
    assert curve[-1][1] == pytest.approx(SETTINGS.epochs)
    assert pretrain(second, text, SETTINGS, seed=3) == curve
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_a_part_of_a_pass_is_some_steps_and_at_least_one(text):
    steps = [
        pretrain(tiny_model(len(text.starts)), text, SETTINGS.model_copy(update={"epochs": e}), seed=3)[-1][0]
        for e in (1, 0.5, 0.001)
    ]
    assert steps[0] // 2 <= steps[1] < steps[0] and steps[2] == 1

"""The one-pass ranking loss, with masks and margin, against a plain reference by autograd in float64."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from src.training.losses import Ranking
from src.training.matryoshka import Matryoshka


@st.composite
def ranking_cases(draw):
    rows, negatives = draw(st.integers(2, 40)), draw(st.integers(0, 2))
    dims = draw(st.sets(st.integers(1, 24), min_size=1, max_size=5).map(sorted))
    weights = draw(st.none() | st.lists(st.floats(0.0, 3.0), min_size=len(dims), max_size=len(dims)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    scale = draw(st.sampled_from([0.01, 1.0, 30.0]))
    queries = torch.randn(rows, dims[-1], generator=generator) * scale
    documents = torch.randn(rows * (1 + negatives), dims[-1], generator=generator) * scale
    ignored = None
    if draw(st.booleans()):
        ignored = torch.rand(rows, len(documents), generator=generator) < 0.2
        ignored[torch.arange(rows), torch.arange(rows)] = False
    settings_ = {
        "temperature": draw(st.sampled_from([0.02, 0.05, 1.0])),
        "symmetric": draw(st.booleans()),
        "margin": draw(st.sampled_from([None, None, 0.0, 0.3])),
    }
    return dims, weights, settings_, queries, documents, ignored


def reference_ranking(dims, weights, queries, documents, *, temperature, symmetric, margin, ignored):
    """The definition, prefix by prefix, in float64."""
    rows = torch.arange(len(queries))
    ignored = torch.zeros(len(queries), len(documents), dtype=torch.bool) if ignored is None else ignored
    if margin is not None:
        whole = F.normalize(queries.detach(), dim=1) @ F.normalize(documents.detach(), dim=1).T
        high = whole > whole[rows, rows][:, None] - margin
        high[rows, rows] = False
        ignored = ignored | high
    total = 0.0
    for dim, weight in zip(dims, weights or [1.0] * len(dims), strict=True):
        scores = F.normalize(queries[:, :dim], dim=1) @ F.normalize(documents[:, :dim], dim=1).T / temperature
        scores = scores.masked_fill(ignored, -torch.inf)
        loss = F.cross_entropy(scores, rows)
        if symmetric:
            loss = (loss + F.cross_entropy(scores[:, : len(rows)].T, rows)) / 2
        total = total + weight * loss
    return total


def agree(ours, reference_loss, leaves, dims, temperature):
    """To float32 rounding. Parts of the gradient cancel, all of it at one dimension: rounding of the parts counts."""
    reference = torch.autograd.grad(reference_loss, leaves)
    shortest = min(float(leaf[:, : dims[0]].detach().norm(dim=1).min()) for leaf in leaves)
    assert torch.allclose(ours.loss.double(), reference_loss.detach(), rtol=2e-5, atol=1e-5)
    for ours_gradient, gradient in zip(ours.gradients, reference, strict=True):
        allowed = 1e-4 * float(gradient.norm()) + 1e-6 * 15 / (temperature * shortest)
        assert float((ours_gradient.double() - gradient).norm()) <= allowed


def on_the_edge(queries, documents, margin):
    """Whether rounding decides what the margin leaves out; at one dimension all cosines are 1 or -1."""
    whole = F.normalize(queries.double(), dim=1) @ F.normalize(documents.double(), dim=1).T
    rows = torch.arange(len(queries))
    distance = (whole - whole[rows, rows][:, None] + margin).abs()
    distance[rows, rows] = 1.0
    return bool((distance < 1e-5).any())


@settings(max_examples=60, deadline=None)
@given(ranking_cases())
def test_ranking_is_its_definition(case):
    dims, weights, options, queries, documents, ignored = case
    assume(options["margin"] is None or not on_the_edge(queries, documents, options["margin"]))
    ours = Ranking(Matryoshka.of(dims, weights), **options)(queries, documents, ignored)
    leaves = [queries.double().requires_grad_(), documents.double().requires_grad_()]
    reference = reference_ranking(dims, weights, *leaves, **options, ignored=ignored)
    agree(ours, reference, leaves, dims, options["temperature"])


def test_rows_are_taken_in_chunks(monkeypatch):
    torch.manual_seed(0)
    queries, documents = torch.randn(37, 12), torch.randn(74, 12)
    loss = Ranking(Matryoshka.of([4, 12]), 0.05)
    whole = loss(queries, documents)
    monkeypatch.setattr("src.training.losses._ROWS_AT_ONCE", 5)
    chunked = loss(queries, documents)
    torch.testing.assert_close(whole, chunked, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("symmetric", [False, True])
def test_zero_vectors_give_numbers(symmetric):
    result = Ranking(Matryoshka.of([2, 4]), 0.05, symmetric)(torch.zeros(3, 4), torch.zeros(3, 4))
    assert math.isfinite(float(result.loss)) and all(g.isfinite().all() for g in result.gradients)


def test_dims_in_any_order_keep_their_weights():
    assert Matryoshka.of([8, 2], [1.0, 0.5]) == Matryoshka((2, 8), (0.5, 1.0))

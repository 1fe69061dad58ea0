"""Our losses and gradients against their definitions in float64 and against sentence-transformers' own."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from sentence_transformers.sentence_transformer import losses

from src.training.dataset import tokenise
from src.training.encoder import load_encoder
from src.training.first_token import first_token_only
from src.training.losses import CoSent, Ranking
from src.training.matryoshka import Matryoshka
from src.training.step import CachedStep
from src.training.tasks import TaskBatches
from tests.encoders import spread_gte
from tests.tasks import rows_of, task_of


@st.composite
def cases(draw):
    """Vectors of two to four columns, the prefixes that count with their weights, and a temperature."""
    rows, columns = draw(st.integers(2, 40)), draw(st.integers(2, 4))
    dims = draw(st.sets(st.integers(2, 32), min_size=1, max_size=5).map(sorted))
    weights = draw(st.none() | st.lists(st.floats(0.1, 3.0), min_size=len(dims), max_size=len(dims)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    vectors = [torch.randn(rows, dims[-1], generator=generator) for _ in range(columns)]
    return vectors, dims, weights, draw(st.sampled_from([0.02, 0.05, 0.5]))


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


@settings(max_examples=60)
@given(cases(), st.booleans(), st.booleans(), st.sampled_from([None, 0.0, 0.3]), st.sampled_from([0.01, 1.0, 30.0]))
def test_ranking_is_its_definition(case, symmetric, masked, margin, scale):
    vectors, dims, weights, temperature = case
    queries, documents = scale * vectors[0], scale * torch.cat(vectors[1:])
    assume(margin is None or not on_the_edge(queries, documents, margin))
    ignored = None
    if masked:
        ignored = torch.rand(len(queries), len(documents), generator=torch.Generator().manual_seed(0)) < 0.2
        ignored.fill_diagonal_(False)
    options = {"temperature": temperature, "symmetric": symmetric, "margin": margin}
    ours = Ranking(Matryoshka.of(dims, weights), **options)(queries, documents, ignored)
    leaves = [queries.double().requires_grad_(), documents.double().requires_grad_()]
    agree(ours, reference_ranking(dims, weights, *leaves, **options, ignored=ignored), leaves, dims, temperature)


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


class Echo(torch.nn.Module):
    """An encoder whose vectors are its inputs, so that a loss can be held to given vectors."""

    def __init__(self, size):
        super().__init__()
        self.size = size

    def get_embedding_dimension(self):
        return self.size

    def __getitem__(self, index):
        return self

    def forward(self, features):
        return {"sentence_embedding": features["vectors"]}


def stock(inner, vectors, dims, weights, labels=None):
    """Loss and gradients of MatryoshkaLoss over a loss of sentence-transformers."""
    leaves = [side.clone().requires_grad_() for side in vectors]
    loss = losses.MatryoshkaLoss(inner.model, inner, dims, weights)([{"vectors": leaf} for leaf in leaves], labels)
    loss.backward()
    return loss.detach(), [leaf.grad for leaf in leaves]


# The right documents' probabilities are so near 1 that what is left of the gradient is mostly rounding.
NEARLY_CERTAIN = (
    [torch.tensor([[1.0139, 0.8988], [-0.2111, -1.5326]]), torch.tensor([[-0.6163, 0.2288], [-0.1120, -2.0506]])],
    [2],
    None,
    0.02,
)


def same(ours, loss, gradients, vectors, temperature):
    """To float32 rounding on both sides: of a probability near 1, magnified by temperature and by short vectors."""
    shortest = min(float(vector.norm(dim=1).min()) for vector in vectors)
    rounding = torch.finfo(torch.float32).eps / (temperature * min(shortest, 1.0))
    torch.testing.assert_close(ours.loss, loss, rtol=2e-5, atol=1e-5)
    for one, other in zip(ours.gradients, gradients, strict=True):
        assert float((one - other).norm()) <= 2e-4 * float(other.norm()) + 1e-5 + 8 * rounding


@pytest.mark.parametrize("symmetric", [False, True])
@settings(max_examples=50)
@given(cases(), st.integers(1, 50))
@example(case=NEARLY_CERTAIN, mini_batch=1)
def test_ranking_is_the_stock_loss(symmetric, case, mini_batch):
    vectors, dims, weights, temperature = case
    ours = Ranking(Matryoshka.of(dims, weights), temperature, symmetric)(vectors[0], torch.cat(vectors[1:]))
    options = {"scale": 1 / temperature, "mini_batch_size": mini_batch}
    if symmetric:
        options |= {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
    inner = losses.CachedMultipleNegativesRankingLoss(Echo(dims[-1]), **options)
    loss, gradients = stock(inner, vectors, dims, weights)
    same(ours, loss, [gradients[0], torch.cat(gradients[1:])], vectors, temperature)


@settings(max_examples=50)
@given(cases(), st.integers(1, 12))
def test_cosent_is_the_stock_loss(case, levels):
    (first, second, *_), dims, weights, temperature = case
    gold = torch.arange(len(first)).remainder(levels).float()
    inner = losses.CoSENTLoss(Echo(dims[-1]), scale=1 / temperature)
    ours = CoSent(Matryoshka.of(dims, weights), temperature)(first, second, gold)
    same(ours, *stock(inner, [first, second], dims, weights, gold), [first, second], temperature)


def test_a_whole_step_gives_the_stock_gradient(tmp_path):
    """Encoder, padding, gradient cache and first-token layer together: triplets through a tiny GTE."""
    texts = [f"bir cümle {n} " + "uzun " * (n % 11) for n in range(90)]
    model = load_encoder(spread_gte(tmp_path / "base", texts, vocab_size=150))
    ids = np.arange(90).reshape(30, 3)
    tokens = tokenise(model.tokenizer, texts, 32, quiet=True)
    task = task_of(rows_of(ids, texts), Ranking(Matryoshka.of([4, 16]), 0.05), tokens, 30)
    step = CachedStep(model, TaskBatches([task], 100), keep_tokens=300)
    with first_token_only(model) as applies:
        assert applies
        loss = step.run(task.batch(np.arange(30), 100))
    assert 0 < step.cache.kept <= 300
    ours = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    features = [model.preprocess(texts[column::3]) for column in range(3)]
    stock_loss = losses.MatryoshkaLoss(model, losses.MultipleNegativesRankingLoss(model), [4, 16])(features, None)
    stock_loss.backward()
    assert float(loss) == pytest.approx(float(stock_loss.detach()), rel=1e-5)
    for name, parameter in model.named_parameters():
        assert float((ours[name] - parameter.grad).norm()) <= 1e-3 * float(parameter.grad.norm()) + 1e-7, name

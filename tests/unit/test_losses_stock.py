"""Our losses and gradients against sentence-transformers' own."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
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


@st.composite
def cases(draw):
    rows, columns = draw(st.integers(2, 40)), draw(st.integers(2, 4))
    dims = draw(st.sets(st.integers(2, 32), min_size=1, max_size=5).map(sorted))
    weights = draw(st.none() | st.lists(st.floats(0.1, 3.0), min_size=len(dims), max_size=len(dims)))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    vectors = [torch.randn(rows, dims[-1], generator=generator) for _ in range(columns)]
    return vectors, dims, weights, draw(st.sampled_from([0.02, 0.05, 0.5])), draw(st.integers(1, 50))


def stock(inner, vectors, dims, weights, labels=None):
    """Loss and gradients of MatryoshkaLoss over a loss of sentence-transformers."""
    leaves = [side.clone().requires_grad_() for side in vectors]
    loss = losses.MatryoshkaLoss(inner.model, inner, dims, weights)([{"vectors": leaf} for leaf in leaves], labels)
    loss.backward()
    return loss.detach(), [leaf.grad for leaf in leaves]


def same(ours, loss, gradients):
    torch.testing.assert_close(ours.loss, loss, rtol=2e-5, atol=1e-5)
    for one, other in zip(ours.gradients, gradients, strict=True):
        assert float((one - other).norm()) <= 2e-4 * float(other.norm()) + 1e-5


@pytest.mark.parametrize("symmetric", [False, True])
@settings(max_examples=50)
@given(case=cases())
def test_ranking_is_the_stock_loss(case, symmetric):
    vectors, dims, weights, temperature, mini_batch = case
    ours = Ranking(Matryoshka.of(dims, weights), temperature, symmetric)(vectors[0], torch.cat(vectors[1:]))
    options = {"scale": 1 / temperature, "mini_batch_size": mini_batch}
    if symmetric:
        options |= {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
    inner = losses.CachedMultipleNegativesRankingLoss(Echo(dims[-1]), **options)
    loss, gradients = stock(inner, vectors, dims, weights)
    same(ours, loss, [gradients[0], torch.cat(gradients[1:])])


@settings(max_examples=50)
@given(cases(), st.integers(1, 12))
def test_cosent_is_the_stock_loss(case, levels):
    (first, second, *_), dims, weights, temperature, _ = case
    gold = torch.arange(len(first)).remainder(levels).float()
    inner = losses.CoSENTLoss(Echo(dims[-1]), scale=1 / temperature)
    ours = CoSent(Matryoshka.of(dims, weights), temperature)(first, second, gold)
    same(ours, *stock(inner, [first, second], dims, weights, gold))


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

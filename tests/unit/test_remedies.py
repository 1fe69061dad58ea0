"""Remedies of the retrieval step: rehearsal, interpolation, held similarities, mined negatives."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.training.batches import BatchSource
from src.training.dataset import Rows, Tokens
from src.training.interpolation import interpolate, interpolated
from src.training.losses import LossAndGradients, Matryoshka
from src.training.rehearsal import MixedPlan, MixedSource
from src.training.sampler import BatchPlan
from src.training.similarity import KeptSimilarity, vectors_before


class FakeStep:
    def __init__(self, loss):
        self.loss, self.false_negatives = loss, "keep"


def rows(count, start=0, ratings=None, path="rows"):
    ids = np.arange(2 * count).reshape(count, 2) + start
    return Rows(path, ("anchor", "positive"), [], ids, ratings, ids, ids)


def rehearsed(count, loss="cosent"):
    from src.training.rehearsal import Rehearsed

    ratings = np.linspace(0, 5, count, dtype=np.float32) if loss == "cosent" else None
    return Rehearsed(rows(count, ratings=ratings, path=f"{loss}{count}"), FakeStep(loss))


def tokens(texts):
    random = np.random.default_rng(texts)
    lengths = random.integers(3, 9, texts)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    return Tokens(random.integers(1, 50, starts[-1]).astype(np.int32), starts, pad_id=0, cut=np.arange(0))


@settings(max_examples=50, deadline=None)
@given(st.floats(0.0, 0.9), st.integers(1, 5), st.sampled_from([4, 16]))
def test_rehearsal_replaces_its_share_of_the_steps(share, epochs, size):
    own = rows(64)
    plan = BatchPlan(own.ids, 16, epochs, 1)
    mixed = MixedPlan(plan, 64, [rehearsed(20), rehearsed(30, "mnrl")], share=share, size=size, seed=1)
    batches = list(mixed)
    assert len(batches) == len(mixed) == plan.steps
    source = MixedSource([BatchSource(r, tokens(200), 64, False) for r in (own, rows(20), rows(30))])
    tasks = [source.__getitems__(batch.tolist()).task for batch in batches]
    assert abs(sum(task > 0 for task in tasks) - share * plan.steps) <= 1
    others = [task for task in tasks if task]
    assert others == [1 + i % 2 for i in range(len(others))]
    assert list(map(list, mixed)) == list(map(list, batches))  # a plan can be walked again


def test_a_batch_larger_than_the_rehearsed_set_takes_all_of_it():
    batches = rehearsed(10).batches(1024, seed=3)
    assert [len(next(batches)) for _ in range(3)] == [10, 10, 10]


def test_a_mixed_source_names_the_file_and_cuts_again():
    source = MixedSource([BatchSource(rows(n, path=f"file{n}"), tokens(200), 64, False) for n in (8, 6)])
    batch = source.__getitems__([9, 10, 13])
    assert batch.rows.tolist() == [1, 2, 5] and source.path_of(batch) == "file6" and len(source) == 14
    source.budget = 16
    again = source.again(batch)
    assert again.task == 1 and again.budget == 16 and len(again.mini_batches) > len(batch.mini_batches)


def test_interpolation_is_linear_and_ends_at_the_two_checkpoints():
    torch.manual_seed(0)
    before, after = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    states = before.state_dict(), after.state_dict()
    for share, expected in ((0.0, states[0]), (1.0, states[1])):
        found = interpolated(*states, share)
        assert all(torch.equal(found[name], expected[name]) for name in expected)
    expected = 0.75 * before.weight + 0.25 * after.weight
    interpolate(before, after, 0.25)
    assert torch.allclose(after.weight, expected)


def test_interpolation_refuses_another_architecture():
    with pytest.raises(UserError, match="different weights"):
        interpolated(torch.nn.Linear(3, 2).state_dict(), torch.nn.Linear(4, 2).state_dict(), 0.5)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 8), st.integers(1, 3), st.integers(0, 9))
def test_held_similarities_have_the_gradient_of_their_value(count, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    now, then = (torch.randn(columns * count, 6, generator=generator) for _ in range(2))
    term = KeptSimilarity(Matryoshka.of([6, 3]), 2.0)
    value, gradient = term(now, then, count)
    direction = torch.randn(now.shape, generator=generator)
    ahead, behind = (term((now + h * direction).double(), then, count)[0] for h in (1e-2, -1e-2))
    slope = float(ahead - behind) / 2e-2
    assert value >= 0 and slope == pytest.approx(float((gradient * direction).sum()), rel=0.05, abs=5e-3)


def test_held_similarities_cost_nothing_where_nothing_moved():
    vectors = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1))).Q
    value, gradient = KeptSimilarity(Matryoshka.of([6]), 5.0)(vectors @ rotation, vectors, 4)
    assert float(value) < 1e-10 and gradient.abs().max() < 1e-5


def test_held_similarities_leave_query_to_passage_free():
    queries, passages = torch.eye(4), torch.eye(4)
    moved = torch.cat([queries, passages.flip(0)])
    value, _ = KeptSimilarity(Matryoshka.of([4]), 1.0)(moved, torch.cat([queries, passages]), 4)
    assert float(value) == pytest.approx(0.0, abs=1e-12)


def test_the_term_is_added_to_loss_and_gradients():
    now, then = torch.randn(8, 4), torch.randn(8, 4)
    term = KeptSimilarity(Matryoshka.of([4]), 3.0)
    value, gradient = term(now, then, 4)
    given_result = LossAndGradients(torch.tensor(1.0), (torch.ones(4, 4), torch.zeros(4, 4)))
    result = term.added(given_result, now, then, 4)
    assert float(result.loss) == pytest.approx(1.0 + float(value))
    assert torch.allclose(result.gradients[0], gradient[:4] + 1) and torch.allclose(result.gradients[1], gradient[4:])


def test_vectors_before_stand_in_the_order_of_the_texts():
    class Encoder(torch.nn.Module):
        def forward(self, features):
            mask = features["attention_mask"].float()
            return {"sentence_embedding": (features["input_ids"] * mask).sum(1, keepdim=True).float()}

    some = tokens(40)
    vectors = vectors_before(Encoder(), some, 32, torch.device("cpu"))
    sums = [some.flat[a:b].sum() for a, b in zip(some.starts, some.starts[1:], strict=False)]
    assert vectors[:, 0].tolist() == sums


def test_a_batch_carries_the_vectors_before_of_its_texts():
    source = BatchSource(rows(8), tokens(16), 64, False)
    source.before = np.arange(16, dtype=np.float32)[:, None]
    batch = source.batch(np.array([3, 1]), 64)
    assert batch.before[:, 0].tolist() == [6, 2, 7, 3]

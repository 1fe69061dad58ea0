"""Against forgetting: replay, weight interpolation, similarity distillation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.training.distillation import SimilarityDistillation, teacher_embeddings
from src.training.encoder import interpolate
from src.training.losses import CoSent, Ranking
from src.training.matryoshka import Matryoshka
from src.training.objective import LossAndGradients, Targets
from src.training.step import CachedStep
from src.training.tasks import Batch, RunPlan, TaskBatches
from tests.tasks import pairs, rows_of, task_of, tokens_of

WHOLE = Matryoshka.of([4])
LENGTHS = np.random.default_rng(1).integers(3, 9, 200)


def task(count, loss, size=4, epochs=1):
    """A task of so many pairs."""
    gold = np.linspace(0, 5, count, dtype=np.float32) if isinstance(loss, CoSent) else None
    return task_of(rows_of(pairs(count), gold=gold), loss, tokens_of(LENGTHS), min(size, count), epochs)


@settings(max_examples=50, deadline=None)
@given(st.floats(0.0, 0.9), st.integers(1, 5), st.sampled_from([4, 16]))
def test_replay_replaces_its_share_of_the_steps(share, epochs, size):
    own = task(64, Ranking(WHOLE, 0.1), 16, epochs)
    tasks = [own, task(20, CoSent(WHOLE, 0.1), size), task(30, Ranking(WHOLE, 0.1), size)]
    plan = RunPlan(tasks, share)
    steps = list(plan)
    assert len(steps) == len(plan) == own.plan.steps
    replayed = [TaskBatches(tasks, 64).__getitems__(step).task for step in steps if step[0]]
    assert abs(len(replayed) - share * plan.steps) <= 1
    assert replayed == [1 + i % 2 for i in range(len(replayed))]
    assert [rows.tolist() for _, rows in plan] == [rows.tolist() for _, rows in steps]  # the same every time


def test_interpolation_is_linear_and_ends_at_the_two_checkpoints():
    torch.manual_seed(0)
    before, after = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    trained = after.weight.detach().clone()
    interpolate(before, after, 1.0)
    assert torch.equal(after.weight, trained)
    interpolate(before, after, 0.25)
    assert torch.allclose(after.weight, 0.75 * before.weight + 0.25 * trained)
    interpolate(before, after, 0.0)
    assert torch.equal(after.weight, before.weight) and torch.equal(after.bias, before.bias)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 8), st.integers(1, 3), st.integers(0, 9))
def test_distilled_similarities_have_the_gradient_of_their_value(count, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    now, then = (torch.randn(columns * count, 6, generator=generator) for _ in range(2))
    term = SimilarityDistillation(Matryoshka.of([6, 3]), 2.0)
    value, (gradient,) = term.of_batch(now, Targets(count, teacher=then))
    direction = torch.randn(now.shape, generator=generator)
    moved = ((now + h * direction).double() for h in (1e-2, -1e-2))
    ahead, behind = (term.of_batch(vectors, Targets(count, teacher=then)).loss for vectors in moved)
    slope = float(ahead - behind) / 2e-2
    assert value >= 0 and slope == pytest.approx(float((gradient * direction).sum()), rel=0.05, abs=5e-3)


@pytest.mark.parametrize("change", ["rotation of all", "order of the passages"])
def test_distilled_similarities_compare_texts_of_one_column_alone(change):
    generator = torch.Generator().manual_seed(0)
    teacher = torch.cat([torch.eye(4), torch.eye(4)])
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=generator)).Q
    moved = teacher @ rotation if change == "rotation of all" else torch.cat([teacher[:4], teacher[4:].flip(0)])
    value, (gradient,) = SimilarityDistillation(WHOLE, 5.0).of_batch(moved, Targets(4, teacher=teacher))
    assert float(value) < 1e-10 and gradient.abs().max() < 1e-5


def test_the_term_is_added_to_loss_and_gradients():
    class Ones:
        def of_batch(self, vectors, targets):
            return LossAndGradients(torch.tensor(1.0), (torch.ones(4, 4), torch.zeros(4, 4)))

    now, targets = torch.randn(8, 4), Targets(4, teacher=torch.randn(8, 4))
    term = SimilarityDistillation(WHOLE, 3.0)
    value, (gradient,) = term.of_batch(now, targets)
    batch = Batch(0, np.arange(4), 8, torch.arange(8), [], 64, targets, (Ones(), term))
    result = CachedStep(torch.nn.Linear(1, 1), TaskBatches([], 64)).build_cache(now, batch)
    assert float(result.loss) == pytest.approx(1.0 + float(value))
    torch.testing.assert_close(result.gradients[0], gradient + torch.ones(8, 4) * (torch.arange(8) < 4)[:, None])


def test_teacher_embeddings_stand_in_the_order_of_the_texts():
    class Encoder(torch.nn.Module):
        def forward(self, features):
            mask = features["attention_mask"].float()
            return {"sentence_embedding": (features["input_ids"] * mask).sum(1, keepdim=True).float()}

    tokens = tokens_of(LENGTHS)
    vectors = teacher_embeddings(Encoder(), tokens, 32, torch.device("cpu"))
    assert vectors[:, 0].tolist() == np.add.reduceat(tokens.flat, tokens.starts[:-1]).tolist()


def test_a_batch_carries_the_teacher_embeddings_of_its_texts():
    student = task(8, Ranking(WHOLE, 0.1))
    student.teacher = np.arange(16, dtype=np.float32)[:, None]
    batch = student.batch(np.array([3, 1]), 64)
    assert batch.targets.teacher[:, 0].tolist() == [6, 2, 7, 3]

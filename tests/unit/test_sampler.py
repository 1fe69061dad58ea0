"""Batches without duplicates: no text twice, every row once where possible, the same from the same seed."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from src.training import sampler
from src.training.sampler import BatchPlan, epoch_batches


@st.composite
def rows_of_texts(draw):
    rows, columns = draw(st.integers(2, 200)), draw(st.integers(1, 3))
    pool = draw(st.integers(2, 400))
    return np.random.default_rng(draw(st.integers(0, 2**31))).integers(0, pool, (rows, columns))


def texts_of(rows):
    return [text for row in rows.tolist() for text in set(row)]


@settings(max_examples=150, deadline=None)
@given(rows_of_texts(), st.integers(2, 64), st.integers(0, 3))
def test_no_text_stands_twice_and_no_row_comes_twice(texts, batch_size, epoch):
    batches = epoch_batches(texts, batch_size, seed=1, epoch=epoch)
    seen = np.concatenate([*batches, []])
    assert len(seen) == len(set(seen.tolist()))
    for batch in batches:
        assert 2 <= len(batch) <= batch_size
        inside = texts_of(texts[batch])
        assert len(inside) == len(set(inside))


@settings(max_examples=50, deadline=None)
@given(rows_of_texts(), st.integers(2, 64))
def test_masked_batches_hold_every_row(texts, batch_size):
    batches = epoch_batches(texts, batch_size, seed=1, epoch=0, masked=True)
    dropped = 1 if len(texts) % batch_size == 1 else 0
    assert sum(map(len, batches)) == len(texts) - dropped


def test_distinct_rows_are_all_used_and_fill_their_batches():
    texts = np.arange(2 * 1000).reshape(1000, 2)
    batches = epoch_batches(texts, 64, seed=3, epoch=0)
    assert [len(batch) for batch in batches] == [64] * 15 + [40]
    assert sorted(np.concatenate(batches).tolist()) == list(range(1000))


def test_a_text_that_stands_everywhere_is_not_looked_up_in_every_batch_for_each_of_its_rows(monkeypatch):
    looked_up = 0

    class Counted(set):
        def __contains__(self, batch):
            nonlocal looked_up
            looked_up += 1
            return super().__contains__(batch)

    def counted(*arguments):
        return {text: Counted(batches) for text, batches in original(*arguments).items()}

    original = sampler._batches_of_texts
    monkeypatch.setattr(sampler, "_batches_of_texts", counted)
    texts = np.arange(2 * 6000).reshape(6000, 2)
    texts[::3, 1] = 12_000  # every third answer is "Evet."
    batches = epoch_batches(texts, 8, seed=0, epoch=0)
    assert sum(map(len, batches)) > 4700  # 750 batches hold the answer once each
    assert looked_up < 6 * len(texts)


def test_seed_and_epoch_decide_the_order():
    texts = np.random.default_rng(0).integers(0, 900, (1000, 2))
    one, two = (epoch_batches(texts, 32, seed=5, epoch=2) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0], epoch_batches(texts, 32, seed=5, epoch=3)[0])
    assert not np.array_equal(one[0], epoch_batches(texts, 32, seed=6, epoch=2)[0])


def test_a_plan_runs_through_fractions_of_epochs():
    texts = np.arange(200).reshape(100, 2)
    plan = BatchPlan(texts, 10, epochs=2.5, seed=0)
    batches = list(plan)
    assert (plan.steps_per_epoch, len(plan), len(batches)) == (10, 25, 25)
    assert sorted(np.concatenate(batches[:10]).tolist()) == list(range(100))
    assert not np.array_equal(batches[0], batches[10])


def test_scored_pairs_do_not_compete():
    texts = np.zeros((50, 2), dtype=np.int64)
    assert BatchPlan(texts, 10, 1, seed=0, competing=False).left_out() == 0
    assert BatchPlan(texts, 10, 1, seed=0).left_out() > 40

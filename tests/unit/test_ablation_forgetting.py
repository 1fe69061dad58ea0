"""Forgetting against retrieval errors: shifts of a query, correlations with a third variable held fixed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.ablation import forgetting
from src.ablation.forgetting import Space
from src.evaluation.beir import EvalSet
from src.evaluation.significance import Draws


def unit(values):
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def space(seed, queries=30, documents=12, pairs=50):
    random = np.random.default_rng(seed)
    return Space(*(unit(random.standard_normal((count, 8))) for count in (queries, documents, pairs, pairs)))


def eval_set(queries=30, documents=12):
    ids = [f"d{number:02}" for number in range(documents)]
    names = [f"q{number}" for number in range(queries)]
    qrels = {name: {ids[number % documents]: 1, ids[(number + 1) % documents]: 0} for number, name in enumerate(names)}
    return EvalSet(
        "set", ids, [f"document {i}" for i in ids], names, [f"query {n}" for n in names], qrels, {}, {}, False
    )


SCORES = np.linspace(0, 5, 50)


def test_nothing_changes_between_a_checkpoint_and_itself():
    one = space(0)
    values = forgetting.changes(one, one, eval_set(), SCORES, (np.full(30, 0.5), np.full(30, 0.5)))
    assert all(np.allclose(values[name], 0) for name in values if name != "ndcg_before")


def test_the_margin_is_best_relevant_minus_best_other():
    one, data = space(1), eval_set()
    relevant = forgetting.relevant_rows(data)
    cosines = one.documents @ one.queries[3]
    expected = cosines[3] - max(np.delete(cosines, 3))
    assert forgetting.margins(one, relevant)[3] == pytest.approx(expected)
    assert [rows.tolist() for rows in relevant[:2]] == [[0], [1]]


def test_local_forgetting_sees_the_pairs_near_the_query():
    """Pairs around axis 0 are judged perfectly before; afterwards, those near axis 0 alone are scrambled."""
    count = 40
    angle = np.linspace(0, 1.2, count)
    near = np.stack([np.cos(angle), np.sin(angle), np.zeros(count), np.zeros(count)], axis=1)
    far = near[:, [2, 3, 0, 1]]
    first = np.repeat(np.eye(4)[[0, 2]], count, axis=0)
    scores = np.tile(-angle, 2)
    before = Space(np.eye(4)[[0, 2]], np.eye(4)[:2], first, np.concatenate([near, far]))
    after = Space(before.queries, before.documents, first, np.concatenate([near[::-1], far]))
    around = forgetting.local_forgetting(before, after, scores)
    assert around[0] > 0.1 and around[0] > around[1] + 0.1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000))
def test_rank_correlations_agree_with_scipy(seed):
    from scipy.stats import spearmanr

    table = np.random.default_rng(seed).integers(0, 6, (3, 40)).astype(float)
    ranks = forgetting.rank_correlations(table)
    assert ranks[0, 1] == pytest.approx(spearmanr(table[0], table[1]).statistic, abs=1e-9)


def test_a_correlation_by_a_third_variable_vanishes_when_it_is_held_fixed():
    random = np.random.default_rng(0)
    fixed = random.standard_normal(2000)
    x, y = fixed + 0.3 * random.standard_normal(2000), fixed + 0.3 * random.standard_normal(2000)
    matrix = forgetting.rank_correlations(np.stack([x, y, fixed]))[None]
    assert matrix[0, 0, 1] > 0.8 and abs(forgetting.partial_correlation(matrix, 0, 1, 2)[0]) < 0.1


def test_correlations_come_with_intervals_that_hold_them():
    random = np.random.default_rng(1)
    values = {name: random.standard_normal(60) for name in (*forgetting.SHIFTS, *forgetting.RETRIEVAL, "ndcg_before")}
    values["ndcg_change"] = -values["query_shift"] + 0.1 * random.standard_normal(60)
    draws, clusters = Draws(200, 1), np.arange(60)
    correlations = forgetting.correlations(values, draws, clusters)
    entry = correlations["ndcg_change"]["query_shift"]
    assert entry["interval"][0] <= entry["spearman"] <= entry["interval"][1] < -0.8
    assert correlations == forgetting.correlations(values, draws, clusters)
    pairs = forgetting.correlations(
        {name: np.repeat(value, 2) for name, value in values.items()}, draws, clusters.repeat(2)
    )
    assert pairs["ndcg_change"]["query_shift"]["interval"] == pytest.approx(entry["interval"], abs=1e-12)

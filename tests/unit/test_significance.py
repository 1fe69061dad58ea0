"""Intervals and tests against scipy and worked examples; what is drawn are clusters of queries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from src.evaluation import significance
from src.evaluation.significance import Draws

RNG = np.random.default_rng(0)
SAMPLE = RNG.beta(0.5, 0.5, size=(80, 2))
ALONE = np.arange(len(SAMPLE))


def test_intervals_are_scipys_where_queries_are_independent():
    low, high = significance.interval(significance.bootstrap_means(SAMPLE, Draws(2000, 1), ALONE))
    theirs = stats.bootstrap((SAMPLE,), np.mean, n_resamples=2000, batch=512, method="percentile", axis=0, rng=1)
    np.testing.assert_allclose(low, theirs.confidence_interval.low, atol=1e-12)
    np.testing.assert_allclose(high, theirs.confidence_interval.high, atol=1e-12)


def test_randomisation_agrees_with_scipy():
    differences = RNG.normal(0.15, 1, size=(60, 3)) * [1, 2, 0.5]
    ours = significance.randomisation_p(differences, 1, np.arange(60))
    for column, p in zip(differences.T, ours, strict=True):
        theirs = stats.permutation_test(
            (column,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=8000, rng=5
        )
        assert p == pytest.approx(theirs.pvalue, abs=0.02)


def test_few_clusters_take_every_sign_flip_as_scipy_does():
    differences = RNG.normal(0.4, 1, size=(9, 2))
    ours = significance.randomisation_p(differences, 1, np.arange(9))
    for column, p in zip(differences.T, ours, strict=True):
        theirs = stats.permutation_test(
            (column,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=np.inf
        )
        assert p == pytest.approx(theirs.pvalue, abs=1e-12)
    assert significance.randomisation_p(np.ones((9, 1)), 1, np.arange(9)) == significance.p_floor(np.arange(9))


def test_equal_rows_differ_by_chance_and_a_clear_difference_is_at_the_floor():
    clusters = np.arange(50)
    p = significance.randomisation_p(np.stack([np.zeros(50), np.full(50, 0.1)], axis=1), 1, clusters)
    assert p.tolist() == [1.0, significance.p_floor(clusters)] == [1.0, 1 / 100_001]


def test_queries_that_share_a_relevant_document_are_one_cluster():
    qrels = {"a": {"1": 1}, "b": {"2": 1}, "c": {"1": 1, "3": 1}, "d": {"3": 2}, "e": {"1": 0, "4": 1}}
    assert significance.clusters_of(qrels).tolist() == [0, 1, 0, 0, 2]


@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=3), min_size=1, max_size=15))
def test_clusters_are_the_finest_that_no_document_crosses(relevant):
    qrels = {str(row): {str(document): 1 for document in documents} for row, documents in enumerate(relevant)}
    clusters = significance.clusters_of(qrels)
    groups = [set(documents) for documents in relevant]
    assert list(dict.fromkeys(clusters)) == list(range(clusters.max() + 1))
    for row, first in enumerate(groups):
        for other, second in enumerate(groups):
            if first & second:
                assert clusters[row] == clusters[other]
    reached = [{row for row in range(len(groups)) if clusters[row] == number} for number in range(clusters.max() + 1)]
    for members in reached:  # connected: growing from one member by shared documents reaches all
        seen = {min(members)}
        while more := {row for row in members - seen if any(groups[row] & groups[other] for other in seen)}:
            seen |= more
        assert seen == members


def test_repeated_questions_on_a_document_add_no_evidence():
    differences = RNG.normal(0.1, 1, size=(40, 1))
    five, clusters = differences.repeat(5, axis=0), np.arange(40).repeat(5)
    draws = Draws(400, 2)
    np.testing.assert_allclose(
        significance.bootstrap_means(five, draws, clusters),
        significance.bootstrap_means(differences, draws, np.arange(40)),
    )
    np.testing.assert_allclose(
        significance.randomisation_p(five, 2, clusters), significance.randomisation_p(differences, 2, np.arange(40))
    )
    rows = [drawn.tolist() for drawn in significance.resampled_rows(Draws(3, 2), clusters)]
    assert all(len(drawn) == 200 and drawn[0] % 5 == 0 and drawn[4] == drawn[0] + 4 for drawn in rows)


def test_clusters_of_unequal_size_weigh_as_their_queries():
    values, clusters = np.array([[1.0], [1.0], [1.0], [0.0]]), np.array([0, 0, 0, 1])
    means = significance.bootstrap_means(values, Draws(300, 1), clusters)
    assert set(np.unique(means.round(6))) == {0.0, 0.75, 1.0}


def test_holm_by_hand():
    assert significance.holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_raw_value_and_bonferroni_and_keeps_the_order(p):
    corrected = significance.holm(p)
    assert (corrected >= np.array(p) - 1e-12).all()
    assert (corrected <= np.minimum(1, np.array(p) * len(p)) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= -1e-12).all()


def test_a_table_of_rows_is_compared_pair_by_pair():
    base = {measure: RNG.integers(0, 2, 100).astype(float) for measure in significance.TESTED}
    better = {measure: np.minimum(1, values + 0.3) for measure, values in base.items()}
    rows, draws, clusters = {"a": base, "b": better, "c": base}, Draws(500, 7), np.arange(100)
    compared = significance.compare(rows, draws, clusters)
    pairs = {(pair["a"], pair["b"]): pair for pair in compared["pairs"]["nDCG@10"]}
    assert pairs["a", "b"]["significant"]
    assert pairs["a", "b"]["difference"] < 0
    assert pairs["a", "b"]["interval"][1] < 0
    assert pairs["a", "b"]["p"] == compared["p_floor"]
    assert not pairs["a", "c"]["significant"]
    assert "100 queries" in compared["test"]
    assert "50 clusters of the 100 queries" in significance.compare(rows, draws, clusters // 2)["test"]
    assert compared == significance.compare(rows, draws, clusters)


@pytest.mark.parametrize("values", [np.full(50, 0.5), np.array([0.7])])
def test_values_that_do_not_vary_have_an_interval_of_no_width_and_no_significance(values):
    clusters = np.arange(len(values))
    intervals = significance.intervals({"a": {"nDCG@10": values}}, significance.Draws(200, 1), clusters)
    assert intervals["a"]["nDCG@10"] == pytest.approx([values[0]] * 2)
    assert significance.randomisation_p(np.zeros((len(values), 1)), 1, clusters).tolist() == [1]

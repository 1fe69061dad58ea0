"""Intervals and tests against scipy and worked examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from src.evaluation import significance

RNG = np.random.default_rng(0)
SAMPLE = RNG.beta(0.5, 0.5, size=(80, 2))


def test_intervals_agree_with_scipy():
    low, high = significance.interval(significance.bootstrap_means(SAMPLE, 5000, seed=1))
    theirs = stats.bootstrap((SAMPLE,), np.mean, n_resamples=5000, method="percentile", axis=0, rng=2)
    np.testing.assert_allclose(low, theirs.confidence_interval.low, atol=0.008)
    np.testing.assert_allclose(high, theirs.confidence_interval.high, atol=0.008)


def test_columns_are_resampled_together():
    both = np.stack([SAMPLE[:, 0], SAMPLE[:, 0] + 0.25], axis=1)
    means = significance.bootstrap_means(both, 700, seed=3)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 0.25)


def test_randomisation_agrees_with_scipy():
    differences = RNG.normal(0.15, 1, size=(60, 3)) * [1, 2, 0.5]
    ours = significance.randomisation_p(differences, 8000, seed=1)
    for column, p in zip(differences.T, ours, strict=True):
        theirs = stats.permutation_test(
            (column,), lambda x, axis: x.mean(axis=axis), permutation_type="samples", n_resamples=8000, rng=5
        )
        assert p == pytest.approx(theirs.pvalue, abs=0.02)


def test_equal_rows_differ_by_chance_and_a_clear_difference_does_not():
    p = significance.randomisation_p(np.stack([np.zeros(50), np.full(50, 0.1)], axis=1), 999, seed=1)
    assert p.tolist() == [1.0, 0.001]


def test_holm_by_hand():
    assert significance.holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_raw_value_and_bonferroni_and_keeps_the_order(p):
    corrected = significance.holm(p)
    assert (corrected >= np.array(p) - 1e-12).all()
    assert (corrected <= np.minimum(1, np.array(p) * len(p)) + 1e-12).all()
    assert (np.diff(corrected[np.argsort(p, kind="stable")]) >= -1e-12).all()


def test_resamples_leave_room_for_the_correction():
    assert significance.resamples_for(pairs=3, asked=2000) == 2000
    pairs = 190
    assert pairs / (significance.resamples_for(pairs, 100) + 1) < 0.05


def test_a_table_of_rows_is_compared_pair_by_pair():
    base = {measure: RNG.integers(0, 2, 100).astype(float) for measure in significance.TESTED}
    better = {measure: np.minimum(1, values + 0.3) for measure, values in base.items()}
    found = significance.compare({"a": base, "b": better, "c": base}, resamples=500, seed=7)
    pairs = {(pair["a"], pair["b"]): pair for pair in found["pairs"]["nDCG@10"]}
    assert pairs["a", "b"]["significant"]
    assert pairs["a", "b"]["difference"] < 0
    assert pairs["a", "b"]["interval"][1] < 0
    assert not pairs["a", "c"]["significant"]
    assert found == significance.compare({"a": base, "b": better, "c": base}, resamples=500, seed=7)


def test_every_mean_has_an_interval_around_it():
    rows = {"a": {"P@1": SAMPLE[:, 0], "MAP": SAMPLE[:, 1]}}
    found = significance.intervals(rows, resamples=300, seed=1)["a"]
    for measure, values in rows["a"].items():
        assert found[measure][0] < values.mean() < found[measure][1]

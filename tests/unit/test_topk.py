"""Exact search: the same answer for every block size, ties by row, hard cases by the slow way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.evaluation import topk


def brute_force(queries: np.ndarray, documents: np.ndarray, k: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    def normal(x: np.ndarray) -> np.ndarray:
        return topk.unit(x[:, :dim]).numpy().astype(np.float64)

    scores = np.round(normal(queries) @ normal(documents).T, 6).astype(np.float32)
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, rows, 1), rows


def vectors(seed: int, count: int, dim: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 1000),
    count=st.integers(1, 300),
    k=st.integers(1, 60),
    block=st.integers(1, 301),
    dim=st.sampled_from([3, 8]),
    copies=st.integers(1, 4),
)
def test_blocks_do_not_matter_and_ties_go_to_the_lower_row(*, seed, count, k, block, dim, copies):
    documents = np.repeat(vectors(seed, count, 8), copies, axis=0)
    queries = vectors(seed + 1, 5, 8)
    scores, rows = topk.search(queries, documents, k, dim=dim, block=block)
    expected_scores, expected_rows = brute_force(queries, documents, k, dim)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_array_equal(scores, expected_scores)


@pytest.mark.parametrize("block", [50, 999, 4000])
def test_scores_closer_than_float32_tells_apart_are_still_ordered(block):
    centre = vectors(0, 1, 64)
    documents = centre + 1e-5 * vectors(1, 2000, 64)
    queries = centre + 1e-5 * vectors(2, 3, 64)
    scores, rows = topk.search(queries, documents, 20, block=block)
    expected_scores, expected_rows = brute_force(queries, documents, 20, 64)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_array_equal(scores, expected_scores)


def test_scores_that_differ_beyond_six_decimals_are_a_tie():
    """So neither BLAS nor padding decides between the same text in two documents."""
    documents = np.repeat(vectors(0, 1, 16), 40, axis=0) + np.float32(1e-7) * vectors(1, 40, 16)
    scores, rows = topk.search(vectors(2, 3, 16), documents, 4, block=7)
    assert (np.diff(rows)[np.diff(scores) == 0] > 0).all()
    assert (np.diff(scores) == 0).any()
    np.testing.assert_array_equal(np.round(scores.astype(np.float64), 6).astype(np.float32), scores)

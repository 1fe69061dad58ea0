"""Exact search: the same answer for every block size, ties by row, hard cases by the slow way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.evaluation import dense, quantise, topk
from src.evaluation.beir import EvalSet


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


def test_all_texts_equal_every_score_tied():
    """Ties go to the higher document id, as trec_eval has it, whatever the blocks."""
    ids, queries = [f"d{number:03d}" for number in range(500, 0, -1)], ["q0", "q1", "q2"]
    data = EvalSet("set", ids, ids, queries, queries, {}, {}, {}, False)
    same = np.ones((500, 8), dtype=np.float32)
    run = dense.rank(same[:3], same, data, 10)
    assert all([document for document, _ in hits] == data.document_ids[:10] for hits in run.values())
    assert all(score == pytest.approx(1) for hits in run.values() for _, score in hits)
    for form in quantise.rank_quantised(same[:3], same, data, 10, 8).values():
        assert [document for document, _ in form["q0"]] == data.document_ids[:10]


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_length_does_not_count_however_extreme(scale):
    queries, documents = vectors(0, 5, 16), vectors(1, 50, 16)
    expected_scores, expected_rows = topk.search(queries, documents, 10)
    scores, rows = topk.search(queries * np.float32(scale), documents * np.float32(scale), 10)
    assert rows.tolist() == expected_rows.tolist()
    assert np.allclose(scores, expected_scores, atol=1e-6)


@pytest.mark.parametrize("wrong", [1e-30, 1e30, np.nan])
def test_what_float32_cannot_compare_is_refused(wrong):
    documents = vectors(1, 50, 16)
    documents[7] = wrong
    with pytest.raises(UserError, match="1 vectors cannot be compared"):
        topk.search(vectors(0, 5, 16), documents, 10)
    with pytest.raises(UserError, match="1 vectors cannot be compared"):
        topk.search(documents[7:8], vectors(0, 5, 16), 3)


def test_a_vector_of_zeros_is_like_nothing():
    scores, rows = topk.search(np.zeros((1, 4), np.float32), vectors(0, 6, 4), 3)
    assert scores.tolist() == [[0, 0, 0]]
    assert rows.tolist() == [[0, 1, 2]]


def test_more_dimensions_than_the_model_has_are_refused():
    class Small:
        dim, path = 8, "models/x"

    with pytest.raises(UserError, match="more than the 8 dimensions"):
        dense.check_dims([16, 8], Small())

"""Numbers under stress: degenerate sets and extreme vectors give the right result, or are refused."""

import numpy as np
import pytest

from src.errors import UserError
from src.evaluation import dense, lexical, quantise, significance
from src.evaluation.beir import EvalSet
from src.evaluation.topk import search


def eval_set(documents: int, queries: int, drop_self_hits: bool = False) -> EvalSet:
    """Ids in falling order, so that the tie rule (document id, descending) keeps the order of rows."""
    ids = [f"d{number:03d}" for number in range(documents, 0, -1)]
    query_ids = [f"q{number}" for number in range(queries)]
    qrels = {query: {ids[0]: 1} for query in query_ids}
    return EvalSet("set", ids, ["metin"] * documents, query_ids, ["soru"] * queries, qrels, {}, {}, drop_self_hits)


def vectors(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float32)


def test_all_texts_equal_every_score_tied():
    """Ties go to the higher document id, as trec_eval has it, whatever the blocks."""
    data = eval_set(500, 3)
    same = np.ones((500, 8), dtype=np.float32)
    run = dense.rank(same[:3], same, data, 10)
    assert all([document for document, _ in hits] == data.document_ids[:10] for hits in run.values())
    assert all(score == pytest.approx(1) for hits in run.values() for _, score in hits)
    for form in quantise.rank_quantised(same[:3], same, data, 10, 8).values():
        assert [document for document, _ in form["q0"]] == data.document_ids[:10]


def test_a_document_without_words_is_no_hit_of_bm25():
    _, rows = lexical.Bm25(["", "... !!", "bir söz"], lexical.words).search(["söz", "", "?"], 3)
    assert rows.tolist() == [[2, -1, -1], [-1] * 3, [-1] * 3]


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_length_does_not_count_however_extreme(scale):
    queries, documents = vectors(5, 16), vectors(50, 16, 1)
    expected_scores, expected_rows = search(queries, documents, 10)
    scores, rows = search(queries * np.float32(scale), documents * np.float32(scale), 10)
    assert rows.tolist() == expected_rows.tolist()
    assert np.allclose(scores, expected_scores, atol=1e-6)


@pytest.mark.parametrize("wrong", [1e-30, 1e30, np.nan])
def test_what_float32_cannot_compare_is_refused(wrong):
    documents = vectors(50, 16, 1)
    documents[7] = wrong
    with pytest.raises(UserError, match="1 vectors cannot be compared"):
        search(vectors(5, 16), documents, 10)
    with pytest.raises(UserError, match="1 vectors cannot be compared"):
        search(documents[7:8], vectors(5, 16), 3)


def test_a_vector_of_zeros_is_like_nothing():
    scores, rows = search(np.zeros((1, 4), np.float32), vectors(6, 4), 3)
    assert scores.tolist() == [[0, 0, 0]]
    assert rows.tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("values", [np.full(50, 0.5), np.array([0.7])])
def test_values_that_do_not_vary_have_an_interval_of_no_width_and_no_significance(values):
    clusters = np.arange(len(values))
    intervals = significance.intervals({"a": {"nDCG@10": values}}, significance.Draws(200, 1), clusters)
    assert intervals["a"]["nDCG@10"] == pytest.approx([values[0]] * 2)
    assert significance.randomisation_p(np.zeros((len(values), 1)), 1, clusters).tolist() == [1]


def test_more_dimensions_than_the_model_has_are_refused():
    class Small:
        dim, path = 8, "models/x"

    with pytest.raises(UserError, match="more than the 8 dimensions"):
        dense.check_dims([16, 8], Small())

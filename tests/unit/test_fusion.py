"""Fusion of rankings: what it rewards, and what must not change it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.evaluation.fusion import FUSIONS, reciprocal_rank_fusion, z_score_sum
from src.evaluation.runs import order

rankings = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(-50, 50).map(float), max_size=10).map(
    lambda hits: order(list(hits.items()))
)
fusions = pytest.mark.parametrize("fuse", FUSIONS.values(), ids=FUSIONS)


def test_ranks_reward_agreement_and_keeps_what_one_run_lacks():
    first = {"q": [("a", 9.0), ("b", 8.0)], "r": [("a", 1.0)]}
    second = {"q": [("b", 0.2), ("c", 0.1)]}
    fused = reciprocal_rank_fusion([first, second], depth=3)
    assert [document for document, _ in fused["q"]] == ["b", "a", "c"]
    assert fused["q"][0][1] == pytest.approx(1 / 61 + 1 / 62, abs=1e-6)
    assert fused["r"] == [("a", pytest.approx(1 / 61, abs=1e-6))]


def test_z_scores_by_hand():
    fused = z_score_sum([{"q": [("a", 3.0), ("b", 1.0)]}, {"q": [("c", 5.0), ("a", 4.0)]}], 3)
    # Of (a, b, c): the first run has 3, 1, 1, the second 4, 4, 5; a document that a run lacks has its lowest score.
    first, second = np.array([3.0, 1.0, 1.0]), np.array([4.0, 4.0, 5.0])
    expected = (first - first.mean()) / first.std() + (second - second.mean()) / second.std()
    assert dict(fused["q"]) == pytest.approx(dict(zip("abc", expected, strict=True)))


@fusions
@given(hits=rankings, others=rankings)
def test_the_order_of_the_runs_changes_nothing(fuse, hits, others):
    assert fuse([{"q": hits}, {"q": others}], 10) == fuse([{"q": others}, {"q": hits}], 10)


@fusions
@given(hits=rankings)
def test_a_run_without_hits_changes_no_score(fuse, hits):
    alone = fuse([{"q": hits}], 10)
    for empty in ({"q": []}, {}):
        assert fuse([{"q": hits}, empty], 10) == alone


@fusions
@given(hits=rankings, others=rankings, depth=st.integers(0, 12))
def test_documents_are_those_of_the_runs_best_first_ties_by_id(fuse, hits, others, depth):
    fused = fuse([{"q": hits}, {"q": others}], depth)["q"]
    known = {document for document, _ in [*hits, *others]}
    assert len(fused) == min(depth, len(known))
    assert {document for document, _ in fused} <= known
    assert fused == order(fused)


@given(hits=rankings, others=rankings, scale=st.floats(1e-3, 1e3), shift=st.floats(-1e3, 1e3))
def test_z_scores_know_neither_the_scale_nor_the_zero_of_a_run(hits, others, scale, shift):
    moved = [(document, score * scale + shift) for document, score in hits]
    expected, fused = (dict(z_score_sum([{"q": run}, {"q": others}], 20)["q"]) for run in (hits, moved))
    assert fused == pytest.approx(expected, abs=1e-6)


@given(score=st.floats(-1e6, 1e6), others=rankings)
def test_a_run_whose_hits_all_score_alike_adds_nothing(score, others):
    alike = [(document, score) for document, _ in others]
    assert z_score_sum([{"q": alike}, {"q": others}], 10) == z_score_sum([{"q": others}], 10)

"""Correlations, triplets and forgetting against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from src.errors import UserError
from src.evaluation import similarity
from src.evaluation.significance import Draws
from src.files import write_jsonl

RNG = np.random.default_rng(0)
FIRST = RNG.normal(size=(200, 8)).astype(np.float32)
SECOND = (FIRST + RNG.normal(size=(200, 8))).astype(np.float32)
SCORES = np.round(RNG.uniform(0, 5, 200), 1)


def test_correlations_are_scipys_on_each_similarity():
    a, b = similarity.unit(FIRST, 4), similarity.unit(SECOND, 4)
    correlations = {name: similarity.correlation(row, SCORES) for name, row in similarity.similarities(a, b).items()}
    values = {
        "cosine": (a * b).sum(1),
        "dot": (a * b).sum(1),
        "euclidean": -np.sqrt(((a - b) ** 2).sum(1)),
        "manhattan": -np.abs(a - b).sum(1),
    }
    assert set(correlations) == set(values)
    for name, value in values.items():
        assert correlations[name]["spearman"] == pytest.approx(stats.spearmanr(value, SCORES).statistic, abs=1e-6)
        assert correlations[name]["pearson"] == pytest.approx(stats.pearsonr(value, SCORES).statistic, abs=1e-6)


def test_triplet_accuracy_takes_no_tie_for_a_success():
    anchor = np.array([[1.0, 0.0]] * 3)
    positive = np.array([[1.0, 0.1], [0.0, 1.0], [1.0, 1.0]])
    negative = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert similarity.triplets_right(anchor, positive, negative).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("before", "after", "verdict", "sign"),
    [(0.1, 3.0, "fell", 1), (3.0, 0.1, "rose", -1), (0.5, 0.5, "no significant change", 0)],
)
def test_a_drop_is_positive_and_a_gain_is_reported_too(before, after, verdict, sign):
    noise = RNG.normal(size=(2, 200))
    rows = (SCORES + before * noise[0])[None], (SCORES + after * noise[1])[None]
    (change,) = similarity.forgetting(*rows, SCORES, Draws(400, 1))
    assert similarity.forgetting(*(np.vstack([SCORES, row]) for row in rows), SCORES, Draws(400, 1))[1] == change
    assert change["verdict"] == verdict
    assert change["drop"] == pytest.approx(change["before"] - change["after"])
    assert change["interval"][0] <= change["drop"] <= change["interval"][1]
    assert sign * change["drop"] >= 0


def write_pairs(path, rows):
    write_jsonl(path, rows)
    return path


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"sentence1": "a", "sentence2": "b"}], "x.jsonl:1: score is None; expected a number"),
        ([{"sentence1": "a", "sentence2": "b", "score": 3}] * 2, "2 pairs with one score"),
        ([], "0 pairs"),
    ],
)
def test_faulty_pairs_are_refused(tmp_path, rows, message):
    with pytest.raises(UserError, match=message):
        similarity.read_pairs(write_pairs(tmp_path / "x.jsonl", rows))


def test_vectors_that_do_not_vary_have_no_correlation():
    same = np.ones((200, 4), dtype=np.float32)
    values = similarity.similarities(similarity.unit(same, 4), similarity.unit(same, 4))
    assert similarity.correlation(values["cosine"], SCORES) == {"spearman": 0.0, "pearson": 0.0}

"""int8 and binary forms: codes stand for their vectors, bits for Hamming distance, rescoring mends the order."""

import numpy as np
import pytest

from src.evaluation import quantise
from src.evaluation.beir import EvalSet
from src.evaluation.topk import unit

RNG = np.random.default_rng(0)
DOCUMENTS = RNG.normal(size=(400, 48)).astype(np.float32) + 0.3
QUERIES = (DOCUMENTS[:30] + 0.8 * RNG.normal(size=(30, 48))).astype(np.float32)
IDS = [f"d{n:03d}" for n in range(400, 0, -1)]
ASKED = [f"q{n}" for n in range(30)]
DATA = EvalSet("s", IDS, IDS, ASKED, ASKED, {}, {}, {}, False)


def overlap(run: dict, other: dict) -> float:
    shared = [len({d for d, _ in run[q]} & {d for d, _ in other[q]}) / len(other[q]) for q in other]
    return float(np.mean(shared))


@pytest.fixture(scope="module")
def runs() -> dict:
    return quantise.rank_quantised(QUERIES, DOCUMENTS, DATA, depth=10, dim=32)


@pytest.fixture(scope="module")
def exact() -> dict:
    scores = unit(QUERIES[:, :32]).numpy() @ unit(DOCUMENTS[:, :32]).numpy().T
    return {q: [(IDS[row], 0.0) for row in np.argsort(-scores[n])[:10]] for n, q in enumerate(ASKED)}


def test_int8_scores_are_those_of_the_vectors_to_a_step():
    asked, held = unit(QUERIES).numpy(), unit(DOCUMENTS).numpy()
    codes = quantise.Codes.of(held)
    assert np.abs(quantise.int8_scores(asked, codes) - asked @ held.T).max() < codes.step.max() * np.sqrt(48)


def test_binary_scores_count_bits():
    held = quantise.Codes.of(DOCUMENTS)
    scores = quantise.binary_scores(QUERIES, held)
    differing = ((QUERIES[3] > 0) != (DOCUMENTS[7] > 0)).sum()
    assert scores[3, 7] == 48 - 2 * differing


def test_int8_keeps_nearly_all_and_rescoring_mends_binary(runs, exact):
    assert overlap(runs["int8"], exact) > 0.95
    assert overlap(runs["binary"], exact) < overlap(runs["binary_rescored"], exact)


def test_the_answer_does_not_depend_on_how_many_queries_are_held(runs, monkeypatch):
    monkeypatch.setattr(quantise, "_SCORES", 400 * 7)
    again = quantise.rank_quantised(QUERIES, DOCUMENTS, DATA, depth=10, dim=32)
    assert {form: {q: [d for d, _ in hits] for q, hits in run.items()} for form, run in again.items()} == {
        form: {q: [d for d, _ in hits] for q, hits in run.items()} for form, run in runs.items()
    }


def test_ties_go_to_the_lower_row_also_among_candidates():
    scores = np.array([[1.0, 2.0, 2.0, 2.0]], dtype=np.float32)
    assert quantise.best(scores, 2)[1].tolist() == [[1, 2]]
    assert quantise.best(scores, 2, np.array([[3, 0, 2]]))[1].tolist() == [[2, 3]]


@pytest.mark.parametrize(("dim", "binary"), [(768, 96), (64, 8), (20, 3)])
def test_bytes(dim, binary):
    assert quantise.bytes_per_document(dim) == {
        "float32": 4 * dim,
        "int8": dim,
        "binary": binary,
        "binary_rescored": binary,
    }

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
QUERY_IDS = [f"q{n}" for n in range(30)]
DATA = EvalSet("s", IDS, IDS, QUERY_IDS, QUERY_IDS, {}, {}, {}, False)


@pytest.fixture(scope="module")
def runs() -> dict:
    return quantise.rank_quantised(QUERIES, DOCUMENTS, DATA, depth=10, dim=32)


def test_int8_scores_are_those_of_the_vectors_to_a_step():
    queries, documents = unit(QUERIES).numpy(), unit(DOCUMENTS).numpy()
    scale = quantise.Scale.of(DOCUMENTS, block=37)
    scores = quantise.int8_scores(queries, scale.codes(documents), scale)
    assert np.abs(scores - queries @ documents.T).max() < scale.step.max() * np.sqrt(48)


def test_binary_scores_count_bits():
    scores = quantise.binary_scores(QUERIES, DOCUMENTS)
    differing = ((QUERIES[3] > 0) != (DOCUMENTS[7] > 0)).sum()
    assert scores[3, 7] == 48 - 2 * differing


@pytest.mark.parametrize("documents_at_once", [1, 37])
def test_the_answer_does_not_depend_on_the_block(runs, monkeypatch, documents_at_once):
    monkeypatch.setattr(quantise, "_DOCUMENTS_AT_ONCE", documents_at_once)
    assert quantise.rank_quantised(QUERIES, DOCUMENTS, DATA, depth=10, dim=32) == runs


def test_runs_are_those_of_all_scores_at_once_ties_to_the_lower_row(runs):
    """As sentence-transformers' codes rank them, written out over the whole table of scores."""
    queries, documents = unit(QUERIES[:, :32]).numpy(), unit(DOCUMENTS[:, :32]).numpy()
    bits = quantise.binary_scores(queries, documents)
    scale = quantise.Scale(np.vstack([documents.min(axis=0), documents.max(axis=0)]))
    int8 = quantise.int8_scores(queries, scale.codes(documents), scale)
    for number, query in enumerate(QUERY_IDS):
        by_bits, by_int8 = (np.argsort(-scores[number], kind="stable") for scores in (bits, int8))
        among = np.sort(by_bits[:40])
        rescored = among[np.argsort(-int8[number, among], kind="stable")]
        for form, rows in {"binary": by_bits, "int8": by_int8, "binary_rescored": rescored}.items():
            assert [document for document, _ in runs[form][query]] == [IDS[row] for row in rows[:10]], form


@pytest.mark.parametrize(("dim", "binary"), [(64, 8), (20, 3)])
def test_bytes(dim, binary):
    assert quantise.bytes_per_document(dim) == {
        "float32": 4 * dim,
        "int8": dim,
        "binary": binary,
        "binary_rescored": binary,
    }

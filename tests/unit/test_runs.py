"""Run files: float32 scores that survive, trec_eval's order, and faults that are named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.errors import UserError
from src.evaluation import packed
from src.evaluation.beir import EvalSet
from src.evaluation.runs import from_rows, order, read_run, search_depth, write_run


def eval_set(ids: list[str], queries: list[str], drop_self_hits: bool = False) -> EvalSet:
    return EvalSet("s", ids, ids, queries, queries, {q: {ids[0]: 1} for q in queries}, {}, {}, drop_self_hits)


floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(floats, min_size=1, max_size=20))
def test_scores_survive_both_files_bit_for_bit(tmp_path_factory, scores):
    folder = tmp_path_factory.mktemp("run")
    run = {"q": [(f"d{n}", score) for n, score in enumerate(scores)]}
    write_run(folder / "x.trec", run, "x")
    packed.write_runs(folder / "x.parquet", {"x": run})
    for read in (read_run(folder / "x.trec"), packed.read_runs(folder / "x.parquet")["x"]):
        assert [document for document, _ in read["q"]] == [document for document, _ in run["q"]]
        np.testing.assert_array_equal(np.float32([score for _, score in read["q"]]), np.float32(scores))


def test_lines_are_trec_lines(tmp_path):
    path = tmp_path / "x.trec"
    write_run(path, {"q1": [("d2", 0.1), ("d1", 1e-9)]}, "bm25")
    assert path.read_text() == "q1 Q0 d2 1 0.1 bm25\nq1 Q0 d1 2 1e-09 bm25\n"


def test_ties_go_by_document_id_as_in_trec_eval():
    hits = [("a", 1.0), ("ç", 1.0), ("b", 2.0), ("z", 1.0 + 1e-12)]
    assert [document for document, _ in order(hits)] == ["b", "ç", "z", "a"]


def test_a_self_hit_goes_and_the_depth_stays():
    data = eval_set(["c", "b", "a"], ["b"], drop_self_hits=True)
    assert search_depth(data, 2) == 3
    run = from_rows(np.float32([[0.9, 0.8, 0.7]]), np.array([[1, 0, 2]]), data, depth=2)
    assert [document for document, _ in run["b"]] == ["c", "a"]


def test_rows_of_minus_one_are_no_hits():
    run = from_rows(np.float32([[0.9, 0.0]]), np.array([[1, -1]]), eval_set(["c", "b"], ["q"]), depth=2)
    assert [document for document, _ in run["q"]] == ["b"]


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(UserError, match=r"y\.trec: no such file"):
        read_run(tmp_path / "y.trec")

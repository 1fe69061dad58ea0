"""Measures equal trec_eval's, from the run files."""

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from src.evaluation.metrics import NAMES, means, per_query, table
from src.evaluation.runs import order, read_run, write_run

TREC_NAMES = {
    **{f"P@{k}": f"P_{k}" for k in (1, 3, 5, 10)},
    **{f"R@{k}": f"recall_{k}" for k in (1, 5, 10, 100)},
    **{f"nDCG@{k}": f"ndcg_cut_{k}" for k in (1, 3, 5, 10, 100)},
    "MAP@10": "map_cut_10",
    "MAP": "map",
}


def reference(qrels: dict, run: dict) -> dict[str, float]:
    """Means by pytrec_eval alone; MRR@10 by cutting the run to its first ten as trec_eval ranks them."""
    scores = {query: dict(hits) for query, hits in run.items()}
    theirs = pytrec_eval.RelevanceEvaluator(qrels, set(TREC_NAMES.values())).evaluate(scores)
    top = {query: dict(order(list(hits))[:10]) for query, hits in run.items()}
    reciprocal = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(top)
    result = {ours: sum(v[name] for v in theirs.values()) / len(qrels) for ours, name in TREC_NAMES.items()}
    return result | {"MRR@10": sum(v["recip_rank"] for v in reciprocal.values()) / len(qrels)}


documents = st.integers(0, 30).map(lambda n: f"d{n}")
rankings = st.dictionaries(documents, st.integers(-4, 4).map(lambda n: n / 4), max_size=31)
judged = st.dictionaries(documents, st.integers(0, 2), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(judged, rankings), min_size=1, max_size=5))
def test_means_equal_pytrec_eval_from_the_written_run(tmp_path_factory, queries):
    qrels = {f"q{n}": judgements for n, (judgements, _) in enumerate(queries)}
    run = {f"q{n}": order(list(scores.items())) for n, (_, scores) in enumerate(queries)}
    path = tmp_path_factory.mktemp("run") / "x.trec"
    write_run(path, run, "x")
    ours = means(per_query(qrels, read_run(path)))
    assert set(ours) == set(NAMES)
    assert ours == pytest.approx(reference(qrels, run), abs=1e-6)


def test_the_per_query_table_names_its_columns():
    header, rows = table(["q"], per_query({"q": {"a": 1}}, {"q": [("a", 1.0)]}))
    assert header == ["query-id", *NAMES]
    assert rows[0][:2] == ["q", "1"]

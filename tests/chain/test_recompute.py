"""Every number of reports/metrics.json, recomputed from files by others' code alone."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import pytrec_eval

from tests.checkout import ROOT

pytestmark = pytest.mark.chain
SET = "scifact_tr_synthetic"
TREC = {
    **{f"P@{k}": f"P_{k}" for k in (1, 3, 5, 10)},
    **{f"R@{k}": f"recall_{k}" for k in (1, 5, 10, 100)},
    **{f"nDCG@{k}": f"ndcg_cut_{k}" for k in (1, 3, 5, 10, 100)},
    "MAP": "map",
    "MAP@10": "map_cut_10",
}
RANKED = {
    **{f"P@{k}": f"cosine_precision@{k}" for k in (1, 3, 5, 10)},
    **{f"R@{k}": f"cosine_recall@{k}" for k in (1, 5, 10, 100)},
    "MRR@10": "cosine_mrr@10",
    **{f"nDCG@{k}": f"cosine_ndcg@{k}" for k in (1, 3, 5, 10, 100)},
    "MAP": "cosine_map@100",
    "MAP@10": "cosine_map@10",
}


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for line in path.read_text().splitlines()[1:]:
        query, document, score = line.split("\t")
        qrels.setdefault(query, {})[document] = int(score)
    return qrels


def read_judged(root: Path) -> dict[str, dict[str, int]]:
    return read_qrels(root / "data" / "prepared" / SET / "qrels" / "test.tsv")


def run_of(root: Path, run_file: str) -> Path:
    """Whole systems' runs are in git, those of smaller vectors in DVC's cache."""
    folder = "data" if run_file.startswith("retrieval-") else "reports"
    return root / folder / "runs" / SET / f"{run_file}.trec"


def recomputed(root: Path, run_file: str, qrels: dict[str, dict[str, int]]) -> dict[str, float]:
    """Means over the queries of `qrels` of a run file, by pytrec_eval and nothing of ours."""
    with run_of(root, run_file).open() as stream:
        run = pytrec_eval.parse_run(stream)
    found = pytrec_eval.RelevanceEvaluator(qrels, {*TREC.values(), "recip_rank"}).evaluate(run).values()
    means = {ours: sum(values[theirs] for values in found) / len(qrels) for ours, theirs in TREC.items()}
    reciprocal = [values["recip_rank"] for values in found]
    return means | {"MRR@10": sum(value for value in reciprocal if value > 0.0999) / len(qrels)}


def clear(root: Path, run_file: str) -> dict[str, dict[str, int]]:
    """The judgements of queries of which no relevant document scores within a rounding step (1e-6) of another.

    Vectors of another batch differ by that much, so elsewhere the order is not the evaluator's to tell.
    """
    with run_of(root, run_file).open() as stream:
        run = pytrec_eval.parse_run(stream)

    def is_clear(query: str, relevant: dict[str, int]) -> bool:
        scores = run[query]
        near = [abs(scores[a] - scores[b]) for a in relevant if a in scores for b in scores if b != a]
        return min(near, default=1.0) > 1.5e-6

    return {query: relevant for query, relevant in read_judged(root).items() if is_clear(query, relevant)}


@pytest.fixture(scope="module")
def metrics(tiny):
    return json.loads((tiny.path / "reports" / "metrics.json").read_text())


def test_every_row_is_pytrec_evals_from_the_saved_run(tiny, metrics):
    for row, values in metrics[SET].items():
        assert values == pytest.approx(recomputed(tiny.path, row, read_judged(tiny.path)), abs=1e-6), row


def test_every_dimension_is_pytrec_evals_from_the_saved_run(tiny, metrics):
    for number, (dim, values) in enumerate(metrics["matryoshka"].items()):
        file = f"retrieval-{dim}" if number else "retrieval"
        theirs = recomputed(tiny.path, file, read_judged(tiny.path))
        assert {name: values[name] for name in theirs} == pytest.approx(theirs, abs=1e-6), dim


def test_smaller_indexes_are_pytrec_evals_from_the_saved_runs(tiny):
    evaluation = json.loads((tiny.path / "reports" / "eval" / f"{SET}.json").read_text())
    for dim, forms in evaluation["quantisation"].items():
        for form in ("int8", "binary", "binary_rescored"):
            theirs = recomputed(tiny.path, f"retrieval-{dim}.{form}", read_judged(tiny.path))
            for measure in ("P@1", "R@10", "MRR@10", "nDCG@10"):
                assert forms[form][measure] == pytest.approx(theirs[measure], abs=1e-6), (dim, form)


def test_every_dimension_is_sentence_transformers_own_evaluators(tiny, metrics):
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    prepared = tiny.path / "data" / "prepared" / SET
    documents, queries = (
        [json.loads(line) for line in (prepared / name).open()] for name in ("corpus.jsonl", "queries.jsonl")
    )
    model = SentenceTransformer(str(tiny.path / "models" / "retrieval"), device="cpu", local_files_only=True)
    for number, dim in enumerate(metrics["matryoshka"]):
        file = f"retrieval-{dim}" if number else "retrieval"
        qrels = clear(tiny.path, file)
        assert len(qrels) > 0.8 * len(read_judged(tiny.path))
        evaluator = InformationRetrievalEvaluator(
            {row["_id"]: row["text"] for row in queries if row["_id"] in qrels},
            {row["_id"]: f"{row['title']} {row['text']}".strip() for row in documents},
            {query: set(judged) for query, judged in qrels.items()},
            precision_recall_at_k=[1, 3, 5, 10, 100],
            accuracy_at_k=[1],
            map_at_k=[10, 100],
            ndcg_at_k=[1, 3, 5, 10, 100],
            truncate_dim=int(dim),
            main_score_function="cosine",
            write_csv=False,
        )
        theirs = evaluator(model)
        expected = {ours: theirs[key] for ours, key in RANKED.items()}
        assert recomputed(tiny.path, file, qrels) == pytest.approx(expected, abs=1e-4), dim


def test_the_recomputation_that_the_documentation_shows(tiny, metrics):
    """The lines of docs/evaluation.md print what metrics.json holds."""
    text = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "pytrec_eval" in block)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tiny.path, capture_output=True, text=True, check=True, timeout=120
    )
    ours = metrics[SET]["retrieval"]
    assert [float(word) for word in done.stdout.split()] == pytest.approx([ours["nDCG@10"], ours["P@1"]], abs=1e-6)

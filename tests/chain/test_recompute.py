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


def read_qrels(root: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for line in (root / "data" / "prepared" / SET / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query, document, score = line.split("\t")
        qrels.setdefault(query, {})[document] = int(score)
    return qrels


def recomputed(root: Path, run_file: str) -> dict[str, float]:
    """Means of a run file over all queries, by pytrec_eval and nothing of ours."""
    folder = "data" if run_file.startswith("retrieval-") else "reports"  # runs of smaller vectors are not in git
    with (root / folder / "runs" / SET / f"{run_file}.trec").open() as stream:
        run = pytrec_eval.parse_run(stream)
    qrels = read_qrels(root)
    values = pytrec_eval.RelevanceEvaluator(qrels, {*TREC.values(), "recip_rank"}).evaluate(run).values()
    means = {ours: sum(of_query[theirs] for of_query in values) / len(qrels) for ours, theirs in TREC.items()}
    within_ten = [of_query["recip_rank"] for of_query in values if of_query["recip_rank"] > 0.0999]
    return means | {"MRR@10": sum(within_ten) / len(qrels)}


@pytest.fixture(scope="module")
def metrics(tiny):
    return json.loads((tiny.path / "reports" / "metrics.json").read_text())


def test_every_number_is_pytrec_evals_from_the_saved_runs(tiny, metrics):
    evaluation = json.loads((tiny.path / "reports" / "eval" / f"{SET}.json").read_text())
    (whole, of_whole), *smaller = metrics["matryoshka"].items()
    assert {name: of_whole[name] for name in metrics[SET]["retrieval"]} == metrics[SET]["retrieval"], whole
    measured = metrics[SET] | {f"retrieval-{dim}": values for dim, values in smaller}
    for dim, forms in evaluation["quantisation"].items():
        measured |= {f"retrieval-{dim}.{form}": values for form, values in forms.items() if form != "float32"}
    assert {"bm25", "retrieval-16", "retrieval-32.int8", "retrieval-16.binary_rescored"} <= set(measured)
    for run_file, values in measured.items():
        theirs = recomputed(tiny.path, run_file)
        shared = theirs.keys() & values.keys()
        assert {"P@1", "R@10", "MRR@10", "nDCG@10"} <= shared
        assert {name: values[name] for name in shared} == pytest.approx({n: theirs[n] for n in shared}, abs=1e-6)


def test_the_recomputation_that_the_documentation_shows(tiny, metrics):
    """The lines of docs/evaluation.md print what metrics.json holds."""
    text = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    code = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "pytrec_eval" in block)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tiny.path, capture_output=True, text=True, check=True, timeout=120
    )
    ours = metrics[SET]["retrieval"]
    assert [float(word) for word in done.stdout.split()] == pytest.approx([ours["nDCG@10"], ours["P@1"]], abs=1e-6)

"""The tables of docs/e5.md: results from the record e5, the search on dev from the values of every query in git."""

from __future__ import annotations

from pathlib import Path

import pytest

from src.files import read_json
from src.table_files import read_table

SEARCH = Path(__file__).parents[2] / "reports/records/e5_dev_search"
DOCS = Path(__file__).parents[2] / "docs/e5.md"
RUNS = [
    ("recipe", "42@0", "base"),
    ("recipe", "42", "temperature .02, rate 3e-5, table frozen, no dropout"),
    ("recipe", "42@0.5", "the same, half of its weights and half of the base's"),
    ("temperature_05", "42", "temperature .05, the paper's"),
]


def mean_of(variant: str, run: str) -> float:
    header, rows = read_table(SEARCH / variant / "queries.tsv")
    values = [float(row[header.index(run)]) for row in rows]
    return sum(values) / len(values)


SYSTEMS = {
    "base": "base",
    "nli": "NLI",
    "sts": "NLI → STS",
    "retrieval": "NLI → STS → retrieval",
    "colbert": "ColBERT from the same base and pairs",
    "bm25_lemma": "BM25 (lemmas)",
    "hybrid_z": "hybrid, z-scores",
}


def short(value: float) -> str:
    return f"{value:.4f}".lstrip("0")


@pytest.mark.parametrize(("system", "label"), SYSTEMS.items())
def test_a_result_is_the_records(system, label):
    metrics = read_json(SEARCH.parent / "e5/metrics.json")
    sets = ("pairs_dev", "xquad_tr_mteb", "thquad_dev", "turhistquad_mteb")
    similarity = metrics["external_sts"].get(system, {}).get("spearman")
    cells = [*(short(metrics[name][system]["nDCG@10"]) for name in sets), short(similarity) if similarity else "–"]
    assert f"| {label} | {' | '.join(cells)} |" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize(("variant", "run", "label"), RUNS)
def test_a_row_is_the_mean_over_its_queries(variant, run, label):
    assert f"| {label} | {short(mean_of(variant, run))} |" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("variant", ["recipe", "temperature_05"])
def test_a_summary_agrees_with_its_queries(variant):
    stated = read_json(SEARCH / variant / "summary.json")["retrieval"]["pairs_dev"]["nDCG@10"]["mean"]
    assert mean_of(variant, "42") == pytest.approx(stated, abs=2e-6)

"""The table of the search on dev (docs/e5.md), recomputed from the values of every query in git."""

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


@pytest.mark.parametrize(("variant", "run", "label"), RUNS)
def test_a_row_is_the_mean_over_its_queries(variant, run, label):
    shown = f"{mean_of(variant, run):.4f}".lstrip("0")
    assert f"| {label} | {shown} |" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("variant", ["recipe", "temperature_05"])
def test_a_summary_agrees_with_its_queries(variant):
    stated = read_json(SEARCH / variant / "summary.json")["retrieval"]["pairs_dev"]["nDCG@10"]["mean"]
    assert mean_of(variant, "42") == pytest.approx(stated, abs=2e-6)

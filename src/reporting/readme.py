"""README's table of results, from the records: `python -m src.reporting.readme`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.errors import UserError, run_command
from src.files import read_json, read_text, write_text
from src.recipe.stages import FINAL
from src.recipe.systems import LEMMA
from src.reporting import names
from src.reporting.tables import Cell, Table

README = Path("README.md")
RECORDS = Path("reports/records")
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
ROWS = (
    ("BM25", "bm25"),
    ("BM25 stemmed", "bm25_stem"),
    ("BM25 lemmas", LEMMA),
    ("ColBERT", "colbert"),
    ("ours", FINAL),
)


def main(_: list[str]) -> None:
    """Write the table between its marks in README.md."""
    write_text(README, with_results(read_text(README), results(RECORDS)))
    print(f"{README}: results of {RECORDS}")


def with_results(readme: str, table: str) -> str:
    """README with the table between the marks.

    Raises:
        UserError: a mark is missing.
    """
    before, found, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not found or not end:
        raise UserError(f"{README}: expected {BEGIN} and, after it, {END}")
    return f"{before}{BEGIN}\n{table}{END}{after}"


def results(records: Path) -> str:
    """A line for each retrieval set of each record, then one for each set of rated pairs; empty without records."""
    found = {path.parent.name: read_json(path) for path in sorted(records.glob("*/metrics.json"))}
    if not found:
        return ""
    retrieval: list[list[Cell]] = []
    similarity: list[list[Cell]] = []
    for record, metrics in found.items():
        link = f"[{record}](reports/records/{record}/REPORT.md)"
        for name, rules in metrics["protocol"].items():
            if "documents" in rules:
                retrieval.append([link, *retrieval_row(name, rules, metrics[name])])
            else:
                similarity.append([link, *similarity_row(name, rules, metrics)])
    header = [
        "run",
        "set",
        "queries",
        "documents",
        *(f"nDCG@10 {label}" for label, _ in ROWS),
        "P@1 ours",
        "R@100 ours",
    ]
    pairs = ["run", "set", "pairs", "Spearman before retrieval", "after", "change"]
    tables = [Table("retrieval", header, retrieval), Table("similarity", pairs, similarity)]
    return "\n".join(table.markdown() for table in tables)


def retrieval_row(name: str, rules: Mapping[str, Any], models: Mapping[str, Mapping[str, float]]) -> list[Cell]:
    """Set and protocol, sizes, and the models side by side."""
    title = "with titles" if rules["title"] else "without titles"
    label = f"{names.marked(name, bool(rules.get('synthetic')))}, {rules['name']}, {title}"
    scores: list[Cell] = [models[row]["nDCG@10"] if row in models else None for _, row in ROWS]
    return [label, rules["queries"], rules["documents"], *scores, models[FINAL]["P@1"], models[FINAL]["R@100"]]


def similarity_row(name: str, rules: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[Cell]:
    """Set, size, and Spearman's correlation before and after retrieval training."""
    drop = metrics["forgetting"]
    label = names.marked(name, bool(rules.get("synthetic")))
    return [label, rules["pairs"], drop["before"], drop["after"], f"{-drop['drop']:+.4f}"]


if __name__ == "__main__":
    run_command(main)

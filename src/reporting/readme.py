"""README's results, from the records: `python -m src.reporting.readme`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.errors import UserError, run_command
from src.evaluation.metrics import MAIN
from src.files import read_json, read_text, write_text
from src.recipe import systems
from src.recipe.stages import FINAL
from src.recipe.systems import LATE, LEXICAL
from src.reporting import names
from src.reporting.tables import Cell, Table

README = Path("README.md")
RECORDS = Path("reports/records")
ROWS = {row: systems.label(row) for row in (*LEXICAL, LATE)} | {FINAL: "ours"}


def main(_: list[str]) -> None:
    """Write the results between their marks in README.md."""
    readme = between(read_text(README), "results", results(RECORDS))
    write_text(README, between(readme, "mini", headline(read_json(RECORDS / "mini" / "metrics.json"))))
    print(f"{README}: results of {RECORDS}")


def between(readme: str, name: str, text: str) -> str:
    """README with the text between the marks of that name.

    Raises:
        UserError: a mark is missing.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, begins, rest = readme.partition(begin)
    _, closed, after = rest.partition(end)
    if not begins or not closed:
        raise UserError(f"{README}: expected {begin} and, after it, {end}")
    return f"{before}{begin}\n{text}{end}{after}"


def headline(metrics: Mapping[str, Any]) -> str:
    """What the mini profile ends at: the models side by side on its retrieval set, and at half of the dimensions."""
    name = next(name for name, rules in metrics["protocol"].items() if "documents" in rules)
    scores = {label: metrics[name][row][MAIN] for row, label in ROWS.items() if row in metrics[name]}
    half = list(metrics["matryoshka"].items())[1]
    others = ", ".join(f"{label} {score:.3f}" for label, score in scores.items() if label != "ours")
    return (
        f"On its **synthetic** data the run ends at {MAIN} {scores['ours']:.3f}, and {half[1][MAIN]:.3f} at "
        f"{half[0]} dimensions; beside it {others}.\n"
    )


def results(records: Path) -> str:
    """A line for each retrieval set of each record, then one for each set of scored pairs; empty without records."""
    retrieval: list[list[Cell]] = []
    similarity: list[list[Cell]] = []
    for path in sorted(records.glob("*/metrics.json")):
        record, metrics = path.parent.name, read_json(path)
        link = f"[{record}](reports/records/{record}/REPORT.md)"
        for name, rules in metrics["protocol"].items():
            label, models = names.marked(name, bool(rules.get("synthetic"))), metrics[name]
            if "documents" in rules:
                title = "with titles" if rules["title"] else "without titles"
                scores: list[Cell] = [models[row][MAIN] if row in models else None for row in ROWS]
                sizes = [f"{label}, {rules['name']}, {title}", rules["queries"], rules["documents"]]
                retrieval.append([link, *sizes, *scores, models[FINAL]["P@1"], models[FINAL]["R@100"]])
            else:
                drop = metrics["forgetting"]
                similarity.append([link, label, rules["pairs"], drop["before"], drop["after"], f"{-drop['drop']:+.4f}"])
    header = ["run", "set", "queries", "documents", *(f"{MAIN} {label}" for label in ROWS.values())]
    pairs = ["run", "set", "pairs", "Spearman before retrieval", "after", "change"]
    tables = [
        Table("retrieval", [*header, "P@1 ours", "R@100 ours"], retrieval),
        Table("similarity", pairs, similarity),
    ]
    return "\n".join(table.markdown() for table in tables) if retrieval else ""


if __name__ == "__main__":
    run_command(main)

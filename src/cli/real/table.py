"""README's first table, from reports/real/SET/summary.json and expected.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from src.checked import read_result
from src.evaluation.expected import EXPECTED, read_expected, unmeasured
from src.evaluation.metrics import MAIN
from src.evaluation.results import Measured, System
from src.recipe import systems
from src.recipe.systems import LEMMA
from src.reporting.retrieval import pair
from src.reporting.tables import Cell, Table, interval

REPORTS = Path("reports/real")
SUMMARY, RUNS, QRELS = "summary.json", "runs.parquet", "qrels.tsv"  # of each set
LABELS = {
    "mteb-bm25s": "BM25 as MTEB has it (English stems)",
    "all-minilm-l6-v2": "all-MiniLM-L6-v2 (an English model)",
    "multilingual-e5-small-q4": "multilingual-e5-small, 4-bit weights",
    "multilingual-e5-small-q4-trimmed": "the same, vocabulary trimmed to Turkish",
    "hybrid": "hybrid of BM25 (lemmas) and e5-small, by ranks",
    "hybrid_z": "hybrid of BM25 (lemmas) and e5-small, by z-scores",
}


class Summary(Measured):
    """summary.json of a set."""

    systems: dict[str, System]


def read_summaries() -> list[Summary]:
    """The summary of every set, XQuAD first."""
    return [read_result(Summary, path) for path in sorted(REPORTS.glob(f"*/{SUMMARY}"), reverse=True)]


def table(sets: Sequence[Summary]) -> Table:
    """nDCG@10 of every system on every set with its interval, then published rows."""
    rows: list[list[Cell]] = [[label(name), *(cell(each, name) for each in sets)] for name in sets[0]["models"]]
    expected = read_expected(EXPECTED)
    published = [{e.model: e.values[MAIN] for e in unmeasured(expected, s["set"], s) if MAIN in e.values} for s in sets]
    for model in dict.fromkeys(model for values in published for model in values):
        values = [values.get(model) for values in published]
        rows.append([f"{model} (published)", *values])
    sizes = [(each["set"], each["protocol"]) for each in sets]
    header = [f"{name} ({rules['queries']:,} queries, {rules['documents']:,} documents)" for name, rules in sizes]
    return Table("real", ["system", *header], rows, f"{MAIN} with 95 % intervals", notes(sets))


def label(system: str) -> str:
    """A system in words."""
    return LABELS.get(system) or systems.label(system)


def cell(summary: Summary, system: str) -> str:
    """`0.9469 [0.934, 0.959]*`: a star where it differs from BM25 of lemmas after Holm's correction."""
    tested = pair(summary, MAIN, system, LEMMA)
    star = "\\*" if tested and tested["significant"] else ""
    return f"{summary['models'][system][MAIN]:.4f} {interval(summary['intervals'][system][MAIN])}{star}"


def notes(sets: Sequence[Summary]) -> str:
    """What the table's numbers are made of."""
    cut = [
        f"{name} ({system['truncation']['document_tokens']} tokens) "
        + ", ".join(str(each["systems"][name]["truncation"]["documents_cut"]) for each in sets)
        for name, system in sets[0]["systems"].items()
        if "truncation" in system
    ]
    test = f"\\* differs from {systems.label(LEMMA)}: {sets[0]['significance']['test']}."
    return (
        f"4-bit weights are read to float32. {test} "
        f"Documents longer than the encoder reads, set by set: {'; '.join(cut) or 'none'}. "
        "Published rows: MTEB's results, not run here."
    )

"""Queries that gained and lost most by retrieval training, with their texts."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import NamedTuple

from src.evaluation.beir import read_qrels
from src.evaluation.metrics import MAIN
from src.evaluation.runs import read_run
from src.files import read_jsonl
from src.recipe import systems
from src.recipe.stages import BEFORE, FINAL
from src.reporting import names
from src.reporting.inputs import Inputs, read_columns
from src.reporting.retrieval import caption, p_value, pair
from src.reporting.section import Part, Quoted, Section
from src.reporting.tables import Cell, Table, plain

COUNT = 5


class Example(NamedTuple):
    """A query with nDCG@10 before and after."""

    query: str
    before: float
    after: float


def section(inputs: Inputs) -> Section:
    """What retrieval training did to single queries."""
    parts: list[Part] = [f"Before: {systems.label(BEFORE)}. After: {systems.label(FINAL)}."]
    for name, evaluation in inputs.evaluations.items():
        examples = read_examples(inputs.root, name)
        tested = pair(evaluation, MAIN, FINAL, BEFORE)
        p = f" ({p_value(evaluation, tested)} after Holm)" if tested else ""
        gained, lost = extremes(examples)
        same = len(examples) - len(gained) - len(lost)
        counts = f"Of {len(examples):,} queries {len(gained):,} gain {MAIN}, {len(lost):,} lose, {same:,} stay{p}."
        parts += [f"### {names.retrieval_set(evaluation)}, query by query", counts]
        for word, chosen in (("gained", gained[:COUNT]), ("lost", lost[:COUNT])):
            words = f"**{word.title()} most** ({caption(evaluation)})"
            parts += [Quoted(words, partial(table, f"{word}-{name}", inputs, name, chosen))] if chosen else []
    return Section("Gains and losses by query", "the queries that retrieval training helped and hurt most", parts)


def read_examples(root: Path, set_name: str) -> list[Example]:
    """Every query of a set."""
    folder = root / "reports" / "per_query" / set_name
    before, after = (read_columns(folder / f"{row}.tsv") for row in (BEFORE, FINAL))
    columns = before["query-id"], map(float, before[MAIN]), map(float, after[MAIN])
    return [Example(*values) for values in zip(*columns, strict=True)]


def extremes(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """The queries that gained and those that lost, most first; equal changes stand in the order of their ids."""
    gained = [example for example in examples if example.after > example.before]
    lost = [example for example in examples if example.after < example.before]
    gained.sort(key=lambda example: (example.before - example.after, example.query))
    lost.sort(key=lambda example: (example.after - example.before, example.query))
    return gained, lost


def table(name: str, inputs: Inputs, set_name: str, chosen: list[Example]) -> Table:
    """The queries with their texts: the relevant document, and what stood first before and after."""
    folder = inputs.root / "data" / "prepared" / set_name
    qrels = read_qrels(folder / "qrels" / "test.tsv")
    relevant = {query: [document for document, score in qrels[query].items() if score > 0] for query, *_ in chosen}
    runs = [read_run(inputs.root / "reports" / "runs" / set_name / f"{row}.trec") for row in (BEFORE, FINAL)]
    first = {query: [run[query][0][0] if query in run else None for run in runs] for query in relevant}
    shown = {id_ for ids in relevant.values() for id_ in ids} | {hit for hits in first.values() for hit in hits}
    titles = texts(folder / "corpus.jsonl", shown)
    queries = texts(folder / "queries.jsonl", relevant)
    rows: list[list[Cell]] = []
    for query, before, after in chosen:
        right = relevant[query]
        hits = ["a relevant one" if hit in right else hit and titles[hit] for hit in first[query]]
        rows.append([queries[query], titles[right[0]], *hits, f"{before:.2f} → {after:.2f}"])
    return Table(name, ["query", "relevant document", "first before", "first after", MAIN], rows)


def texts(path: Path, wanted: Collection[str | None]) -> dict[str, str]:
    """{id: title, or text where there is no title} of the wanted rows of a BEIR file."""
    return {row["_id"]: plain(row.get("title") or row["text"]) for row in read_jsonl(path) if row["_id"] in wanted}

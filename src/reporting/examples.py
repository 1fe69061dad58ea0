"""Queries that gained and lost most by retrieval training, with their texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from src.evaluation.beir import read_qrels
from src.evaluation.runs import read_run
from src.files import read_jsonl
from src.recipe.stages import BEFORE, FINAL
from src.reporting.figures_retrieval import per_query_file
from src.reporting.inputs import Inputs, read_columns
from src.reporting.retrieval_tables import MAIN
from src.reporting.tables import Cell, Table, plain

COUNT = 5


@dataclass(frozen=True)
class Example:
    """A query with nDCG@10 and the id of the first hit, before and after."""

    query: str
    before: float
    after: float
    first_before: str | None
    first_after: str | None


def extremes(inputs: Inputs, set_name: str) -> tuple[list[Example], list[Example]]:
    """The queries that gained most and those that lost most; equal changes stand in the order of their ids."""
    reports = inputs.root / "reports"
    scores = [read_columns(per_query_file(inputs.root, set_name, row)) for row in (BEFORE, FINAL)]
    firsts = [first_hits(reports / "runs" / set_name / f"{row}.trec") for row in (BEFORE, FINAL)]
    found = [
        Example(query, float(before), float(after), firsts[0].get(query), firsts[1].get(query))
        for query, before, after in zip(scores[0]["query-id"], scores[0][MAIN], scores[1][MAIN], strict=True)
    ]
    ranked = sorted(found, key=lambda example: (example.before - example.after, example.query))
    gained = [example for example in ranked if example.after > example.before]
    lost = [example for example in ranked if example.after < example.before]
    return gained[:COUNT], sorted(lost, key=lambda example: (example.after - example.before, example.query))[:COUNT]


def first_hits(path: Path) -> dict[str, str]:
    """{query: id of its first document} of a TREC run."""
    return {query: hits[0][0] for query, hits in read_run(path).items()}


def table(name: str, inputs: Inputs, set_name: str, chosen: list[Example]) -> Table:
    """The queries with their texts: the relevant document, and what stood first before and after."""
    folder = inputs.root / "data" / "prepared" / set_name
    relevant = relevant_ids(folder / "qrels" / "test.tsv", {example.query for example in chosen})
    documents = {example.first_before for example in chosen} | {example.first_after for example in chosen}
    titles = texts(folder / "corpus.jsonl", documents | {id_ for ids in relevant.values() for id_ in ids})
    queries = texts(folder / "queries.jsonl", {example.query for example in chosen})
    rows: list[list[Cell]] = [
        [
            queries.get(example.query, example.query),
            titles.get(relevant[example.query][0]),
            _hit(example.first_before, example.query, titles, relevant),
            _hit(example.first_after, example.query, titles, relevant),
            f"{example.before:.2f} → {example.after:.2f}",
        ]
        for example in chosen
    ]
    header = ["query", "relevant document", "first before", "first after", MAIN]
    return Table(name, header, rows)


def _hit(document: str | None, query: str, titles: dict[str, str], relevant: dict[str, list[str]]) -> str | None:
    if document is None:
        return None
    return "a relevant one" if document in relevant[query] else titles.get(document, document)


def relevant_ids(path: Path, queries: set[str]) -> dict[str, list[str]]:
    """{query: its relevant documents} of a BEIR qrels file."""
    return {
        query: [document for document, score in judgements.items() if score > 0]
        for query, judgements in read_qrels(path).items()
        if query in queries
    }


def texts(path: Path, wanted: Iterable[str | None]) -> dict[str, str]:
    """{id: title, or text where there is no title} of the wanted rows of a BEIR file."""
    ids = set(wanted)
    return {row["_id"]: plain(row.get("title") or row["text"]) for row in read_jsonl(path) if row["_id"] in ids}

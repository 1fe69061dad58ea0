"""Queries that gained and lost most by retrieval training, with their texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from src.evaluation.beir import read_qrels
from src.evaluation.metrics import MAIN
from src.evaluation.results import Evaluation
from src.evaluation.runs import read_run
from src.files import read_jsonl
from src.recipe import systems
from src.recipe.stages import BEFORE, FINAL
from src.reporting import names, style
from src.reporting.inputs import Inputs, read_columns
from src.reporting.retrieval import caption, p_value, pair
from src.reporting.section import Figure, Part, Quoted, Section
from src.reporting.tables import Cell, Table, plain

COUNT = 5
_NUMBERED = 0.04  # share of the queries from which on a point has room for its number


@dataclass(frozen=True)
class Example:
    """A query with nDCG@10 before and after."""

    query: str
    before: float
    after: float


def section(inputs: Inputs) -> Section:
    """What retrieval training did to single queries."""
    parts: list[Part] = [f"Before: {systems.label(BEFORE)}. After: {systems.label(FINAL)}."]
    for name, evaluation in inputs.evaluations.items():
        alternative = f"{MAIN} of every query of {name} before and after retrieval training"
        figure = Figure(f"queries-{name}", alternative, partial(draw_queries, inputs, evaluation))
        parts += [f"### {names.retrieval_set(evaluation)}, query by query", figure]
        for word, chosen in zip(("gained", "lost"), extremes(inputs, name), strict=True):
            words = f"**{word.title()} most** ({caption(evaluation)})"
            parts.append(
                Quoted(words, partial(table, f"{word}-{name}", inputs, name, chosen)) if chosen else f"No query {word}."
            )
    return Section("Gains and losses by query", "the queries that retrieval training helped and hurt most", parts)


def extremes(inputs: Inputs, set_name: str) -> tuple[list[Example], list[Example]]:
    """The queries that gained most and those that lost most; equal changes stand in the order of their ids."""
    scores = [read_columns(per_query_file(inputs.root, set_name, row)) for row in (BEFORE, FINAL)]
    examples = [
        Example(query, float(before), float(after))
        for query, before, after in zip(scores[0]["query-id"], scores[0][MAIN], scores[1][MAIN], strict=True)
    ]
    lost, gained = (
        sorted(
            (e for e in examples if sign * (e.after - e.before) > 0),
            key=lambda e: (-sign * (e.after - e.before), e.query),
        )
        for sign in (-1, 1)
    )
    return gained[:COUNT], lost[:COUNT]


def first_hits(path: Path) -> dict[str, str]:
    """{query: id of its first document} of a TREC run."""
    return {query: hits[0][0] for query, hits in read_run(path).items()}


def table(name: str, inputs: Inputs, set_name: str, chosen: list[Example]) -> Table:
    """The queries with their texts: the relevant document, and what stood first before and after."""
    folder = inputs.root / "data" / "prepared" / set_name
    relevant = relevant_ids(folder / "qrels" / "test.tsv", {example.query for example in chosen})
    runs = inputs.root / "reports" / "runs" / set_name
    before, after = (first_hits(runs / f"{row}.trec") for row in (BEFORE, FINAL))
    documents = {hits.get(example.query) for hits in (before, after) for example in chosen}
    titles = texts(folder / "corpus.jsonl", documents | {id_ for ids in relevant.values() for id_ in ids})
    queries = texts(folder / "queries.jsonl", {example.query for example in chosen})
    rows: list[list[Cell]] = []
    for example in chosen:
        right = relevant[example.query]
        hits = (before.get(example.query), after.get(example.query))
        firsts = ["a relevant one" if hit in right else hit and titles.get(hit, hit) for hit in hits]
        change = f"{example.before:.2f} → {example.after:.2f}"
        rows.append([queries.get(example.query, example.query), titles.get(right[0]), *firsts, change])
    return Table(name, ["query", "relevant document", "first before", "first after", MAIN], rows)


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


def draw_queries(inputs: Inputs, evaluation: Evaluation, target: Path) -> None:
    """nDCG@10 of every query before and after retrieval training."""
    columns = [read_columns(per_query_file(inputs.root, evaluation["set"], row))[MAIN] for row in (BEFORE, FINAL)]
    before, after = (np.array([float(value) for value in column]) for column in columns)
    tested = pair(evaluation, MAIN, FINAL, BEFORE)
    p = f", {p_value(evaluation, tested)} after Holm" if tested else ""
    better, worse = int((after > before).sum()), int((after < before).sum())
    note = f"{caption(evaluation)}. Area: number of queries at a point, as the numbers on it say."
    title = f"{better} queries gain by retrieval training, {worse} lose, {len(after) - better - worse} stay{p}"
    with style.chart(target, title, note, size=(5.6, 5.2)) as (axes,):
        points, counts = np.unique(np.stack([before, after], axis=1).round(2), axis=0, return_counts=True)
        colours = np.where(points[:, 1] > points[:, 0], style.BLUE, style.GREY)
        colours = np.where(points[:, 1] < points[:, 0], style.VERMILLION, colours)
        axes.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.8, linestyle="--")
        areas = 12 + 900 * counts / len(after)
        axes.scatter(points[:, 0], points[:, 1], s=areas, c=list(colours), alpha=0.6, linewidths=0, clip_on=False)
        for point, count in zip(points, counts, strict=True):
            if count >= _NUMBERED * len(after):
                axes.text(point[0], point[1], f"{count}", ha="center", va="center", fontsize=7)
        axes.set_xlim(-0.1, 1.1)
        axes.set_ylim(-0.1, 1.1)
        axes.set_aspect("equal")
        axes.set_xlabel(f"{MAIN} before ({systems.label(BEFORE)})")
        axes.set_ylabel(f"{MAIN} after ({systems.label(FINAL)})")


def per_query_file(root: Path, set_name: str, row: str) -> Path:
    """Where the measures of every query lie."""
    return root / "reports" / "per_query" / set_name / f"{row}.tsv"

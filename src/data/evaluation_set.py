"""An evaluation set in BEIR layout, checked, cleaned and cut to its protocol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from src.data.judgements import as_id, as_score
from src.data.readers import read_rows
from src.data.text import clean
from src.errors import UserError

Qrel = tuple[str, str, int]  # query id, document id, judgement
MTEB_SEED, MTEB_QRELS = 42, 2048


@dataclass
class BeirSet:
    """Documents as (title, text) by id, queries by id, and judgements by split.

    `mended`: of documents and queries, the number of texts by what was mended in them.
    `first_unknown`: of each split the first judgement that was dropped for an unknown id, to show to the user.
    """

    documents: dict[str, tuple[str, str]] = field(default_factory=dict)
    queries: dict[str, str] = field(default_factory=dict)
    qrels: dict[str, list[Qrel]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    mended: dict[str, Counter[str]] = field(default_factory=dict)
    first_unknown: dict[str, Qrel] = field(default_factory=dict)


def read_beir(folder: Path, protocol: str = "full") -> BeirSet:
    """Read and clean FOLDER/{corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv}; qrels/test.tsv is required.

    Under protocol `mteb` the texts stay as they are: MTEB encodes them so, and its values can be reproduced.
    Judgements that name an unknown query or document are dropped and counted.

    Raises:
        UserError: a file is missing or malformed, an id occurs twice or is empty, or no judgement is left.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; expected corpus.jsonl, queries.jsonl and qrels/test.tsv")
    beir = BeirSet()
    tidy = _as_it_is if protocol == "mteb" else clean
    mended = beir.mended["documents"] = Counter()
    for id_, row in rows_by_id(folder / "corpus.jsonl"):
        beir.documents[id_] = (tidy(row.get("title") or "", mended), tidy(row["text"], mended))
    mended = beir.mended["queries"] = Counter()
    for id_, row in rows_by_id(folder / "queries.jsonl"):
        beir.queries[id_] = tidy(row["text"], mended)
    for split in ("dev", "test"):
        path = folder / "qrels" / f"{split}.tsv"
        if split == "test" or path.is_file():
            beir.qrels[split] = _known(beir, split, read_qrels(path))
    if not any(score > 0 for _, _, score in beir.qrels["test"]):
        raise UserError(f"{folder / 'qrels' / 'test.tsv'}: no judgement above 0 of a known query and document")
    return beir


def _as_it_is(text: str, _: Counter[str]) -> str:
    return text


def rows_by_id(path: Path, numbered: bool = False) -> Iterator[tuple[str, dict[str, str]]]:
    """Documents or queries with their ids; `numbered`: a row without one is called by its line.

    Raises:
        UserError: an id is none or occurs twice, a row has no text or another title, or there is no row.
    """
    ids: set[str] = set()
    for number, row in read_rows(path):
        id_ = as_id(row.get("_id", number if numbered else None), f"{path}:{number}")
        if not isinstance(row.get("text"), str):
            raise UserError(f"{path}:{number}: no column `text`; expected {'text' if numbered else '_id and text'}")
        if not isinstance(row.get("title", ""), str | None):
            raise UserError(f"{path}:{number}: title is a {type(row['title']).__name__}; expected text")
        if id_ in ids:
            raise UserError(f"{path}:{number}: id {id_!r} occurs twice")
        ids.add(id_)
        yield id_, row
    if not ids:
        raise UserError(f"{path}: no rows; expected at least one")


def read_qrels(path: Path) -> list[Qrel]:
    """Judgements of a BEIR file with the header query-id, corpus-id, score. Raises UserError for a malformed row."""
    rows = []
    for number, row in read_rows(path):
        try:
            rows.append((row["query-id"], row["corpus-id"], as_score(row["score"], f"{path}:{number}")))
        except KeyError as error:
            raise UserError(f"{path}:{number}: no column {error}; expected query-id, corpus-id, score") from error
    return rows


def _known(beir: BeirSet, split: str, qrels: list[Qrel]) -> list[Qrel]:
    kept: list[Qrel] = []
    unknown: list[Qrel] = []
    for qrel in qrels:
        (kept if qrel[0] in beir.queries and qrel[1] in beir.documents else unknown).append(qrel)
    beir.counts[f"{split} judgements of unknown ids"] += len(unknown)
    if unknown:
        beir.first_unknown[split] = unknown[0]
    return kept


def full(beir: BeirSet) -> BeirSet:
    """Protocols `full` and `mteb`: every document, and the queries that a split judges."""
    judged = {query for qrels in beir.qrels.values() for query, _, _ in qrels}
    queries = {id_: text for id_, text in beir.queries.items() if id_ in judged}
    return BeirSet(beir.documents, queries, beir.qrels, beir.counts)


def tr_mteb(beir: BeirSet) -> BeirSet:
    """Protocol `tr-mteb`: the reduced set of TR-MTEB's retrieval tasks.

    The test judgements are shuffled as `datasets.Dataset.shuffle(seed=42)` shuffles them and cut to 2048; the corpus
    is the documents that they name, without titles; of a query's relevant documents the last one read counts, with
    judgement 1. The order of the judgements in the file matters: take them as they lie on the Hub. A judgement of 0
    is left out, since the benchmark's own code would take it for relevant (its sets have none).
    """
    qrels = [qrel for qrel in beir.qrels["test"] if qrel[2] > 0]
    order = np.random.default_rng(MTEB_SEED).permutation(len(qrels))
    qrels = [qrels[row] for row in order[:MTEB_QRELS]]
    documents = {document: ("", beir.documents[document][1]) for _, document, _ in qrels}
    one = {query: (query, document, 1) for query, document, _ in qrels}
    queries = {query: beir.queries[query] for query in one}
    return BeirSet(documents, queries, {"test": list(one.values())}, beir.counts)


PROTOCOLS = {"full": full, "mteb": full, "tr-mteb": tr_mteb}

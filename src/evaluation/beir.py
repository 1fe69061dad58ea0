"""A prepared evaluation set: documents, queries and relevance judgements in BEIR layout, checked when read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.data.card import FILE, read_card
from src.data.evaluation_set import rows_by_id
from src.data.judgements import as_score
from src.errors import UserError
from src.table_files import read_table

if TYPE_CHECKING:
    from src.evaluation.results import Protocol
    from src.params.schema import EvalSetParams

Qrels = dict[str, dict[str, int]]
PREPARED = Path("data/prepared")


@dataclass(frozen=True)
class EvalSet:
    """What a model is measured on.

    Documents stand in descending order of id (by bytes): the order in which trec_eval breaks ties between equal
    scores. So the lower row wins a tie everywhere in this package, and a saved run reads the same to trec_eval.
    """

    name: str
    document_ids: list[str]
    documents: list[str]
    query_ids: list[str]
    queries: list[str]
    qrels: Qrels
    protocol: Protocol
    dropped: dict[str, int]
    drop_self_hits: bool


def prepared_set(name: str, options: EvalSetParams, folder: Path = PREPARED) -> EvalSet:
    """A set of eval.sets, as stage prepare_eval left it in FOLDER/NAME/{corpus.jsonl, queries.jsonl, qrels/test.tsv}.

    Queries without a relevant document, empty queries and empty documents are dropped, counted and named on the
    screen. An empty document that is relevant stays so: no model can find it, and recall shows that.

    Raises:
        UserError: a file is missing or malformed, an id occurs twice, a document has two judgements for a query, or
            qrels name an unknown id.
    """
    folder = folder / name
    documents = _texts(folder / "corpus.jsonl", options.title)
    queries = _texts(folder / "queries.jsonl", title=False)
    qrels = read_qrels(folder / "qrels" / "test.tsv")
    _check_ids(folder / "qrels" / "test.tsv", qrels, documents, queries)
    kept = {id_: text for id_, text in documents.items() if text}
    relevant = {id_ for id_, judgements in qrels.items() if any(score > 0 for score in judgements.values())}
    judged = [id_ for id_, text in queries.items() if text and id_ in relevant]
    dropped = {
        "empty_documents": [id_ for id_ in documents if id_ not in kept],
        "empty_queries": [id_ for id_ in queries if id_ in relevant and not queries[id_]],
        "queries_without_relevant_document": sorted(set(qrels) - relevant),
    }
    if not kept or not judged:
        missing = "document with text" if not kept else "query with text and a relevant document"
        raise UserError(f"{folder}: no {missing}; at least one is needed to measure anything")
    for what, ids in dropped.items():
        if ids:
            listed = f"{', '.join(ids[:5])}{', …' if len(ids) > 5 else ''}"
            print(f"{name}: dropped {len(ids)} {what.replace('_', ' ')}: {listed}", flush=True)
    if not options.drop_self_hits:
        _warn_of_self_hits(name, {id_: queries[id_] for id_ in judged}, kept)
    document_ids = sorted(kept, key=lambda id_: id_.encode(), reverse=True)
    protocol = rules(options.protocol, judged, kept, options.title, options.drop_self_hits)
    if (folder / FILE).is_file():
        card = read_card(folder)
        protocol["source"], protocol["synthetic"] = card["source"], card["synthetic"]
        if "revision" in card:
            protocol["revision"] = card["revision"]
    return EvalSet(
        name=name,
        document_ids=document_ids,
        documents=[kept[id_] for id_ in document_ids],
        query_ids=judged,
        queries=[queries[id_] for id_ in judged],
        qrels={id_: qrels[id_] for id_ in judged},
        protocol=protocol,
        dropped={
            **{what: len(ids) for what, ids in dropped.items()},
            "queries_without_judgement": len(queries) - len(qrels),
        },
        drop_self_hits=options.drop_self_hits,
    )


def _warn_of_self_hits(name: str, queries: dict[str, str], documents: dict[str, str]) -> None:
    """A line where queries stand in the corpus under their own id and text, and are kept (ArguAna, Quora)."""
    quoting = [id_ for id_, text in queries.items() if text and documents.get(id_, "").endswith(text)]
    if quoting:
        print(
            f"{name}: {len(quoting)} queries are documents of the corpus, the first {quoting[0]}, and find themselves; "
            f"eval.sets.{name}.drop_self_hits: true leaves these hits out",
            flush=True,
        )


def _texts(path: Path, title: bool) -> dict[str, str]:
    """Text by id. Raises UserError as `rows_by_id`."""
    texts: dict[str, str] = {}
    for id_, row in rows_by_id(path):
        parts = [str(row.get("title") or ""), row["text"]] if title else [row["text"]]
        texts[id_] = " ".join(part.strip() for part in parts if part.strip())
    return texts


def read_qrels(path: Path) -> Qrels:
    """Judgements by query and document of a BEIR file: query-id, corpus-id, score, tab-separated, with a header."""
    qrels: Qrels = {}
    header, rows = read_table(path)
    if len(header) != 3:
        raise UserError(f"{path}: {len(header)} columns; expected query-id, corpus-id, score")
    for number, (query, document, text) in enumerate(rows, 2):
        score = as_score(text, f"{path}:{number}")
        given = qrels.setdefault(query, {}).setdefault(document, score)
        if given != score:
            raise UserError(f"{path}:{number}: document {document!r} of query {query!r} is judged {given} and {score}")
    return qrels


def _check_ids(path: Path, qrels: Qrels, documents: dict[str, str], queries: dict[str, str]) -> None:
    for query, judgements in qrels.items():
        if query not in queries:
            raise UserError(f"{path}: query-id {query!r} is not in queries.jsonl; prepare the set again")
        for document in judgements:
            if document not in documents:
                raise UserError(
                    f"{path}: corpus-id {document!r} of query {query!r} is not in corpus.jsonl; prepare the set again"
                )


def rules(
    name: str, queries: Collection[str], documents: Collection[str], title: bool = False, drop_self_hits: bool = False
) -> Protocol:
    """The protocol that a set's numbers stand under; where the set comes from is not among it."""
    return {
        "name": name,
        "queries": len(queries),
        "documents": len(documents),
        "title": title,
        "self_hits": "removed" if drop_self_hits else "kept",
    }

"""A small evaluation set of one's own in BEIR's layout."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from src.evaluation.beir import EvalSet, prepared_set
from src.files import write_jsonl
from src.params.schema import EvalSetParams
from src.table_files import write_table

HEADER = ("query-id", "corpus-id", "score")


def write_set(folder: Path, documents: Any, queries: Any, qrels: Iterable[Iterable[Any]]) -> Path:
    """Documents and queries are rows of their files, or texts by id; documents by id have no title."""
    if isinstance(documents, dict):
        documents = [{"_id": id_, "title": "", "text": text} for id_, text in documents.items()]
    if isinstance(queries, dict):
        queries = [{"_id": id_, "text": text} for id_, text in queries.items()]
    write_jsonl(folder / "corpus.jsonl", documents)
    write_jsonl(folder / "queries.jsonl", queries)
    write_table(folder / "qrels" / "test.tsv", HEADER, qrels)
    return folder


def read_set(folder: Path, title: bool = False, drop_self_hits: bool = False) -> EvalSet:
    """The set in a folder, as every stage reads it."""
    options = EvalSetParams(path=str(folder), protocol="full", title=title, drop_self_hits=drop_self_hits)
    return prepared_set(folder.name, options, folder.parent)

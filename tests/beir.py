"""A small evaluation set of one's own in BEIR's layout."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from src.files import write_jsonl
from src.table_files import write_table

HEADER = ("query-id", "corpus-id", "score")


def write_set(folder: Path, documents: Any, queries: Any, qrels: Iterable[Iterable[Any]], split: str = "test") -> Path:
    """Documents and queries are rows of their files, or texts by id."""
    for name, given in (("corpus", documents), ("queries", queries)):
        rows = [{"_id": id_, "text": text} for id_, text in given.items()] if isinstance(given, dict) else given
        write_jsonl(folder / f"{name}.jsonl", rows)
    write_table(folder / "qrels" / f"{split}.tsv", HEADER, qrels)
    return folder

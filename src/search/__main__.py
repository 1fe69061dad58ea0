"""Search your own Turkish texts in the terminal: `python -m src.search TEXTFILE [--query TEXT]`.

The file is a .txt with one document a line, or a .jsonl, .json, .csv, .tsv or .parquet whose rows have `text` (and,
where they have them, `title` and `_id`); .gz is allowed.
Without --query it reads queries until an empty line; `:dims 64` and `:top 5` change the settings on the way.
--model FOLDER or --model HUB_ID --revision COMMIT takes another encoder than models/retrieval.
--int8 encodes in 8 bits by ONNX Runtime (requirements-export.txt).
--lexical searches by BM25 of lemmas, without an encoder; --hybrid by both, with their z-scores added.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from src.data.evaluation_set import rows_by_id
from src.data.text import clean
from src.errors import UserError, run_command
from src.search.index import Document, HybridIndex, Index, Searchable, WordIndex

_SNIPPET = 160  # characters of a hit that are shown


def main(arguments: list[str]) -> None:
    """Index the file, then answer the query given or those that are typed."""
    options = parse(arguments)
    documents = list(read_documents(Path(options.file)))
    if not documents:
        raise UserError(f"{options.file}: no texts; expected one a line, or rows with `text`")
    index = build(options, documents)
    dims = check_dims(options.dims, index.dimensions)
    if options.query is not None:
        show(index, check_query(options.query), options.top, dims)
    else:
        print(f"{len(documents)} documents, {dims or 'no'} dimensions; an empty line ends", file=sys.stderr)
        converse(index, options.top, dims)


def build(options: argparse.Namespace, documents: list[Document]) -> Searchable:
    """The index of the options."""
    if options.lexical:
        return WordIndex(documents)
    from src.model.load import load_encoder  # brings torch, which a search by words does without

    encoder = load_encoder(options.model, options.revision)
    small = None
    if options.int8:
        from src.evaluation.cache import model_fingerprint
        from src.evaluation.int8 import int8_of
        from src.model.load import fetch

        folder = Path(options.model) if Path(options.model).is_dir() else fetch(options.model, options.revision)
        small = int8_of(encoder, model_fingerprint(folder))
    dense = Index(encoder, documents, small)
    return HybridIndex(WordIndex(documents), dense) if options.hybrid else dense


class _Parser(argparse.ArgumentParser):
    """Raises UserError where argparse would end the program."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; {self.format_usage().strip()}")


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line. Raises UserError for what is none."""
    parser = _Parser(prog="python -m src.search")
    parser.add_argument("file")
    parser.add_argument("--query")
    parser.add_argument("--top", type=int, default=5)
    parser.add_argument("--dims", type=int)
    parser.add_argument("--model", default="models/retrieval")
    parser.add_argument("--revision")
    parser.add_argument("--int8", action="store_true")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--lexical", action="store_true")
    ways.add_argument("--hybrid", action="store_true")
    options = parser.parse_args(arguments)
    if options.top < 1:
        raise UserError(f"--top {options.top}: expected 1 or more")
    return options


def read_documents(path: Path) -> Iterator[Document]:
    """The texts of a file, cleaned as for training, each called by its `_id` or its line; blank lines are passed over.

    Raises:
        UserError: the file is missing, damaged or of an unknown kind, a row has no text, or two have one name.
    """
    for name, row in rows_by_id(path, numbered=True):
        title, text = clean(row.get("title") or ""), clean(row["text"])
        if not text and ".txt" in path.suffixes:  # nothing of the line is visible
            continue
        if not text:
            raise UserError(f"{path}: document {name}: no text; expected one under `text`")
        yield Document(name, f"{title} {text}".strip())


def check_dims(dims: int | None, size: int) -> int:
    """The dimensions to use. Raises UserError where the encoder has fewer, or where there is none."""
    if dims is not None and not 1 <= dims <= size:
        raise UserError(
            f"dims {dims}: expected " + (f"1 to {size}, the encoder's dimensions" if size else "none for BM25")
        )
    return dims or size


def check_query(query: str) -> str:
    """The cleaned query. Raises UserError where nothing is left of it, or it is no UTF-8."""
    if re.search("[\ud800-\udfff]", query):  # how Python passes on a byte of the command line that is no UTF-8
        raise UserError(f"the query {query!r} is not UTF-8; set the terminal to it")
    if not (cleaned := clean(query)):
        raise UserError("the query is empty")
    return cleaned


def converse(index: Searchable, top: int, dims: int) -> None:
    """Answer queries from the terminal until an empty line or the end of input."""
    while line := _read_query():
        try:
            if line.startswith(":"):
                top, dims = command(line, top, dims, index.dimensions)
            else:
                show(index, check_query(line), top, dims)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)


def _read_query() -> str:
    try:
        return input("sorgu> ").strip()
    except EOFError:
        return ""
    except UnicodeDecodeError as error:
        raise UserError(f"the query is not UTF-8 ({error.reason}); set the terminal to it") from error


def command(line: str, top: int, dims: int, size: int) -> tuple[int, int]:
    """`:top N` or `:dims N` as the new (top, dims). Raises UserError for anything else."""
    name, _, value = line.partition(" ")
    if name not in (":top", ":dims") or not value.strip().isdigit() or int(value) < 1:
        raise UserError(f"{line!r}: expected `:top N` or `:dims N`")
    return (int(value), dims) if name == ":top" else (top, check_dims(int(value), size))


def show(index: Searchable, query: str, top: int, dims: int) -> None:
    """Print rank, score, name and the beginning of each hit."""
    for rank, (score, row) in enumerate(index.search(query, top, dims), 1):
        document = index.documents[row]
        text = " ".join(document.text.split())
        print(f"{rank:>3}  {score:.4f}  {document.name}  {text[:_SNIPPET]}{'…' if len(text) > _SNIPPET else ''}")


if __name__ == "__main__":
    run_command(
        main,
        "TEXTFILE …",
        'data/prepared/scifact_tr_synthetic/corpus.jsonl --dims 64 --query "enginar kaygıyı artırır mı?"',
    )

"""Search your own Turkish texts in the terminal: `python -m src.search TEXTFILE [--query TEXT]`.

The file holds one document a line, or JSON lines with the key `text` (and, where they have them, `title` and `_id`).
Without --query it asks for queries until an empty line; `:dims 64` and `:top 5` change the settings on the way.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from src.data.judgements import as_id
from src.data.text import clean
from src.errors import UserError, run_command
from src.files import numbered_jsonl
from src.model.positions import count_cut
from src.model.prompts import prompts_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

_SNIPPET = 160  # characters of a hit that are shown


class Document(NamedTuple):
    """A text to be found, and what it is called: its `_id`, or its line number."""

    name: str
    text: str


class Index:
    """Documents, their vectors (documents, D) and the encoder that made them."""

    def __init__(self, encoder: SentenceTransformer, documents: list[Document]) -> None:
        self.encoder, self.documents = encoder, documents
        texts = [document.text for document in documents]
        count = self._cut(texts, prompts_of(encoder).document)
        if count:
            print(f"{count} of {len(texts)} documents are {self._beyond()}", file=sys.stderr)
        self.vectors: NDArray[np.float32] = encoder.encode_document(texts, show_progress_bar=sys.stderr.isatty())

    @property
    def dimensions(self) -> int:
        """Of the whole vectors."""
        return int(self.vectors.shape[1])

    def _cut(self, texts: list[str], prompt: str) -> int:
        return count_cut(self.encoder.tokenizer, texts, prompt, self.encoder.max_seq_length or sys.maxsize)

    def _beyond(self) -> str:
        return f"longer than the {self.encoder.max_seq_length} tokens that the encoder reads and are cut"

    def search(self, query: str, top: int, dims: int) -> list[tuple[float, Document]]:
        """The `top` documents nearest to the query by cosine over the first `dims` dimensions; ties as in the file."""
        from src.evaluation.topk import search

        if self._cut([query], prompts_of(self.encoder).query):
            print(f"the query is {self._beyond()}", file=sys.stderr)
        scores, rows = search(self.encoder.encode_query([query]), self.vectors, top, dim=dims)
        return [(float(score), self.documents[row]) for score, row in zip(scores[0], rows[0], strict=True)]


def main(arguments: list[str]) -> None:
    """Index the file, then answer the query given or those that are typed."""
    options = parse(arguments)
    documents = list(read_documents(Path(options.file)))
    if not documents:
        raise UserError(f"{options.file}: no texts; expected one a line, or JSON lines with the key text")
    from src.model.load import load_encoder

    encoder = load_encoder(options.model, options.revision)
    dims = check_dims(options.dims, encoder.get_embedding_dimension() or 0)
    index = Index(encoder, documents)
    if options.query is not None:
        show(index.search(check_query(options.query), options.top, dims))
        return
    print(f"{len(documents)} documents, {dims} dimensions; an empty line ends", file=sys.stderr)
    converse(index, options.top, dims)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line. Raises UserError in place of argparse's own exit."""
    parser = argparse.ArgumentParser(prog="python -m src.search", description=__doc__, exit_on_error=False)
    parser.add_argument("file", help="one document a line, or JSON lines with the key text")
    parser.add_argument("--query", help="answer this one and end")
    parser.add_argument("--top", type=int, default=5, help="hits to show (5)")
    parser.add_argument("--dims", type=int, help="use the first so many dimensions (all)")
    parser.add_argument("--model", default="models/retrieval", help="folder or Hub id (models/retrieval)")
    parser.add_argument("--revision", help="commit of a Hub id")
    try:
        options, unknown = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise UserError(f"{error}; {parser.format_usage().strip()}") from error
    if unknown:
        raise UserError(f"unknown: {' '.join(unknown)}; {parser.format_usage().strip()}")
    if options.top < 1:
        raise UserError(f"--top {options.top}: expected 1 or more")
    return options


def read_documents(path: Path) -> Iterator[Document]:
    """The texts of a file, cleaned as for training; blank lines are passed over.

    Raises:
        UserError: the file is missing or not UTF-8, or a JSON line has no text.
    """
    if path.suffix in (".jsonl", ".json"):
        for number, row in numbered_jsonl(path):
            text = row.get("text")
            if not isinstance(text, str) or not clean(text):
                raise UserError(f"{path}:{number}: no text; expected an object with the key text")
            title = str(row.get("title") or "")
            yield Document(as_id(row.get("_id", number), f"{path}:{number}"), clean(f"{title} {text}"))
        return
    try:
        with path.open(encoding="utf-8-sig") as stream:
            cleaned = ((number, clean(line)) for number, line in enumerate(stream, 1))
            yield from (Document(str(number), text) for number, text in cleaned if text)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason}); save the file as UTF-8") from error


def check_dims(dims: int | None, size: int) -> int:
    """The dimensions to use. Raises UserError where the encoder has fewer."""
    if dims is not None and not 1 <= dims <= size:
        raise UserError(f"dims {dims}: expected 1 to {size}, the encoder's dimensions")
    return dims or size


def check_query(query: str) -> str:
    """The cleaned query. Raises UserError where nothing is left of it, or it is no UTF-8."""
    if re.search("[\ud800-\udfff]", query):  # how Python passes on a byte of the command line that is no UTF-8
        raise UserError(f"the query {query!r} is not UTF-8; set the terminal to it")
    if not (cleaned := clean(query)):
        raise UserError("the query is empty")
    return cleaned


def converse(index: Index, top: int, dims: int) -> None:
    """Answer queries from the terminal until an empty line or the end of input."""
    while line := _ask():
        try:
            if line.startswith(":"):
                top, dims = command(line, top, dims, index.dimensions)
            else:
                show(index.search(check_query(line), top, dims))
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)


def _ask() -> str:
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


def show(hits: list[tuple[float, Document]]) -> None:
    """Print rank, score, name and the beginning of each hit."""
    for rank, (score, document) in enumerate(hits, 1):
        text = " ".join(document.text.split())
        print(f"{rank:>3}  {score:.4f}  {document.name}  {text[:_SNIPPET]}{'…' if len(text) > _SNIPPET else ''}")


if __name__ == "__main__":
    run_command(
        main,
        "TEXTFILE …",
        'data/prepared/scifact_tr_synthetic/corpus.jsonl --dims 64 --query "enginar kaygıyı artırır mı?"',
    )

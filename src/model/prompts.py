"""What an encoder wants before a text: its prompts, as sentence-transformers keeps them in the encoder's folder.

A query gets one, a document another. The two sentences of a scored pair are both taken as queries, as the authors of E5
advise.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from src.errors import UserError
from src.files import read_json_object

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_DOCUMENT_NAMES = ("document", "passage", "corpus")  # in the order in which encode_document looks for one
_DOCUMENT_COLUMNS = ("positive", "negative")


class Prompts(NamedTuple):
    """The prompts of an encoder; empty where it has none."""

    query: str = ""
    document: str = ""

    def of(self, column: str) -> str:
        """The prompt for the texts of a training column: anchor, positive, negative, sentence1 or sentence2."""
        return self.document if column in _DOCUMENT_COLUMNS else self.query


CONVENTIONS = {"none": Prompts(), "e5": Prompts("query: ", "passage: ")}  # base_model.prompts


def prompts_of(encoder: SentenceTransformer) -> Prompts:
    """The prompts that `encode_query` and `encode_document` of the encoder put before a text."""
    return _chosen(encoder.prompts)


def read_prompts(folder: Path) -> Prompts:
    """The prompts of the encoder in a folder, without loading it. Raises UserError where they are no texts by name."""
    path = folder / "config_sentence_transformers.json"
    declared = read_json_object(path).get("prompts") if path.is_file() else None
    declared = {} if declared is None else declared
    if not isinstance(declared, dict) or not all(isinstance(prompt, str | None) for prompt in declared.values()):
        raise UserError(f"{path}: prompts is {declared!r}; expected texts by name")
    return _chosen(declared)


def _chosen(declared: Mapping[str, str | None]) -> Prompts:
    documents = [declared[name] for name in _DOCUMENT_NAMES if name in declared]
    return Prompts(declared.get("query") or "", (documents[0] if documents else "") or "")


def set_prompts(encoder: SentenceTransformer, convention: str | None) -> None:
    """Give the encoder the prompts of a convention; None leaves what it declares."""
    prompts = prompts_of(encoder) if convention is None else CONVENTIONS[convention]
    encoder.prompts = {**encoder.prompts, "query": prompts.query, "document": prompts.document}

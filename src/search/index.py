"""Documents that can be searched: by an encoder, by words, or by both."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from src.evaluation.fusion import z_score_sum
from src.evaluation.lexical import Bm25, lemmas
from src.model.positions import count_cut
from src.model.prompts import prompts_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

    from src.model.onnx import OnnxEncoder

_DEPTH = 100  # hits of each way that a hybrid fuses, as in the evaluation


class Document(NamedTuple):
    """A text of the index, and its name: its `_id`, or its line number."""

    name: str
    text: str


Hits = list[tuple[float, int]]  # score and row


class Index:
    """Documents, their vectors (documents, D) and the encoder that made them, or its int8 form."""

    def __init__(
        self, encoder: SentenceTransformer, documents: list[Document], int8: OnnxEncoder | None = None
    ) -> None:
        self.encoder, self.documents, self.int8 = encoder, documents, int8
        texts = [document.text for document in documents]
        self.vectors = self._encode(texts, prompts_of(encoder).document, "documents")
        self.dimensions = int(self.vectors.shape[1])

    def _encode(self, texts: list[str], prompt: str, what: str) -> NDArray[np.float32]:
        """Vectors of texts; says how many the encoder does not read to their end."""
        limit = self.encoder.max_seq_length or sys.maxsize
        if count := count_cut(self.encoder.tokenizer, texts, prompt, limit):
            said = f"are longer than the {limit} tokens that the encoder reads and are cut"
            print(f"{count} of {len(texts)} {what} {said}", file=sys.stderr)
        if self.int8 is not None:
            return self.int8.encode(texts, prompt)
        bar = len(texts) > 1 and sys.stderr.isatty()
        vectors: NDArray[np.float32] = self.encoder.encode(texts, prompt=prompt, show_progress_bar=bar)
        return vectors

    def search(self, query: str, top: int, dims: int) -> Hits:
        """The `top` documents nearest to the query by cosine over the first `dims` dimensions; ties as in the file."""
        from src.evaluation.topk import search  # brings torch, which a search by words does without

        vector = self._encode([query], prompts_of(self.encoder).query, "queries")
        scores, rows = search(vector, self.vectors, top, dim=dims)
        return _hits(scores[0], rows[0])


def _hits(scores: Iterable[float], rows: Iterable[int]) -> Hits:
    return [(float(score), int(row)) for score, row in zip(scores, rows, strict=True) if row >= 0]


class WordIndex:
    """Documents by BM25 of their lemmas; a document without a word of the query is no hit."""

    dimensions = 0  # it has no vectors

    def __init__(self, documents: list[Document]) -> None:
        self.documents = documents
        self._bm25 = Bm25([document.text for document in documents], lemmas())

    def search(self, query: str, top: int, dims: int = 0) -> Hits:  # noqa: ARG002 - the signature of an encoder
        """The `top` best documents; ties as in the file."""
        scores, rows = self._bm25.search([query], min(top, len(self.documents)))
        return _hits(scores[0], rows[0])


class HybridIndex:
    """Documents by words and encoder together: the sum of z-scores over the best of both (`src.evaluation.fusion`)."""

    def __init__(self, words: WordIndex, dense: Index) -> None:
        self.words, self.dense = words, dense
        self.documents, self.dimensions = dense.documents, dense.dimensions

    def search(self, query: str, top: int, dims: int) -> Hits:
        """The `top` documents with the highest sums; ties as in the file."""
        depth, last = max(top, _DEPTH), len(self.documents) - 1
        rankings = [index.search(query, depth, dims) for index in (self.words, self.dense)]
        # Fusion breaks ties by id, descending, so the ids count from the end of the file.
        runs = [{query: [(f"{last - row:012}", score) for score, row in hits]} for hits in rankings]
        return [(score, last - int(id_)) for id_, score in z_score_sum(runs, top)[query]]


Searchable = Index | WordIndex | HybridIndex

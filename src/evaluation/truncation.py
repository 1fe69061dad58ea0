"""How many texts an encoder cuts: printed, and recorded beside its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from src.evaluation import cache
from src.evaluation.encode import cased
from src.evaluation.results import Truncated, TruncatedTexts
from src.model.positions import count_cut

if TYPE_CHECKING:
    from src.evaluation.beir import EvalSet
    from src.evaluation.dense import DenseModel
    from src.evaluation.late import LateModel


def of_set(model: DenseModel | LateModel, data: EvalSet) -> Truncated:
    """Tokens that the model reads of a query and of a document of the set, and how many are longer and are cut."""
    (queries, documents), prompts = model.limits, model.prompts
    counts: Truncated = {
        "query_tokens": queries,
        "document_tokens": documents,
        "queries_cut": count(model, data.queries, prompts.query, queries),
        "documents_cut": count(model, data.documents, prompts.document, documents),
    }
    if counts["queries_cut"] or counts["documents_cut"]:
        print(
            f"{model.name}: {counts['documents_cut']} of {len(data.documents)} documents of {data.name} are longer "
            f"than {documents} tokens and are cut, and {counts['queries_cut']} of {len(data.queries)} queries at "
            f"{queries}"
        )
    return counts


def of_columns(model: DenseModel, columns: Mapping[str, Sequence[str]]) -> TruncatedTexts:
    """The same of sentences by column: tokens that are read, sentences, and how many are longer."""
    tokens, _ = model.limits
    cut = sum(count(model, texts, model.prompts.of(column), tokens) for column, texts in columns.items())
    counts: TruncatedTexts = {"tokens": tokens, "texts": sum(map(len, columns.values())), "cut": cut}
    if cut:
        print(f"{model.name}: {cut} of {counts['texts']} sentences are longer than {tokens} tokens and are cut")
    return counts


def count(model: DenseModel | LateModel, texts: Sequence[str], prompt: str, tokens: int) -> int:
    """How many texts have more tokens, as the model is given them; cached, since tokenising takes a while."""
    texts = cased(texts, model.lowercase)
    key = {
        "texts of more tokens than": tokens,
        "model": model.fingerprint,
        "texts": cache.texts_fingerprint(texts),
        "prompt": prompt,
        **cache.settings(model.encoder),
    }

    def fill(out: NDArray[np.int64]) -> None:
        out[0] = count_cut(model.encoder.tokenizer, texts, prompt, tokens)

    return int(cache.cached(key, (1,), fill, np.int64)[0])

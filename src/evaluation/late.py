"""Late interaction (ColBERT): a vector for each token, documents scored by exact MaxSim."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src.errors import UserError
from src.evaluation import cache, runs
from src.evaluation.beir import EvalSet
from src.evaluation.encode import cased, check_finite
from src.evaluation.topk import merge, nothing, rounded
from src.files import read_json_object
from src.model.encoder import quiet
from src.model.load import check_tokenizer, fetch
from src.model.positions import UNLIMITED, limit_length
from src.model.prompts import Prompts, prompts_of
from src.progress import bar
from src.runtime import imported
from src.strict_json import JsonObject

if TYPE_CHECKING:
    import torch

    from src.evaluation.runs import Run

# Documents whose token vectors are in memory at once: 300 tokens of 128 dimensions make 150 MB of a thousand.
DOCUMENTS_AT_ONCE = 1024
_HIT = np.dtype([("score", np.float32), ("row", np.int64)])  # in the cache


@dataclass(frozen=True)
class LateModel:
    """A multi-vector encoder; `lowercase` where its texts must be in Turkish lower case (uncased BERT vocabularies)."""

    name: str
    encoder: Any
    fingerprint: str
    lowercase: bool = False

    @property
    def limits(self) -> tuple[int, int]:
        """Tokens that are read of a query and of a document."""
        whole, first = self.encoder.max_seq_length or UNLIMITED, self.encoder[0]
        return getattr(first, "query_length", None) or whole, getattr(first, "document_length", None) or whole

    @property
    def prompts(self) -> Prompts:
        """What stands before a query and a document."""
        return prompts_of(self.encoder)


def load_late(
    name: str, path: str, device: torch.device, revision: str | None = None, lowercase: bool = False
) -> LateModel:
    """The late-interaction model of a folder or Hub repository: ours, PyLate's or Stanford ColBERT's format.

    Raises:
        UserError: the format is none of these, or weights are not safetensors.
    """
    imported("sentence_transformers")
    from sentence_transformers import MultiVectorEncoder

    quiet()
    folder = Path(path) if Path(path).is_dir() else fetch(path, revision)
    if not any(folder.rglob("*.safetensors")):
        raise UserError(f"{path}: no *.safetensors weights; pickled ones are not loaded")
    check_late_format(folder, path)
    try:
        encoder = MultiVectorEncoder(
            str(folder),
            device=str(device),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
        check_tokenizer(encoder, path)
        limit_length(encoder)
    except UserError:
        raise
    except Exception as error:  # whatever a broken folder makes three libraries raise
        raise UserError(f"{path}: cannot be loaded as a late-interaction model: {error}") from error
    return LateModel(name, encoder.float(), cache.model_fingerprint(folder), lowercase)


def check_late_format(folder: Path, name: str) -> None:
    """Refuse a checkpoint to which sentence-transformers would add an untrained projection without a word."""

    def read(file: str) -> JsonObject:
        return read_json_object(folder / file) if (folder / file).is_file() else {}

    ours_or_pylate = read("config_sentence_transformers.json").get("model_type") in ("MultiVectorEncoder", "ColBERT")
    stanford = "HF_ColBERT" in (read("config.json").get("architectures") or [])
    if not (ours_or_pylate or stanford):
        raise UserError(
            f"{name}: no late-interaction checkpoint: expected sentence-transformers' multi-vector format, PyLate's "
            "(model_type ColBERT) or Stanford ColBERT's (architecture HF_ColBERT)"
        )


def rank_late(model: LateModel, data: EvalSet, depth: int, batch_size: int) -> Run:
    """The run of exact MaxSim over every document; scores are kept in the cache (queries × depth numbers)."""
    k = runs.search_depth(data, depth)
    queries, documents = cased(data.queries, model.lowercase), cased(data.documents, model.lowercase)
    key = {
        "model": model.fingerprint,
        "queries": cache.texts_fingerprint(queries),
        "documents": cache.texts_fingerprint(documents),
        "batch_size": batch_size,
        "decimals": runs.SCORE_DECIMALS,
        "k": k,
        **cache.settings(model.encoder),
    }

    def fill(out: NDArray[Any]) -> None:
        out["score"], out["row"] = search_late(model, queries, documents, k, batch_size)

    stored = cache.cached(key, (len(queries), k), fill, _HIT)
    return runs.from_rows(stored["score"], stored["row"], data, depth)


def search_late(
    model: LateModel, queries: list[str], documents: list[str], k: int, batch_size: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The k best documents of each query by sum over query tokens of the best cosine with a document token.

    Returns:
        Scores and rows (queries, k), best first, ties by lower row.
    """
    query_vectors = model.encoder.encode_query(queries, batch_size=batch_size, show_progress_bar=False)
    check_finite((tokens.isfinite().all() for tokens in query_vectors), queries, model.name)
    scores, rows = nothing(len(queries))
    with bar(f"{model.name}: documents", "text", len(documents)) as progress:
        for start in range(0, len(documents), DOCUMENTS_AT_ONCE):
            texts = documents[start : start + DOCUMENTS_AT_ONCE]
            vectors = model.encoder.encode_document(texts, batch_size=batch_size, show_progress_bar=False)
            check_finite((tokens.isfinite().all() for tokens in vectors), texts, model.name)
            product = rounded(model.encoder.similarity(query_vectors, vectors).cpu())
            scores, rows = merge(scores, rows, product, start, k)
            progress.update(len(texts))
    return scores.numpy(), rows.numpy()

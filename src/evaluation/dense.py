"""Dense encoders as rows of the table: encode once, then every Matryoshka dimension from the same vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from src.errors import UserError
from src.evaluation import cache, encode, int8, runs
from src.evaluation.beir import EvalSet
from src.evaluation.topk import search
from src.model.load import fetch, load_encoder
from src.model.positions import UNLIMITED, limit_length
from src.model.prompts import Prompts, prompts_of

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from src.evaluation.runs import Run
    from src.model.onnx import OnnxEncoder
    from src.params.schema import Backend, EvalParams


@dataclass(frozen=True)
class DenseModel:
    """An encoder with its prompts and casing. `fingerprint`: of its files; empty where it has none."""

    name: str
    path: str
    encoder: SentenceTransformer
    fingerprint: str
    prompts: Prompts
    lowercase: bool
    int8: OnnxEncoder | None = None  # encodes in place of `encoder`

    @property
    def dim(self) -> int:
        """Dimensions of a vector."""
        return self.encoder.get_embedding_dimension() or 0

    @property
    def limits(self) -> tuple[int, int]:
        """Tokens that are read of a query and of a document."""
        tokens = self.encoder.max_seq_length or UNLIMITED
        return tokens, tokens


def load_dense(
    name: str,
    path: str,
    device: torch.device,
    *,
    max_length: int | None,
    revision: str | None = None,
    prompts: Prompts | None = None,
    lowercase: bool = False,
    pooling: Literal["cls", "mean"] | None = None,
    backend: Backend = "torch",
) -> DenseModel:
    """The encoder of a folder or Hub repository.

    `prompts` and `pooling` come in place of what it declares; `pooling` only where it declares none.

    Raises:
        UserError: it cannot be loaded safely, or packages of its backend are missing.
    """
    where = path if Path(path).is_dir() else str(fetch(path, revision))
    encoder = load_encoder(where, device=device, max_length=max_length, pooling=pooling)
    chosen = prompts_of(encoder) if prompts is None else prompts
    fingerprint = cache.model_fingerprint(where)
    small = int8.int8_of(encoder, fingerprint) if backend == int8.NAME else None
    return DenseModel(name, path, encoder, fingerprint, chosen, lowercase, small)


def load_checkpoint(name: str, options: EvalParams, device: torch.device) -> DenseModel:
    """The model of one of the chain's stages, as it is measured. Raises UserError as `load_dense`."""
    return load_dense(name, f"models/{name}", device, max_length=options.max_length, backend=options.backend)


def in_memory(name: str, encoder: SentenceTransformer, device: torch.device, max_length: int) -> DenseModel:
    """An encoder without files, whose vectors are not cached; it cuts texts at `max_length` from now on."""
    encoder.to(device).eval()
    limit_length(encoder, max_length)
    return DenseModel(name, "", encoder, "", prompts_of(encoder), lowercase=False)


def embed(
    model: DenseModel, texts: Sequence[str], prompt: str, *, batch_size: int, what: str, targets: list[str]
) -> NDArray[np.float32]:
    """Vectors (texts, d) from the cache, or encoded now; `targets` are the devices to encode on."""
    texts = encode.cased(texts, model.lowercase)

    def fill(out: NDArray[np.float32]) -> None:
        with encode.process_pool(model.encoder, targets) as pool:
            encode.encode_into(
                out,
                model.encoder,
                texts,
                prompt,
                batch_size=batch_size,
                what=f"{model.name}: {what}",
                pool=pool,
                int8=model.int8,
            )

    shape = (len(texts), model.dim)
    if not model.fingerprint:
        vectors = np.empty(shape, dtype=np.float32)
        fill(vectors)
        return vectors
    key = {
        "model": model.fingerprint,
        "texts": cache.texts_fingerprint(texts),
        "prompt": prompt,
        "batch_size": batch_size,
        "devices": sorted({target.split(":", maxsplit=1)[0] for target in targets}),
        **cache.settings(model.encoder),
    }
    if model.int8:
        key[int8.NAME] = int8.versions()
    return cache.cached(key, shape, fill)


def embed_set(
    model: DenseModel, data: EvalSet, batch_size: int, device: torch.device
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of a set's queries and documents."""
    targets = encode.devices(device)

    def of(texts: list[str], prompt: str, what: str) -> NDArray[np.float32]:
        return embed(model, texts, prompt, batch_size=batch_size, what=f"{what} of {data.name}", targets=targets)

    return of(data.queries, model.prompts.query, "queries"), of(data.documents, model.prompts.document, "documents")


def embed_columns(
    model: DenseModel, columns: Mapping[str, Sequence[str]], batch_size: int, device: torch.device
) -> dict[str, NDArray[np.float32]]:
    """Vectors of the texts of every column, each after the prompt of its column."""
    targets = [str(device)]
    return {
        name: embed(
            model, texts, model.prompts.of(name), batch_size=batch_size, what=f"similarity, {name}", targets=targets
        )
        for name, texts in columns.items()
    }


def rank(
    queries: NDArray[np.float32],
    documents: NDArray[np.float32],
    data: EvalSet,
    depth: int,
    *,
    dim: int | None = None,
    device: torch.device | str = "cpu",
) -> Run:
    """The run of vectors cut to `dim` dimensions (None: all)."""
    scores, rows = search(queries, documents, runs.search_depth(data, depth), dim=dim, device=device)
    return runs.from_rows(scores, rows, data, depth)


def search_set(model: DenseModel, data: EvalSet, depth: int, batch_size: int, device: torch.device) -> Run:
    """The run of a set by the model's whole vectors."""
    return rank(*embed_set(model, data, batch_size, device), data, depth, device=device)


def check_dims(dims: Sequence[int], model: DenseModel) -> None:
    """Raises UserError where a dimension to be measured is larger than the model's vectors."""
    if max(dims) > model.dim:
        raise UserError(f"eval.dims: {max(dims)} is more than the {model.dim} dimensions of {model.path}")

"""Texts to vectors: length-sorted by tokens, streamed into an array or file, checked for NaN."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src.errors import UserError
from src.progress import bar
from src.turkish import lower

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from src.model.onnx import OnnxEncoder

# Texts whose token lengths are compared and sorted together: bounds memory, whatever the corpus.
CHUNK = 32_768


def encode_into(
    out: NDArray[np.float32],
    model: SentenceTransformer,
    texts: Sequence[str],
    prompt: str,
    *,
    batch_size: int,
    what: str,
    pool: dict[Any, Any] | None = None,
    int8: OnnxEncoder | None = None,
) -> None:
    """Fill `out` (texts, d) with the vectors of `texts`, each after `prompt`; `int8` encodes in place of the model.

    Batches hold texts of like length, longest first, so that little is computed on padding and a shortage of memory
    shows at once.

    Raises:
        UserError: the model gives NaN or infinity for a text; says for which.
    """
    started, tokens = time.perf_counter(), 0
    with bar(what, "text", len(texts)) as progress:
        for start in range(0, len(texts), CHUNK):
            chunk = texts[start : start + CHUNK]
            lengths = token_lengths(model, chunk, prompt)
            tokens += int(lengths.sum())
            order = np.argsort(-lengths, kind="stable")
            # A pool of processes cuts its own batches.
            step = batch_size if pool is None else len(order)
            for at in range(0, len(order), step):
                rows = order[at : at + step]
                part = [chunk[row] for row in rows]
                if int8:
                    vectors = int8.encode(part, prompt)
                else:
                    vectors = model.encode(
                        part, prompt=prompt, batch_size=batch_size, show_progress_bar=False, pool=pool
                    )
                check_finite((np.isfinite(vector).all() for vector in vectors), part, what)
                out[rows + start] = vectors
                progress.update(len(rows))
    seconds = time.perf_counter() - started
    print(f"{what}: {len(texts)} texts, {tokens} tokens, {tokens / seconds:.0f} tokens/s", flush=True)


def token_lengths(model: SentenceTransformer, texts: Sequence[str], prompt: str) -> NDArray[np.int64]:
    """Tokens of each text as the model will see it, cut at its limit."""
    encoded = model.tokenizer(
        [prompt + text for text in texts], truncation=True, max_length=model.max_seq_length, return_attention_mask=False
    )
    return np.array([len(ids) for ids in encoded["input_ids"]], dtype=np.int64)


def check_finite(finite: Iterable[Any], texts: Sequence[str], what: str) -> None:
    """Raise UserError that names the first text whose vectors are not finite."""
    wrong = [text for text, is_finite in zip(texts, finite, strict=True) if not is_finite]
    if wrong:
        raise UserError(
            f"{what}: the model gives NaN or infinity for {len(wrong)} text(s), first for {wrong[0][:60]!r}; "
            "nothing was scored"
        )


def cased(texts: Sequence[str], lowercase: bool) -> list[str]:
    """The texts as a model is given them: in Turkish lower case where it knows no capitals."""
    return [lower(text) for text in texts] if lowercase else list(texts)


def devices(device: torch.device) -> list[str]:
    """The devices to encode on: every GPU where params leave the choice among several, otherwise the one."""
    import torch

    count = torch.cuda.device_count() if device.type == "cuda" and device.index is None else 1
    return [f"cuda:{number}" for number in range(count)] if count > 1 else [str(device)]


@contextmanager
def process_pool(model: SentenceTransformer, targets: list[str]) -> Iterator[dict[str, Any] | None]:
    """sentence-transformers' pool of processes, one for each device; None for a single device."""
    if len(targets) == 1:
        yield None
        return
    pool: Any = model.start_multi_process_pool(targets)
    try:
        yield pool
    finally:
        model.stop_multi_process_pool(pool)

"""What was encoded once is not encoded again: arrays on disk, named by the content that they were made from.

`.cache/embeddings/` belongs to the machine, not to the results: deleting it costs time only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from src import array_cache
from src.files import fingerprint, sha256
from src.strict_json import JsonObject

_LIBRARIES = ("torch", "transformers", "tokenizers", "sentence-transformers", "safetensors", "numpy")
_SOURCE = Path(__file__).parents[1]
# `late` keeps its rankings too, which `topk` makes.
_CODE = ("model/*.py", *(f"evaluation/{name}.py" for name in ("dense", "encode", "int8", "late", "topk")))
_DOCUMENTATION = {".md", ".gitattributes"}
_FOLDER = "embeddings"


def folder() -> Path:
    """Where the arrays lie."""
    return array_cache.folder(_FOLDER)


def model_fingerprint(model: str | Path) -> str:
    """SHA-256 over names and contents of a model folder's files, its documentation left out."""
    root = Path(model)
    documentation = {path for path in root.rglob("*") if {path.suffix.lower(), path.name} & _DOCUMENTATION}
    files = sorted(path for path in root.rglob("*") if path.is_file() and path not in documentation)
    listing = [[path.relative_to(root).as_posix(), sha256(path)] for path in files]
    return hashlib.sha256(json.dumps(listing).encode()).hexdigest()


def texts_fingerprint(texts: Iterable[str]) -> str:
    """SHA-256 over the texts in their order; each is preceded by its length, so that boundaries count."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def settings(encoder: Any) -> JsonObject:
    """What changes a vector, bits included, besides the model's files and the text.

    That is the encoder as it was loaded (its modules with their settings, pooling, normalisation and length among them;
    dtype and attention), the code that loaded it, library versions, and of the machine the kind of device, threads,
    instruction set and the arithmetic of float32 products.
    """
    import torch

    network = encoder[0].get_submodule("model")
    device = torch.device(encoder.device)
    return {
        "modules": [[type(module).__name__, module.get_config_dict()] for module in encoder],
        "max_length": encoder.max_seq_length,
        "dtype": str(next(network.parameters()).dtype),
        "attention": network.config._attn_implementation,
        "code": code_fingerprint(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "products": torch.get_float32_matmul_precision(),
    }


@cache
def code_fingerprint() -> str:
    """Of our own code between a model's files and its vectors."""
    return fingerprint({}, sorted(path for pattern in _CODE for path in _SOURCE.glob(pattern)))


def cached(
    key: JsonObject, shape: tuple[int, ...], fill: array_cache.Fill, dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """A read-only, memory-mapped array that `fill` writes where none of this key, shape and type exists."""
    return array_cache.cached(array_cache.path_of(_FOLDER, key), shape, fill, dtype)

"""Arrays on disk that are found by what they were made from: computed once, whole or absent.

They lie in folders of `.cache/`, which belongs to the machine, not to the results: deleting it costs time only.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from src.strict_json import JsonObject

Fill = Callable[[NDArray[Any]], None]


def folder(name: str) -> Path:
    """A folder in the cache of the repository that the stage runs in."""
    return Path(os.environ.get("DVC_ROOT", ".")) / ".cache" / name


def path_of(name: str, key: JsonObject) -> Path:
    """The file of a key, JSON values, in the folder `name`."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()
    return folder(name) / f"{digest[:40]}.npy"


def cached(path: Path, shape: tuple[int, ...], fill: Fill, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """A read-only, memory-mapped array that `fill` writes where `path` holds none of this shape and type.

    It is filled in a file beside its target and renamed when it is whole, so an interrupted run leaves nothing behind
    that could be taken for a result.
    """
    with suppress(OSError, ValueError, EOFError):  # there is none, or a damaged one
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        if array.shape == shape and array.dtype == dtype:
            return array
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.npy")
    try:
        array = np.lib.format.open_memmap(temporary, mode="w+", dtype=dtype, shape=shape)
        fill(array)
        array.flush()
        del array
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return np.load(path, mmap_mode="r", allow_pickle=False)

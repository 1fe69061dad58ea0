"""Where a published base encoder came from, and what was done to it: models/base/origin.json."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.checked import read_result

FILE = "origin.json"  # in models/base


class Trimmed(TypedDict):
    """What cutting the vocabulary did to an encoder (src/model/vocabulary.py).

    `tokens`: of the text that decided; `cut_otherwise`: the share of these whose piece was removed.
    """

    pieces_before: int
    pieces: int
    parameters_before: int
    parameters: int
    tokens: int
    cut_otherwise: float


class Vocabulary(Trimmed):
    """The same with the text and the threshold that decided."""

    text: str
    threshold: int


class PackageOrigin(TypedDict, total=False):
    """Of an encoder out of a package of the index: `weights` says what was done to them, where anything was."""

    source: str
    revision: str | None
    weights: str


class Origin(PackageOrigin, total=False):
    """Of models/base; nothing for an encoder from scratch. Not `pinned`: the revision is what the Hub held then."""

    pinned: bool
    vocabulary: Vocabulary


def read_origin(folder: Path) -> Origin:
    """What is known of the encoder in a folder; empty where nothing is."""
    return read_result(Origin, folder / FILE) if (folder / FILE).is_file() else {}

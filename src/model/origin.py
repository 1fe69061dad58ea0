"""Where a published base encoder came from, and what was done to it: models/base/origin.json."""

from __future__ import annotations

from pathlib import Path

from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.checked import read_result

FILE = "origin.json"  # in models/base


class Vocabulary(TypedDict):
    """How a vocabulary was cut (src/model/vocabulary.py): by which text, and what went."""

    text: str
    threshold: int
    pieces_before: int
    pieces: int
    parameters_before: int
    parameters: int
    tokens: int
    cut_otherwise: float


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

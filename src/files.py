"""Reading and writing files so that a reader never sees half of one.

Every write goes to a temporary file beside its target, is flushed to disk and then renamed over it.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from src.errors import UserError
from src.strict_json import JsonObject, as_object, parse_json, parse_lines

PathLike = str | os.PathLike[str]
_DEEPEST = 100  # blocks within blocks of a YAML file


@contextmanager
def atomic_text(path: PathLike) -> Iterator[TextIO]:
    """A UTF-8 text file opened for writing that replaces `path` only when the block ends without an error."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o666 & ~umask())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def umask() -> int:
    """The mode bits that the user withholds from new files; temporary files and safetensors withhold more."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write_text(path: PathLike, text: str) -> None:
    """Write `text` whole or not at all."""
    with atomic_text(path) as stream:
        stream.write(text)


def write_json(path: PathLike, value: Any) -> None:
    """Write `value` as indented JSON; NaN and infinity are refused, since JSON has neither."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def write_jsonl(path: PathLike, rows: Iterable[JsonObject]) -> None:
    """Write one JSON object a line."""
    with atomic_text(path) as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@contextmanager
def naming_faults(path: PathLike) -> Iterator[None]:
    """While the text of `path` is read: a missing file, or one that is not UTF-8, is a UserError that names it."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error.reason}); save the file as UTF-8") from error
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error


def read_text(path: PathLike) -> str:
    """The UTF-8 text of a file. Raises UserError where it is missing or not UTF-8."""
    with naming_faults(path):
        return Path(path).read_text(encoding="utf-8")


def read_json(path: PathLike) -> Any:
    """The value of a JSON file. Raises UserError that names the file and line."""
    return parse_json(read_text(path), path)


def read_json_object(path: PathLike) -> JsonObject:
    """As `read_json`, of a file that must hold an object. Raises UserError where it holds something else."""
    return as_object(read_json(path), path)


def read_yaml(path: PathLike) -> Any:
    """The value of a YAML 1.2 file, read as DVC reads it, so that stages and DVC see the same values; None if empty.

    Raises UserError that names the file and, where there is one, the line; a key that stands twice is a fault.
    """
    return parse_yaml(read_text(path), path)


def parse_yaml(text: str, where: PathLike) -> Any:
    """The value of YAML text that stands in `where`; as `read_yaml`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        depth = 0
        for event in YAML(typ="safe").parse(text):
            depth += type(event).__name__.endswith("StartEvent") - type(event).__name__.endswith("EndEvent")
            if depth > _DEEPEST:  # libyaml recurses without a limit and would end the process
                raise UserError(f"{where}:{event.start_mark.line + 1}: nested more than {_DEEPEST} deep")
        return YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{where}{line}: not YAML: {error.problem or error.context}") from error
    except (YAMLError, ValueError, RecursionError) as error:  # ValueError: `!!int x`, a 13th month, 5,000 digits
        raise UserError(f"{where}: not YAML: {' '.join(str(error).split())}") from error


def read_jsonl(path: PathLike) -> Iterator[JsonObject]:
    """The objects of a JSON-lines file, one by one; blank lines are passed over.

    Raises UserError that names file and line for what is no JSON object.
    """
    return (row for _, row in numbered_jsonl(path))


def numbered_jsonl(path: PathLike) -> Iterator[tuple[int, JsonObject]]:
    """As `read_jsonl`, each object with its line, from 1."""
    with naming_faults(path), open(path, encoding="utf-8-sig") as stream:
        yield from parse_lines(stream, path)


@contextmanager
def fresh_dir(path: PathLike) -> Iterator[Path]:
    """A folder that is built beside `path` and takes its place only when the block ends without an error.

    A folder has one writer at a time, so what lies half-built beside it was left by a process that was killed: it goes.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{glob.escape(target.name)}.????????"):
        shutil.rmtree(left, ignore_errors=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        yield temporary
        for part in (temporary, *temporary.rglob("*")):
            os.chmod(part, (0o777 if part.is_dir() else 0o666) & ~umask())
        old = target.with_name(f".{target.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            os.replace(target, old)
        os.replace(temporary, target)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def sha256(path: PathLike) -> str:
    """Hex SHA-256 of a file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(settings: JsonObject, files: Sequence[Path]) -> str:
    """16 hex digits that change with any setting (JSON values) and with the bytes or name of any file or folder."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for given in files:
        inside = sorted(path for path in given.rglob("*") if path.is_file()) if given.is_dir() else [given]
        for path in inside:
            if "__pycache__" not in path.parts:
                digest.update(f"{path.name}\0{sha256(path)}\0".encode())
    return digest.hexdigest()[:16]


def round_floats(value: Any, digits: int) -> Any:
    """`value` with every float in it, at any depth, rounded to `digits` places."""
    if isinstance(value, float):
        return round(value, digits)
    if isinstance(value, dict):
        return {key: round_floats(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [round_floats(item, digits) for item in value]
    return value

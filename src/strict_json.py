"""JSON in which a key stands once in an object, and whose texts UTF-8 can hold; faults are named by file and line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from src.errors import UserError

PathLike = str | os.PathLike[str]
JsonObject = dict[str, Any]  # of any keys: a third party's file, what a fingerprint is taken of
Row = JsonObject  # of a data set, before its columns are checked
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")\s*(:)?|[{}\[\]]')
_MAYBE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class _KeyTwiceError(ValueError):
    pass


def _each_key_once(pairs: list[tuple[str, Any]]) -> JsonObject:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise _KeyTwiceError
    return values


_DECODER = json.JSONDecoder(object_pairs_hook=_each_key_once)


def parse_json(text: str, path: PathLike, first_line: int = 1) -> Any:
    """The value of JSON text that begins at line `first_line` of `path`.

    Raises:
        UserError: it is no JSON, a key stands twice in one object, or a text holds a lone surrogate (an escape such
            as `\\ud800` without its other half, which is no character).
    """
    try:
        value = _DECODER.decode(text)
        if _MAYBE_SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise UserError(f"{path}:{first_line + error.lineno - 1}: not JSON ({error.msg})") from error
    except (_KeyTwiceError, UnicodeEncodeError) as error:
        line, fault = _first_fault(text)
        raise UserError(f"{path}:{first_line + line}: {fault}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise UserError(f"{path}:{first_line}: not JSON ({error})") from error
    return value


def parse_lines(lines: Iterable[str], path: PathLike) -> Iterator[tuple[int, JsonObject]]:
    """The objects of JSON lines, each with its line, from 1; blank lines are passed over.

    Raises UserError as `parse_json`, and for what is no object.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, as_object(parse_json(line.rstrip("\r\n"), path, number), f"{path}:{number}")


def as_object(value: Any, where: PathLike) -> JsonObject:
    """A value of JSON that must be an object. Raises UserError where it is something else."""
    if not isinstance(value, dict):
        raise UserError(f"{where}: a JSON {type(value).__name__}; expected an object")
    return value


def _first_fault(text: str) -> tuple[int, str]:
    """The line, from 0, of the first key that its object has already or text that UTF-8 cannot hold, and the fault."""
    keys: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        fault = ""
        if token[0] in "{[":
            keys.append(set())
        elif token[0] in "}]":
            keys.pop()
        elif half := re.search("[\ud800-\udfff]", value := json.loads(token[1])):
            fault = f"holds the lone surrogate {half[0]!r}, which is no character"
        elif token[2] and value in keys[-1]:
            fault = f"key {value!r} stands twice"
        elif token[2]:
            keys[-1].add(value)
        if fault:
            return text.count("\n", 0, token.start()), fault
    raise AssertionError("no fault in it")

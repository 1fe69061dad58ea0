"""JSON in which a key stands once in an object, and whose texts UTF-8 can hold; faults are named by file and line."""

from __future__ import annotations

import json
import os
import re
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
    except _KeyTwiceError as error:
        line, key = _key_twice(text)
        raise UserError(f"{path}:{first_line + line}: key {key!r} stands twice") from error
    except UnicodeEncodeError as error:
        line, half = first_line + _line_of_surrogate(text), error.object[error.start]
        raise UserError(f"{path}:{line}: holds the lone surrogate {half!r}, which is no character") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets without end
        raise UserError(f"{path}:{first_line}: not JSON ({error})") from error
    return value


def parse_object(line: str, path: PathLike, number: int) -> JsonObject:
    """The object in line `number` of a JSON-lines file. Raises UserError as `parse_json`, and for what is no object."""
    row = parse_json(line.rstrip("\r\n"), path, number)
    if not isinstance(row, dict):
        raise UserError(f"{path}:{number}: a JSON {type(row).__name__}; expected an object")
    return row


def _key_twice(text: str) -> tuple[int, str]:
    """The first key that its object has already, and its line, from 0."""
    keys: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            keys.append(set())
        elif token[0] in "}]":
            keys.pop()
        elif token[2]:
            key = json.loads(token[1])
            if key in keys[-1]:
                return text.count("\n", 0, token.start()), key
            keys[-1].add(key)
    raise AssertionError("no key stands twice")


def _line_of_surrogate(text: str) -> int:
    """The line, from 0, of the first text that UTF-8 cannot hold."""
    for token in _TOKEN.finditer(text):
        if token[1] and re.search("[\ud800-\udfff]", json.loads(token[1])):
            return text.count("\n", 0, token.start())
    return 0

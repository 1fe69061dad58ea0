"""A value from a file checked against a pydantic model or a typed dictionary; all its faults in one line."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from src.errors import UserError
from src.files import PathLike, read_json, read_yaml

Checked = TypeVar("Checked")
_SHOWN = 120  # characters of a value at fault
_UNION_TAGS = ("constrained-int", "constrained-float", "float", "int")


def read_checked(kind: type[Checked], path: PathLike) -> Checked:
    """The value of a YAML file as `kind`. Raises UserError that names the file, every key at fault and what it is."""
    return validated(kind, read_yaml(path), path)


def read_result(kind: type[Checked], path: PathLike) -> Checked:
    """The value of a JSON file that a stage wrote, as it stands there. Raises UserError where it is no `kind`."""
    value: Checked = read_json(path)
    validated(kind, value, path)
    return value


def validated(kind: type[Checked], value: Any, where: PathLike) -> Checked:
    """`value`, which stands in the file `where`, as `kind`. Raises UserError that lists every fault."""
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        faults = {describe(fault) for fault in error.errors(include_url=False)}
        raise UserError(f"{where}: " + "; ".join(sorted(faults)).replace("\n", "\\n")) from error


def describe(fault: Any) -> str:
    """One fault as `train.batch_size: 0 is not allowed: Input should be greater than or equal to 2`."""
    key = ".".join(str(part) for part in fault["loc"] if not _is_union_tag(part))
    message = fault["msg"].removeprefix("Value error, ")
    match fault["type"]:
        case "extra_forbidden":
            return f"{key}: no such key"
        case "missing":
            return f"{key}: missing"
        case "value_error":
            return f"{key}: {message}" if key else message
    shown = repr(fault["input"])
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return f"{key or 'file'}: {shown} is not allowed: {message}"


def _is_union_tag(part: object) -> bool:
    """Pydantic puts the tried alternative of a union into the location; it is not a key of the user's."""
    return isinstance(part, str) and ("[" in part or part in _UNION_TAGS)

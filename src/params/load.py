"""Read params.yaml and refuse, in one line per fault, what the schema does not allow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from src.errors import UserError
from src.files import read_yaml
from src.params.schema import Params


def load_params(path: str | Path = "params.yaml") -> Params:
    """The validated parameters.

    Raises:
        UserError: the file is missing, is no YAML mapping, or a key is unknown, missing, of another type or out of
            range; the message names the key, its value and what is allowed.
    """
    if not Path(path).exists():
        raise UserError(f"{path}: no such file; run from the root of the repository")
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected blocks such as `train:`, found {type(values).__name__}")
    return validate(values, str(path))


def validate(values: dict[str, Any], path: str) -> Params:
    """`values` as Params. Raises UserError that lists every fault."""
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        faults = {describe(fault) for fault in error.errors(include_url=False)}
        raise UserError(f"{path}: " + "; ".join(sorted(faults)).replace("\n", "\\n")) from error


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
    return f"{key}: {fault['input']!r} is not allowed: {message}"


def _is_union_tag(part: object) -> bool:
    """Pydantic puts the tried alternative of a union into the location; it is not a key of the user's."""
    return isinstance(part, str) and ("[" in part or part in ("constrained-int", "constrained-float", "float", "int"))

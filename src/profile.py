"""A profile as DVC flags: `dvc exp run $(python -m src.profile paper) -S train.batch_size=512`.

A profile is a file `params/NAME.yaml` that holds only what differs from params.yaml, with the reason on each line.
Values must be free of spaces, since the shell splits what the command prints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.errors import UserError, run_command
from src.files import read_yaml

# Mappings whose keys are names that the user gives: a profile replaces them whole.
OPEN_MAPPINGS = ("eval.sets",)
_UNQUOTABLE = re.compile(r"[\s'\\$*?]")  # what the shell splits or fills in, and what ends or fills in a quoted value


def flags(profile: dict[str, Any], current: dict[str, Any]) -> list[str]:
    """The `-S` flags that turn the parameters `current` into those of `profile`."""
    found: list[str] = []
    for removed in _removals(profile, current):
        found += ["-S", f"~{removed}"]
    for key, value in _leaves(profile, ""):
        found += ["-S", f"++{key}={override(value)}"]
    return found


def _removals(profile: dict[str, Any], current: dict[str, Any]) -> Iterator[str]:
    for path in OPEN_MAPPINGS:
        new, old = _at(profile, path), _at(current, path)
        if new:
            yield from (f"{path}.{key}" for key in old if key not in new)


def _at(values: dict[str, Any], path: str) -> dict[str, Any]:
    for key in path.split("."):
        values = values.get(key) or {}
    return values


def _leaves(values: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if "." in str(key):
            raise UserError(f"profile key {prefix}{key}: a dot in a key is a level to DVC; write `-` or `_`")
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def override(value: Any) -> str:
    """`value` in the grammar of `dvc exp run -S`.

    Raises:
        UserError: a string that the grammar or the shell would split.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ",".join(override(item) for item in value) + "]"
    if isinstance(value, str):
        if _UNQUOTABLE.search(value):
            raise UserError(f"profile value {value!r}: spaces and any of ' \\ $ * ? cannot be passed through -S")
        return f"'{value}'"  # unquoted, 2024_10 would be a number and `null` nothing
    return str(value)


def load(name: str, folder: Path = Path("params")) -> dict[str, Any]:
    """The mapping of `params/NAME.yaml`. Raises UserError that lists the profiles there are."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
        raise UserError(f"no profile {name!r}; {folder}/ holds: {known} (mini is params.yaml itself)")
    return read_yaml(path) or {}


def main(arguments: list[str]) -> None:
    """Print the flags of the profile named on the command line."""
    current = read_yaml("params.yaml")
    print(" ".join(flags(load(arguments[0]), current)))


if __name__ == "__main__":
    run_command(main, "PROFILE", "paper")

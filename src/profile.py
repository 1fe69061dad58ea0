"""A profile as DVC flags: `dvc exp run $(python -m src.profile paper) -S train.batch_size=512`.

A profile is a file `params/NAME.yaml` that holds only what differs from mini, with the reason on each line; its block
`ablation` concerns ablations/params.yaml. The flags lead to mini and the profile from whatever those files hold now, so
that a run never depends on the runs before it; mini is params/mini.yaml, which a test compares with the files in git.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.data.present import check_data
from src.errors import UserError, run_command
from src.files import read_yaml
from src.params import Params
from src.params.block import Settings
from src.params.load import ABLATIONS, read, validate, validate_ablations

PARAMS = "params.yaml"
MINI = "mini"
# Mappings whose keys are names that the user gives: a profile replaces them whole.
OPEN_MAPPINGS = ("eval.sets",)
DROPPED = "ablation.variants."  # a variant of mini that a profile sets to null is none of its own
# What a refused profile prints as its flags, so that `dvc exp run $(…)` stops instead of running something else.
REFUSED = "profile-refused"
_UNQUOTABLE = re.compile(r"[\s'\\$*?]")  # what the shell splits or fills in, and what ends or fills in a quoted value
_SHOWN = 4


def complete(name: str, folder: Path = Path("params")) -> dict[str, Settings]:
    """{file of params: all its values} under a profile. Raises UserError that lists the profiles there are."""
    values = merge(load(MINI, folder), load(name, folder))
    ablations = values.pop("ablation")
    return {PARAMS: values, ABLATIONS: ablations}


def profile_params(name: str) -> Params:
    """params.yaml under a profile."""
    return validate(complete(name)[PARAMS], f"params/{name}.yaml")


def merge(values: Settings, changes: Settings, at: str = "") -> Settings:
    """`values` with `changes` laid over them, block by block; a mapping of names is replaced whole."""
    merged = dict(values)
    for key, value in changes.items():
        path = f"{at}{key}"
        if value is None and path.startswith(DROPPED):
            merged.pop(key, None)
            continue
        old: Any = values.get(key)
        inner = isinstance(value, dict) and isinstance(old, dict) and path not in OPEN_MAPPINGS
        merged[key] = merge(old, value, f"{path}.") if inner else value
    return merged


def overrides(wanted: Settings, current: Settings, at: str = "") -> Iterator[str]:
    """The overrides, in the grammar of `dvc exp run -S`, that turn the values `current` into those `wanted`."""
    yield from (f"~{at}{key}" for key in current if key not in wanted)
    for key, value in wanted.items():
        if "." in str(key):
            raise UserError(f"profile key {at}{key}: a dot in a key is a level to DVC; write `-` or `_`")
        old = current.get(key)
        if isinstance(value, dict) and value:
            yield from overrides(value, old if isinstance(old, dict) else {}, f"{at}{key}.")
        elif key not in current or json.dumps(value) != json.dumps(old):
            yield f"++{at}{key}={override(value)}"


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


def flags(changes_by_file: dict[str, list[str]]) -> list[str]:
    """Overrides of each file of params as arguments of `dvc exp run`."""
    prefixes = {PARAMS: "", ABLATIONS: f"{ABLATIONS}:"}
    return [
        part
        for path, changes in changes_by_file.items()
        for change in changes
        for part in ("-S", prefixes[path] + change)
    ]


def load(name: str, folder: Path = Path("params")) -> Settings:
    """The mapping of `params/NAME.yaml`. Raises UserError that lists the profiles there are."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in folder.glob("*.yaml"))) or "none"
        raise UserError(f"no profile {name!r}; {folder}/ holds: {known}")
    return read(path)


def set_back(changes: dict[str, list[str]], own: dict[str, list[str]]) -> str:
    """What the flags undo of earlier runs and edits, in a line; empty where there is nothing."""
    keys = [
        re.split("=", change.lstrip("+~"))[0] for path in changes for change in changes[path] if change not in own[path]
    ]
    if not keys:
        return ""
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return (
        f"params hold other values than mini, from a run or an edit; set back: {', '.join(keys[:_SHOWN])}{more} "
        "(give changes of your own as -S after the profile)"
    )


def main(arguments: list[str]) -> None:
    """Print the flags of the profile named on the command line."""
    try:
        wanted, mini = complete(arguments[0]), complete(MINI)
        params = validate(wanted[PARAMS], f"params/{arguments[0]}.yaml")
        validate_ablations(wanted[ABLATIONS], params, f"params/{arguments[0]}.yaml")
        check_data(params)
        changes = {path: list(overrides(values, read_yaml(path))) for path, values in wanted.items()}
        own = {path: list(overrides(values, mini[path])) for path, values in wanted.items()}
    except UserError:
        print(REFUSED)
        raise
    if words := set_back(changes, own):
        print(words, file=sys.stderr)
    print(" ".join(flags(changes)))


if __name__ == "__main__":
    run_command(main, "PROFILE", "paper")

"""Read params.yaml and ablations/params.yaml; refuse, in one line per fault, what the schema does not allow."""

from __future__ import annotations

import json
from pathlib import Path

from src.checked import validated
from src.errors import UserError
from src.files import read_yaml
from src.params.ablation import AblationParams, check_variant
from src.params.block import Settings
from src.params.schema import Params

ABLATIONS = "ablations/params.yaml"


def load_params(path: str | Path = "params.yaml") -> Params:
    """The validated parameters.

    Raises:
        UserError: the file is missing, is no YAML mapping, or a key is unknown, missing, of another type or out of
            range; the message names the key, its value and what is allowed.
    """
    return validate(read(path), str(path))


def load_ablations(params: Params, path: str | Path = ABLATIONS) -> AblationParams:
    """The validated variants of the recipe in `params`. Raises UserError as `load_params` does."""
    return validate_ablations(read(path), params, str(path))


def read(path: str | Path) -> Settings:
    """The mapping of a YAML file.

    Raises:
        UserError: it is missing or something else, or holds what JSON has not, such as a date, a set or an alias within
            its own block: the records of a run are JSON.
    """
    if not Path(path).exists():
        raise UserError(f"{path}: no such file; run from the root of the repository")
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected blocks such as `train:`, found {type(values).__name__}")
    try:
        json.dumps(values)
    except (TypeError, ValueError) as error:
        raise UserError(f"{path}: {error}; expected blocks, lists, texts and numbers") from error
    return values


def validate(values: Settings, path: str) -> Params:
    """`values` as Params. Raises UserError that lists every fault."""
    return validated(Params, values, path)


def validate_ablations(values: Settings, params: Params, path: str) -> AblationParams:
    """`values` as AblationParams whose rows fit `params`. Raises UserError that lists every fault."""
    ablations = validated(AblationParams, values, path)
    unknown = [name for name in ablations.sets or () if name not in params.eval.sets]
    if unknown:
        raise UserError(f"{path}: sets: {unknown[0]!r} is none of eval.sets: {', '.join(params.eval.sets)}")
    for name, row in ablations.variants.items():
        check_variant(row, params, f"{path}: variants.{name}")
    return ablations

"""What a variant's figures came from: whether they belong to the code, params, models and data at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from src.ablation.variants import replayed
from src.files import fingerprint, read_text
from src.params.variant import Variant

CODE = "ablations/code.txt"  # DVC allows no dependency on a dvc.yaml


def origins(variants: Iterable[Variant], root: Path = Path()) -> dict[str, dict[str, str]]:
    """{NAME: {what: fingerprint}} of each variant's params, its code and packages, and each folder that it reads."""
    of_folder = cache(lambda path: fingerprint({}, [root / path]))
    return {variant.name: _origin(variant, of_folder) for variant in variants}


def _origin(variant: Variant, of_folder: Callable[[str], str]) -> dict[str, str]:
    steps = dict.fromkeys((*variant.trained, *replayed(variant.blocks["retrieval"]), "sts"))
    inputs = [f"models/{variant.start}", *(f"data/prepared/{name}" for name in (*steps, *variant.measuring.sets))]
    return {
        "params": fingerprint(variant.model_dump(mode="json", exclude={"code"}), []),
        "code": variant.code,
        **{path: of_folder(path) for path in inputs},
    }


def code(root: Path = Path()) -> str:
    """Fingerprint of the pinned packages and the code that stage `ablate` depends on, as `make deps` lists it."""
    files = read_text(root / CODE).splitlines()
    return fingerprint({}, [root / path for path in ("requirements.txt", *files)])


def differences(filed: dict[str, dict[str, str]], expected: dict[str, dict[str, str]]) -> list[str]:
    """What differs between the origins of variants, {NAME: origin}; empty where they are the same."""
    if set(filed) != set(expected):
        return ["variants"]
    parts = dict.fromkeys(part for origins in (*expected.values(), *filed.values()) for part in origins)
    return [part for part in parts if any(filed[name].get(part) != expected[name].get(part) for name in expected)]

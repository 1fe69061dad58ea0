"""GTE checkpoints in their original format (`model_type: "new"`), read by transformers' own GteModel, without code.

The original runs code from another repository (Alibaba-NLP/new-impl). Its weights are those of the native class under
other names, which transformers converts by itself; only the configuration has to be rewritten. What the native class
cannot express is refused, since it would load and give wrong vectors.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from src.errors import UserError
from src.files import read_json_object, write_json
from src.strict_json import JsonObject

ORIGINAL_TYPE = "new"
# Same meaning and name on both sides.
_KEPT = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
    "layer_norm_eps",
    "pad_token_id",
)
# Key of the original, its default there, and the one value that the native class computes.
_FIXED: tuple[tuple[str, Any, Any], ...] = (
    ("position_embedding_type", "rope", "rope"),
    ("layer_norm_type", "layer_norm", "layer_norm"),
    ("pack_qkv", True, True),
    ("logn_attention_scale", False, False),
    ("logn_attention_clip1", False, False),
)


def is_original(folder: Path) -> bool:
    """Whether the folder's config.json is in the original format."""
    config = folder / "config.json"
    return config.is_file() and read_json_object(config).get("model_type") == ORIGINAL_TYPE


def native_config(original: JsonObject, name: str) -> JsonObject:
    """The configuration of transformers' GteModel that computes what `original` describes.

    Raises:
        UserError: a setting that the native class cannot express, or a size that is missing.
    """
    for key, default, needed in _FIXED:
        if original.get(key, default) != needed:
            raise UserError(f"{name}: config.json: {key} {original[key]!r}: GteModel only knows {needed!r}")
    missing = [key for key in _KEPT[:5] if key not in original]
    if missing:
        raise UserError(f"{name}: config.json: no {missing[0]}")
    config = {key: original[key] for key in _KEPT if key in original}
    head_size = config["hidden_size"] // config["num_attention_heads"]
    rope = rope_parameters(original.get("rope_scaling"), original.get("rope_theta", 10_000.0), head_size, name)
    return {"model_type": "gte", "architectures": ["GteModel"], "dtype": "float32", **config, "rope_parameters": rope}


def rope_parameters(scaling: JsonObject | None, theta: float, head_size: int, name: str) -> JsonObject:
    """NTK-scaled rotary positions in the native class's terms.

    The original divides the frequencies 1 / (theta · f)^(2i / d) once more by f^(2 / d), d being the head size and f
    the factor (its NTKScalingRotaryEmbedding); the native `linear` type divides by its own `factor`.

    Raises:
        UserError: no NTK scaling, or one with `mixed_b`.
    """
    kind = (scaling or {}).get("type", (scaling or {}).get("rope_type"))
    if scaling is None or kind != "ntk" or scaling.get("mixed_b") is not None:
        raise UserError(f"{name}: config.json: rope_scaling {scaling!r}: only type ntk without mixed_b can be loaded")
    factor = float(scaling["factor"])
    return {"rope_type": "linear", "factor": factor ** (2 / head_size), "rope_theta": float(theta) * factor}


def stage(folder: Path, target: Path, name: str) -> None:
    """Lay out `folder` in `target` as a native checkpoint: config.json rewritten, no code, everything else linked."""
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        if path.is_file() and path.suffix != ".py" and not any(part.startswith(".") for part in relative.parts):
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            _link(path.resolve(), target / relative)
    (target / "config.json").unlink()
    write_json(target / "config.json", native_config(read_json_object(folder / "config.json"), name))


def _link(source: Path, target: Path) -> None:
    try:
        os.symlink(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)

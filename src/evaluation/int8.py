"""The int8 form of an encoder: written once for a model and a machine, then opened (`.cache/onnx/`)."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from src import array_cache
from src.errors import UserError
from src.evaluation import cache
from src.files import fresh_dir
from src.model import onnx

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

NAME = "onnx_int8"
_FILE, _LIBRARIES = "model.onnx", ("onnx", "onnxruntime", "onnxscript")


def versions() -> dict[str, str]:
    """The libraries that decide how an encoder is written and run."""
    return {name: version(name) for name in _LIBRARIES}


def int8_of(encoder: SentenceTransformer, fingerprint: str) -> onnx.OnnxEncoder:
    """The encoder with 8-bit matrix products; `fingerprint` is that of the model's files.

    Raises:
        UserError: the optional packages are missing, or the encoder is not on the CPU.
    """
    onnx.needed()
    if encoder.device.type != "cpu":
        raise UserError(f"eval.backend: {NAME} runs on the CPU, but runtime.device is {encoder.device.type}; use torch")
    if not all(getattr(module, "include_prompt", True) for module in encoder):
        raise UserError(f"eval.backend: {NAME} cannot leave the prompt out of pooling, as this encoder does; use torch")
    key = {"model": fingerprint, **cache.settings(encoder), "onnx": versions()}
    folder = array_cache.path_of("onnx", key).with_suffix("")
    if not (folder / _FILE).is_file():
        with fresh_dir(folder) as made:
            onnx.export(encoder, made / "whole.onnx")
            onnx.quantise(made / "whole.onnx", made / _FILE)
            for path in made.glob("whole.onnx*"):
                path.unlink()
    return onnx.OnnxEncoder(folder / _FILE, encoder)

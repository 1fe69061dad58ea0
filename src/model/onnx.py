"""An encoder as one ONNX graph, in float32 or with 8-bit matrix products, run by ONNX Runtime on the CPU.

Needs `pip install -r requirements-export.txt`.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

INPUTS = ("input_ids", "attention_mask")
_OPSET = 18
# An ONNX file ends at 2 GiB; larger weights go into a file beside it.
_ONE_FILE = 1.8e9


def needed() -> None:
    """Raise UserError where the packages for export are missing."""
    for package in ("onnx", "onnxruntime", "onnxscript"):
        if find_spec(package) is None:
            raise UserError(f"{package} is not installed: pip install -r requirements-export.txt")


def export(encoder: SentenceTransformer, path: Path) -> None:
    """Write the whole encoder, pooling and normalisation included, for any batch and length."""
    import torch

    class Whole(torch.nn.Module):
        """Token ids and mask (texts, length) to unit vectors (texts, D)."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.encoder({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]

    features = encoder.preprocess(["Su yüz derecede kaynar.", "Kediler gece uyur, gündüz avlanmaz."])
    dynamic = {name: {0: "batch", 1: "length"} for name in INPUTS}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Whole().eval(),
            tuple(features[name] for name in INPUTS),
            str(path),
            input_names=list(INPUTS),
            output_names=["sentence_embedding"],
            dynamic_shapes=dynamic,
            opset_version=_OPSET,
            dynamo=True,
            external_data=weight_bytes(encoder) > _ONE_FILE,
            verbose=False,
        )


def weight_bytes(encoder: SentenceTransformer) -> int:
    """Bytes of all weights."""
    return sum(weight.numel() * weight.element_size() for weight in encoder.parameters())


def quantise(path: Path, target: Path) -> None:
    """Weights of matrix products in 8 bits, one scale a column; activations are quantised as they come."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(logging.ERROR)
    beside = path.with_name(f"{path.name}.data").is_file()
    quantize_dynamic(
        str(path), str(target), weight_type=QuantType.QInt8, per_channel=True, use_external_data_format=beside
    )


class OnnxEncoder:
    """An ONNX file that `export` or `quantise` wrote, with the tokenizer of its encoder."""

    def __init__(self, path: Path, encoder: SentenceTransformer) -> None:
        import onnxruntime
        import torch

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = torch.get_num_threads()
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._encoder = encoder

    def encode(self, texts: Sequence[str], prompt: str = "", batch_size: int = 1) -> NDArray[np.float32]:
        """Vectors (texts, D), each text after the prompt.

        The range of 8-bit activations is that of a whole batch. One text at a time, a vector depends on its text alone,
        and nothing is computed on padding.
        """
        parts = []
        for start in range(0, len(texts), batch_size):
            features: dict[str, Any] = self._encoder.preprocess(list(texts[start : start + batch_size]), prompt=prompt)
            parts.append(self._session.run(None, {name: features[name].numpy() for name in INPUTS})[0])
        return np.concatenate(parts)

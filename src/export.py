"""A model folder ready to share: `python -m src.export [MODEL [TARGET]]`, by default models/retrieval to models/share.

TARGET is the sentence-transformers folder with the model card of the last report, and beside it `onnx/model.onnx` and
`onnx/model_int8.onnx`: token ids and mask in, unit vectors out, whatever the pooling. `onnx/parity.json` says how far
their vectors and rankings are from the original's. Needs `pip install -r requirements-export.txt`.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src.errors import UserError, run_command
from src.evaluation.topk import search
from src.files import fresh_dir, read_jsonl, round_floats, write_json
from src.model.load import load_encoder

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

CARD = Path("reports/model_card/README.md")
NAMES = ("model.onnx", "model_int8.onnx")
INPUTS = ("input_ids", "attention_mask")
# Texts that parity is measured on, and how deep rankings are compared.
QUERIES, DOCUMENTS, DEPTH = 200, 1000, 10
_OPSET = 18
_BATCH = 32
# An ONNX file ends at 2 GiB; larger weights go into a file beside it.
_ONE_FILE = 1.8e9
# Where there is no evaluation set yet.
_TEXTS = ["Su yüz derecede kaynar.", "Işık denizden hızlı gider.", "Ankara'da trenler geç kalkar.", "Kediler uyur."]


def main(arguments: list[str]) -> None:
    """Write the folder and print its parity."""
    model, target = (*arguments, *("models/retrieval", "models/share")[len(arguments) :])
    needed()
    encoder = load_encoder(model)
    queries, documents = sample_texts(Path("data/prepared"))
    with fresh_dir(target) as folder:
        copy_model(Path(model), folder)
        whole, small = (folder / "onnx" / name for name in NAMES)
        whole.parent.mkdir()
        export(encoder, whole)
        quantise(whole, small)
        found = {path.name: parity(encoder, path, queries, documents) for path in (whole, small)}
        write_json(whole.parent / "parity.json", round_floats(found, 6))
    for name, figures in found.items():
        print(f"{target}/onnx/{name}: " + ", ".join(f"{key} {value:g}" for key, value in figures.items()))


def needed() -> None:
    """Raise UserError where the packages for export are missing."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(f"{error.name} is not installed: pip install -r requirements-export.txt") from error


def copy_model(model: Path, folder: Path) -> None:
    """The model's own files (a Hub id has none here) and the card of the last report."""
    if model.is_dir():
        shutil.copytree(model, folder, dirs_exist_ok=True)
    if CARD.is_file():
        shutil.copyfile(CARD, folder / "README.md")


def sample_texts(prepared: Path) -> tuple[list[str], list[str]]:
    """Queries and documents of the first prepared evaluation set, else a few sentences."""
    for corpus in sorted(prepared.glob("*/corpus.jsonl")):
        queries = [row["text"] for row in read_jsonl(corpus.with_name("queries.jsonl"))]
        documents = [f"{row.get('title') or ''} {row['text']}".strip() for row in read_jsonl(corpus)]
        return queries[:QUERIES], documents[:DOCUMENTS]
    return _TEXTS, _TEXTS


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


def parity(encoder: SentenceTransformer, path: Path, queries: list[str], documents: list[str]) -> dict[str, float]:
    """How far an ONNX file is from the encoder: size, cosine to its vectors, agreement of its rankings."""
    texts = queries + documents
    ours, theirs = np.asarray(encoder.encode(texts, batch_size=_BATCH)), run(path, encoder, texts)
    cosine = (ours * theirs).sum(axis=1) / np.linalg.norm(theirs, axis=1) / np.linalg.norm(ours, axis=1)
    depth = min(DEPTH, len(documents))
    rankings = [search(v[: len(queries)], v[len(queries) :], depth)[1] for v in (ours, theirs)]
    shared = [len(set(a) & set(b)) / depth for a, b in zip(*rankings, strict=True)]
    return {
        "mib": path.stat().st_size / 2**20,
        "mean_cosine": float(cosine.mean()),
        "least_cosine": float(cosine.min()),
        "same_first": float((rankings[0][:, 0] == rankings[1][:, 0]).mean()),
        f"shared_of_{depth}": float(np.mean(shared)),
    }


def run(path: Path, encoder: SentenceTransformer, texts: list[str]) -> NDArray[np.float32]:
    """Vectors (texts, D) of an ONNX file, with the encoder's tokenizer."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    parts = []
    for start in range(0, len(texts), _BATCH):
        features: dict[str, Any] = encoder.preprocess(texts[start : start + _BATCH])
        parts.append(session.run(None, {name: features[name].numpy() for name in INPUTS})[0])
    return np.concatenate(parts)


if __name__ == "__main__":
    run_command(main, "[MODEL] [TARGET]", "models/retrieval models/share")

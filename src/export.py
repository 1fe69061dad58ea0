"""A model folder ready to share: `python -m src.export [MODEL [TARGET]]`, by default models/retrieval to models/share.

TARGET is the sentence-transformers folder with the model card of the last report, and beside it `onnx/model.onnx` and
`onnx/model_int8.onnx`: token ids and mask in, unit vectors out, whatever the pooling. `onnx/parity.json` says how far
their vectors and rankings are from the original's. Needs `pip install -r requirements-export.txt`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from src.errors import run_command
from src.evaluation.topk import search
from src.files import fresh_dir, read_jsonl, round_floats, write_json
from src.model.load import load_encoder
from src.model.onnx import OnnxEncoder, export, needed, quantise

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

CARD = Path("reports/model_card/README.md")
NAMES = ("model.onnx", "model_int8.onnx")
# Texts that parity is measured on, and how deep rankings are compared.
QUERIES, DOCUMENTS, DEPTH = 200, 1000, 10
_BATCH = 32
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
        differences = {path.name: parity(encoder, path, queries, documents) for path in (whole, small)}
        write_json(whole.parent / "parity.json", round_floats(differences, 6))
    for name, figures in differences.items():
        print(f"{target}/onnx/{name}: " + ", ".join(f"{key} {value:g}" for key, value in figures.items()))


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


def parity(encoder: SentenceTransformer, path: Path, queries: list[str], documents: list[str]) -> dict[str, float]:
    """How far an ONNX file is from the encoder: size, cosine to its vectors, agreement of its rankings."""
    texts = queries + documents
    ours = np.asarray(encoder.encode(texts, batch_size=_BATCH))
    theirs = OnnxEncoder(path, encoder).encode(texts, batch_size=_BATCH)
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


if __name__ == "__main__":
    run_command(main, "[MODEL] [TARGET]", "models/retrieval models/share")

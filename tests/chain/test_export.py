"""The folder to share holds the model, its card, and ONNX files that give the same vectors and rankings."""

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from src import export
from src.errors import UserError
from src.evaluation import dense, encode, int8
from src.evaluation.cache import model_fingerprint
from src.files import read_json, sha256, write_jsonl
from src.model.encoder import assemble, gte_config, save_encoder
from src.model.load import load_encoder
from src.model.tokenizer import train_tokenizer, wrap
from src.params import load_params
from src.params.schema import Backend
from src.search import __main__ as search
from src.search.index import Document, Index
from tests.checkout import ROOT

WORDS = ["ankara", "izmir", "ışık", "ağaç", "deniz", "kitap", "yol", "göz", "ev", "su"]
TEXTS = [f"{a} {b} ile {c} arasında" for a in WORDS for b in WORDS[:4] for c in WORDS[:3]]


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    import torch
    from transformers import GteModel

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    torch.manual_seed(0)
    base = load_params(ROOT / "params.yaml").base_model
    base = base.model_copy(update={"hidden_size": 32, "layers": 2, "heads": 2, "intermediate_size": 64})
    tokenizer = train_tokenizer(TEXTS, 120)
    model = GteModel(gte_config(base, tokenizer.get_vocab_size()))
    save_encoder(assemble(model, wrap(tokenizer, 32), "cls", 32), tmp_path / "models/retrieval")
    write_jsonl("data/prepared/set/corpus.jsonl", [{"_id": str(i), "text": text} for i, text in enumerate(TEXTS)])
    write_jsonl("data/prepared/set/queries.jsonl", [{"_id": str(i), "text": w} for i, w in enumerate(WORDS)])
    Path("reports/model_card").mkdir(parents=True)
    export.CARD.write_text("# card\n", encoding="utf-8")
    return tmp_path


def test_onnx_files_agree_with_the_model(workspace, capsys):
    before = sha256("models/retrieval/model.safetensors")
    export.main([])
    parity = read_json("models/share/onnx/parity.json")
    assert parity["model.onnx"]["least_cosine"] > 0.99999
    assert parity["model.onnx"]["shared_of_10"] > 0.9  # random weights: many near ties
    assert parity["model_int8.onnx"]["mean_cosine"] > 0.97
    assert Path("models/share/README.md").read_text(encoding="utf-8") == "# card\n"
    assert sha256("models/share/model.safetensors") == before == sha256("models/retrieval/model.safetensors")
    encoder = load_encoder("models/share")
    whole = export.OnnxEncoder(Path("models/share/onnx/model.onnx"), encoder)
    vectors = whole.encode(["su", "uzun " * 20, "ev ile yol"], batch_size=3)
    assert vectors == pytest.approx(encoder.encode(["su", "uzun " * 20, "ev ile yol"]), abs=1e-5)
    assert "models/share/onnx/model_int8.onnx: mib" in capsys.readouterr().out


def test_the_int8_backend_agrees_with_torch_and_is_kept_apart(workspace, monkeypatch):
    import torch

    def vectors(backend: Backend) -> NDArray[np.float32]:
        model = dense.load_dense("toy", "models/retrieval", torch.device("cpu"), max_length=32, backend=backend)
        return np.array(dense.embed(model, TEXTS[:40], "", batch_size=8, what="texts", targets=["cpu"]))

    whole, small = vectors("torch"), vectors("onnx_int8")
    assert np.abs(whole - small).max() > 0
    assert (whole * small).sum(axis=1).min() > 0.95  # random weights; docs/evaluation.md has a real encoder
    encoder = load_encoder("models/retrieval", max_length=32)
    again = int8.int8_of(encoder, model_fingerprint("models/retrieval"))
    assert np.array_equal(again.encode(TEXTS[5:6]), small[5:6])  # whatever it is encoded with
    monkeypatch.setattr(encode, "encode_into", lambda *_, **__: pytest.fail("encoded again"))
    assert np.array_equal(vectors("onnx_int8"), small)


def test_search_encodes_in_int8(workspace, capsys):
    Path("texts.txt").write_text("\n".join(TEXTS[:20]) + "\n", encoding="utf-8")
    search.main(["texts.txt", "--int8", "--query", TEXTS[3], "--top", "1"])
    assert capsys.readouterr().out.split()[:2] == ["1", "1.0000"]
    encoder = load_encoder("models/retrieval")
    small = int8.int8_of(encoder, model_fingerprint("models/retrieval"))
    assert len(list(Path(".cache/onnx").glob("*/model.onnx"))) == 1  # the one that the command wrote
    index = Index(encoder, [Document(str(n), text) for n, text in enumerate(TEXTS[:20])], small)
    assert np.array_equal(index.vectors, small.encode(TEXTS[:20]))


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"onnx is not installed: pip install -r requirements-export\.txt"):
        export.main([])


def test_without_an_evaluation_set_a_few_sentences_serve(tmp_path):
    queries, documents = export.sample_texts(tmp_path)
    assert queries == documents
    assert len(queries) > 1

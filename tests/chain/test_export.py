"""The folder to share holds the model, its card, and ONNX files that give the same vectors and rankings."""

import sys
from pathlib import Path

import pytest

from src import export
from src.errors import UserError
from src.files import read_json, sha256, write_jsonl
from src.model.encoder import assemble, gte_config, save_encoder
from src.model.load import load_encoder
from src.model.tokenizer import train_tokenizer, wrap
from src.params import load_params

ROOT = Path(__file__).parents[2]
WORDS = ["ankara", "izmir", "ışık", "ağaç", "deniz", "kitap", "yol", "göz", "ev", "su"]
TEXTS = [f"{a} {b} ile {c} arasında" for a in WORDS for b in WORDS[:4] for c in WORDS[:3]]


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    import torch
    from transformers import GteModel

    monkeypatch.chdir(tmp_path)
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
    found = read_json("models/share/onnx/parity.json")
    assert found["model.onnx"]["least_cosine"] > 0.99999
    assert found["model.onnx"]["shared_of_10"] > 0.9  # random weights: many near ties
    assert found["model_int8.onnx"]["mean_cosine"] > 0.97
    assert Path("models/share/README.md").read_text(encoding="utf-8") == "# card\n"
    assert sha256("models/share/model.safetensors") == before == sha256("models/retrieval/model.safetensors")
    encoder = load_encoder("models/share")
    vectors = export.run(Path("models/share/onnx/model.onnx"), encoder, ["su", "uzun " * 20, "ev ile yol"])
    assert vectors == pytest.approx(encoder.encode(["su", "uzun " * 20, "ev ile yol"]), abs=1e-5)
    assert "models/share/onnx/model_int8.onnx: mib" in capsys.readouterr().out


def test_missing_packages_are_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"onnx is not installed: pip install -r requirements-export\.txt"):
        export.main([])


def test_without_an_evaluation_set_a_few_sentences_serve(tmp_path):
    queries, documents = export.sample_texts(tmp_path)
    assert queries == documents
    assert len(queries) > 1

"""Positions that an encoder can use: those after the padding index where they start there, and texts beyond them."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModel

from src.errors import UserError
from src.evaluation import truncation
from src.evaluation.beir import EvalSet
from src.evaluation.dense import embed_set, load_dense
from src.model.encoder import assemble, save_encoder
from src.model.load import load_encoder
from src.model.positions import UNLIMITED, count_cut, usable_positions
from src.model.tokenizer import train_tokenizer, wrap
from src.params import load_params
from src.search.index import Document, Index
from src.training import encoder as training
from src.training.encoder import freeze

SIZES = {
    "vocab_size": 150,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 20,
}
TEXTS = [f"{place} {number} yılında kuruldu ve büyüdü." for place in ("İzmir", "Ankara") for number in range(30)]
LONG = " ".join(TEXTS)
POSITIONS = {"xlm-roberta": 18, "mpnet": 18, "bert": 20, "gte": 20}
POSITIONS["nystromformer"] = 20  # 22 rows, of which it uses 20


def save(folder, kind, max_length):
    """A tiny encoder whose padding index is 1, as XLM-R's."""
    torch.manual_seed(0)
    tokenizer = wrap(train_tokenizer(TEXTS, SIZES["vocab_size"]), max_length)
    config = AutoConfig.for_model(kind, **SIZES | {"vocab_size": len(tokenizer)}, pad_token_id=1)
    network = AutoModel.from_config(config).eval()
    folder.mkdir()
    save_encoder(assemble(network, tokenizer, "mean", max_length), folder)
    return folder


@pytest.mark.parametrize("kind", POSITIONS)
@pytest.mark.parametrize("max_length", [None, 10])
def test_a_long_text_is_cut_at_the_positions_there_are(tmp_path, kind, max_length):
    encoder = load_encoder(str(save(tmp_path / "m", kind, 20)), max_length=max_length)
    assert usable_positions(encoder) == POSITIONS[kind]
    assert encoder.max_seq_length == min(POSITIONS[kind], max_length or 20)
    assert np.isfinite(encoder.encode([LONG, "kısa"])).all()


def test_relative_positions_have_no_end():
    """XLNet says -1; others say nothing."""
    for declared in (-1, None):
        transformer = torch.nn.Linear(1, 1)
        transformer.config = SimpleNamespace(max_position_embeddings=declared)
        encoder = [SimpleNamespace(get_submodule=lambda _, model=transformer: model)]
        assert usable_positions(encoder) == UNLIMITED


def test_training_knows_the_usable_positions(tmp_path):
    model = training.load_encoder(save(tmp_path / "m", "xlm-roberta", 20))
    assert model.max_seq_length == 18
    step = load_params("params.yaml").nli.model_copy(update={"dims": [16], "max_length": 19})
    with pytest.raises(UserError, match="nli: max_length 19 is more than the 18 positions of the model"):
        freeze(model, step, "nli")
    freeze(model, step.model_copy(update={"max_length": 18}), "nli")


def test_search_cuts_and_says_so(tmp_path, capsys):
    encoder = load_encoder(str(save(tmp_path / "m", "xlm-roberta", 20)))
    index = Index(encoder, [Document("1", LONG), Document("2", "kısa")])
    assert (
        "1 of 2 documents are longer than the 18 tokens that the encoder reads and are cut" in capsys.readouterr().err
    )
    assert index.search(LONG, 1, 16)
    assert "1 of 1 queries are longer than the 18 tokens" in capsys.readouterr().err


def test_prompts_count_as_part_of_a_text(tmp_path):
    tokenizer = load_encoder(str(save(tmp_path / "m", "bert", 20))).tokenizer
    length = len(tokenizer(TEXTS[0])["input_ids"])
    assert count_cut(tokenizer, [TEXTS[0], "a"], "", length) == 0
    assert count_cut(tokenizer, [TEXTS[0], "a"], "soru: ", length) == 1
    assert count_cut(tokenizer, [TEXTS[0], "a"], "", length - 1) == 1


def test_an_evaluation_counts_the_tokens_read_and_the_texts_cut(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    data = EvalSet("set", ["d", "e"], [LONG, "kısa"], ["q"], ["kısa"], {"q": {"e": 1}}, {}, {}, False)
    for _ in range(2):  # encoded, then from the cache
        model = load_dense("m", str(save(tmp_path / "m", "xlm-roberta", 20)), torch.device("cpu"), max_length=2048)
        expected = {"query_tokens": 18, "document_tokens": 18, "queries_cut": 0, "documents_cut": 1}
        assert truncation.of_set(model, data) == expected
        assert "m: 1 of 2 documents of set are longer than 18 tokens" in capsys.readouterr().out
        embed_set(model, data, 8, torch.device("cpu"))
        shutil.rmtree(tmp_path / "m")
    assert truncation.of_columns(model, {"first": [LONG, "a"], "second": [LONG]})["cut"] == 2

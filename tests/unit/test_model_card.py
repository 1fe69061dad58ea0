"""The model card: parsed by the Hub's own reader, honest about synthetic data, equal on every run."""

import pytest
from huggingface_hub import ModelCard

from src.params import load_params
from src.reporting.model_card import model_card, write_model_card
from tests.checkout import ROOT

SCORES = {"P@1": 0.5, "MRR@10": 0.6, "nDCG@10": 0.65432, "R@10": 0.8, "R@100": 0.9, "MAP": 0.6}


@pytest.fixture
def params():
    return load_params(ROOT / "params.yaml")


@pytest.fixture
def metrics(params):
    return {
        "scifact_tr_synthetic": {"retrieval": SCORES, "bm25": SCORES},
        params.data.sts.name: {"retrieval": {"spearman": 0.81, "pearson": 0.8}},
        "matryoshka": {"64": SCORES, "128": SCORES},
    }


def cards(synthetic: bool) -> dict:
    split = {"train": {"read": 10, "kept": 9, "dropped": {"empty": 1}, "noted": {}}}
    common = {"licence": "CC BY-SA 4.0", "synthetic": synthetic, "splits": split}
    return {key: common | {"name": f"{key}_set", "source": f"source of {key}"} for key in ("nli", "sts", "retrieval")}


def test_the_hub_reads_the_results(params, metrics, tmp_path):
    card = ModelCard.load(write_model_card(tmp_path, metrics, params, cards(True), {}))
    results = {(r.dataset_name, r.metric_type): r.metric_value for r in card.data.eval_results}
    assert results["scifact_tr_synthetic", "nDCG@10"] == 0.6543
    assert results[params.data.sts.name, "spearman"] == 0.81
    assert (card.data.language, card.data.license) == (["tr"], "apache-2.0")


def test_every_score_has_its_protocol_and_dimension(params, metrics):
    text = model_card(metrics, params, cards(True), {})
    row = next(line for line in text.splitlines() if line.startswith("| scifact_tr_synthetic | whole corpus"))
    assert "title and text, 64 tokens, float32, ties by id" in row
    assert "0.6543" in row
    assert text.index("| 128 | 0.5000") < text.index("| 64 | 0.5000")
    step = params.train
    recipe = f"{step.batch_size} | {step.epochs:g} | {step.learning_rate:g} | {step.max_length}"
    assert f"| retrieval | retrieval_set | 9 | MNRL | {recipe} | – |" in text


def test_synthetic_data_are_called_so_and_real_data_keep_their_licences(params, metrics):
    assert "Trained on synthetic text" in model_card(metrics, params, cards(True), {})
    real = model_card(metrics, params, cards(False), {})
    assert "Trained on synthetic text" not in real
    assert "license: other" in real
    assert "source of nli; licence: CC BY-SA 4.0" in real


def test_weights_that_are_not_the_original_ones_are_named(params, metrics):
    base = params.base_model.model_copy(update={"source": "tiny==1.0"})
    origin = {"source": "tiny==1.0", "weights": "4-bit weights, read to float32"}
    text = model_card(metrics, params.model_copy(update={"base_model": base}), cards(False), origin)
    assert "`tiny==1.0` (4-bit weights, read to float32) and was trained" in text


def test_a_cut_vocabulary_is_described(params, metrics):
    cut = {"text": "news_tr", "threshold": 2, "pieces_before": 250_002, "pieces": 31_385, "tokens": 1000}
    cut |= {"parameters_before": 117_653_760, "parameters": 33_691_392, "cut_otherwise": 0.0012}
    base = params.base_model.model_copy(update={"source": "owner/base"})
    text = model_card(metrics, params.model_copy(update={"base_model": base}), cards(False), {"vocabulary": cut})
    cut_words = "vocabulary cut to 31,385 of 250,002 pieces, those that news_tr uses 2 or more times"
    assert f"`owner/base` ({cut_words}" in text
    assert "33.7 M parameters in place of 117.7 M; 0.12% of its tokens are cut otherwise)" in text

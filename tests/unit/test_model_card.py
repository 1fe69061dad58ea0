"""The model card: parsed by the Hub's own reader, honest about synthetic data and about altered weights."""

from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

from src.reporting.model_card import model_card
from tests.unit.reporting_run import SET, STS, inputs_of, similarity


def with_base(inputs, origin, **changes):
    base = inputs.params.base_model.model_copy(update=changes)
    return replace(inputs, params=inputs.params.model_copy(update={"base_model": base}), base_origin=origin)


def test_the_hub_reads_the_results(tmp_path):
    inputs = inputs_of(tmp_path)
    card = ModelCard(model_card(inputs)).data
    results = {(result.dataset_name, result.metric_type): result.metric_value for result in card.eval_results}
    assert results[SET, "nDCG@10"] == round(inputs.main["models"]["retrieval"]["nDCG@10"], 4)
    assert results[STS, "spearman"] == round(similarity()["models"]["retrieval"]["spearman"], 4)
    assert (card.language, card.license, card.base_model) == (["tr"], "apache-2.0", None)
    published = model_card(with_base(inputs, {}, source="owner/base"))
    assert ModelCard(published).data.base_model == "owner/base"


def test_every_score_has_its_protocol_and_dimension_and_every_step_its_settings(tmp_path):
    inputs = inputs_of(tmp_path)
    text = model_card(inputs)
    assert f"*{SET} (synthetic): protocol full, n = " in text
    assert text.index("| 128 | 512 | 0.") < text.index("| 64 | 256 | 0.")
    step = inputs.params.train
    settings = f"{step.batch_size:,} | {step.epochs:g} | {step.learning_rate:g} | {step.max_length}"
    dims = ", ".join(map(str, step.dims))
    assert f"| 3. retrieval | msmarco_tr_synthetic | multiple negatives ranking | {dims} | {settings} | – |" in text


@pytest.mark.parametrize(("synthetic", "licence"), [(True, "apache-2.0"), (False, "other")])
def test_synthetic_data_are_called_so_and_real_data_keep_their_licences(tmp_path, synthetic, licence):
    text = model_card(inputs_of(tmp_path, synthetic=synthetic))
    assert ("Trained on synthetic text" in text, "the weights are Apache-2.0" in text) == (synthetic, synthetic)
    assert f"license: {licence}" in text
    assert "- nli_tr_synthetic: 4 rows; a test | with a bar; licence: CC0-1.0" in text


def test_what_was_done_to_weights_and_vocabulary_of_a_published_base_is_named(tmp_path):
    cut = {"text": "news_tr", "threshold": 2, "pieces_before": 250_002, "pieces": 31_385, "tokens": 1000}
    cut |= {"parameters_before": 117_653_760, "parameters": 33_691_392, "cut_otherwise": 0.0012}
    origin = {"source": "tiny==1.0", "weights": "4-bit weights, read to float32", "vocabulary": cut}
    text = model_card(with_base(inputs_of(tmp_path), origin, source="tiny==1.0", prompts="e5"))
    words = (
        "`tiny==1.0` (4-bit weights, read to float32) (vocabulary cut to 31,385 of 250,002 pieces, those that news_tr"
    )
    assert f"{words} uses 2 or more times" in text
    assert "33.7 M parameters in place of 117.7 M; 0.12% of its tokens are cut otherwise)" in text
    assert "`encode_query` puts `query: ` before a query" in text

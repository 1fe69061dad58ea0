"""Which question a variant answers, and how its table reads."""

import pytest

from src.files import read_yaml
from src.reporting import ablation, variants
from src.reporting.forgetting import answer
from src.reporting.section import Figure
from src.reporting.tables import starred
from tests.checkout import ROOT
from tests.unit.reporting_run import SET, inputs_of

CHAIN = ["nli", "sts", "retrieval"]


@pytest.mark.parametrize(
    ("name", "row", "expected"),
    [
        ("full@0.5", {"path": CHAIN}, variants.INTERPOLATION),
        ("b", {"path": CHAIN, "train": {"batch_size": 256}}, variants.BATCH),
        ("o", {"path": ["retrieval"]}, variants.ORDER),
        ("m", {"path": CHAIN, "matryoshka": False}, variants.SETTINGS),
        ("f", {"path": CHAIN, "train": {"freeze_layers": 1, "freeze_embeddings": True}}, variants.SETTINGS),
        ("r", {"path": CHAIN, "train": {"anti_forgetting": {"replay_share": 0.5}}}, variants.FORGETTING),
        ("h", {"path": CHAIN, "train": {"hard_negatives": True}}, variants.NEGATIVES),
        ("n", {"path": CHAIN, "train": {"false_negatives": 0.05}}, variants.NEGATIVES),
        ("s", {"path": CHAIN, "mix": {"inverse_cloze": 1.0}}, variants.SOURCES),
    ],
)
def test_a_row_tells_which_question_it_answers(name, row, expected):
    assert variants.group(name, {"row": row, "path": row["path"]}) == expected


def test_every_variant_of_params_is_in_words(tmp_path):
    inputs = inputs_of(tmp_path)
    given = read_yaml(ROOT / "ablations/params.yaml")["variants"]
    words = [variants.label(name, {"row": row, "path": row["path"]}, inputs) for name, row in given.items()]
    assert len(set(words)) == len(words)
    assert "freeze embeddings, freeze layers 1" in words
    assert "retrieval" in words


def test_a_mixture_of_weights_says_of_which_variant(tmp_path):
    inputs = inputs_of(tmp_path)
    reference = inputs.ablation["reference"]
    row = {"path": CHAIN, "row": {"path": CHAIN, "train": {"learning_rate": 0.01}}}
    assert variants.label(f"{reference}@0.5", row, inputs).endswith("of the trained weights")
    assert "learning rate" in variants.label("faster@0.5", row, inputs)
    assert "learning rate" not in variants.label(f"{reference}@0.5", row, inputs)


def test_with_seeds_a_table_shows_deviation_and_the_test_between_seeds(tmp_path):
    inputs = inputs_of(tmp_path)
    inputs.variants["settings"]["seeds"] = [1, 2]
    rows = inputs.variants["rows"]
    rows["full"]["retrieval"][SET] = {"mean": 0.7, "sd": 0.01}
    tested = {"difference": -0.02, "interval": [-0.04, 0.0], "p": 0.01, "p_holm": 0.03, "significant": True}
    rows["batch_256"]["retrieval"][SET] = {"mean": 0.66, "sd": 0.01, "p_seeds": 0.2} | tested
    table = ablation.table(variants.BATCH, {name: rows[name] for name in ("full", "batch_256")}, inputs)
    reference, variant = table.rows
    assert reference[3:7] == ["0.7000 ± 0.0100", None, None, None]
    change = starred("-0.0200", significant=True)
    assert variant[:7] == ["batch size 256", 5120, 20, "0.6600 ± 0.0100", change, "[-0.040, 0.000]", 0.2]
    assert "with fewer than 3 seeds not of the training" in table.notes
    assert f"{SET} (synthetic)" in table.caption and "seeds 1, 2" in table.caption


def test_a_row_says_its_design_and_what_it_is_compared_with(tmp_path):
    inputs = inputs_of(tmp_path)
    rows = inputs.ablation["rows"]
    updates = {"path": ["retrieval"], "train": {"batch_size": 256, "learning_rate": 0.001}, "updates": 200}
    del rows["similarity_distillation"]
    rows["updates_256"] = rows["batch_256"] | {
        "path": ["retrieval"],
        "row": updates | {"against": "retrieval_only"},
        "against": "retrieval_only",
    }
    rows["replay"] = {key: value for key, value in rows["replay"].items() if key != "against"} | {
        "retrieval": {SET: {"mean": 0.5}},
        "sts": {"mean": 0.8, "drop": 0.0},
    }  # what it is compared with was left out
    groups = variants.groups(inputs.ablation)
    words = variants.label("updates_256", rows["updates_256"], inputs)
    assert words == "retrieval, batch size 256, learning rate 0.001, at 200 updates; against retrieval only"
    assert "updates_256" in groups[variants.BATCH]
    assert ablation.table(variants.FORGETTING, groups[variants.FORGETTING], inputs).rows[1][4:6] == [None, None]
    for figure in (part for part in ablation.section(inputs).parts if isinstance(part, Figure)):
        figure.draw(tmp_path / f"{figure.name}.svg")
    drawn = {path.stem for path in tmp_path.glob("*.svg")}
    assert "ablation-batch" in drawn and "ablation-anti_forgetting" not in drawn


@pytest.mark.parametrize(
    ("bounds", "words"), [([-0.3, -0.1], "Yes"), ([0.1, 0.3], "reverse"), ([-0.1, 0.1], "Not seen")]
)
def test_the_open_question_is_answered_by_the_interval(bounds, words):
    value = {"partial": sum(bounds) / 2, "partial_interval": bounds}
    of_set = {"queries": 30, "correlations": {"ndcg_change": {"local_forgetting": value}}}
    assert words in answer(of_set)

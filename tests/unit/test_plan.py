"""The plan's figures against hand-computed ones, and its activation memory against the real model's."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from src.errors import UserError
from src.files import write_json, write_jsonl
from src.params import Params
from src.plan import stages
from src.plan.__main__ import hours, main
from src.plan.cost import Size, activation_bytes, encoder_size, forward_flops, of_config, state_bytes, training_flops
from src.plan.stages import Volume, evaluation_set, mean_length, training_set
from src.profile import profile_params
from src.recipe.stages import STAGES
from tests.beir import write_set
from tests.checkout import ROOT

GTE = Size(250_048, 768, 12, 3072)


@pytest.fixture
def paper(monkeypatch) -> Params:
    monkeypatch.chdir(ROOT)
    return profile_params("paper")


def test_parameters_of_gte_multilingual_base():
    assert GTE.parameters == pytest.approx(305.4e6, rel=1e-3)  # as published
    assert GTE.embedding_parameters == pytest.approx(192.0e6, rel=1e-3)
    assert GTE.layer_matrix_parameters * 12 == 113_246_208  # 12 × (4 × 768² + 3 × 768 × 3072)


def test_parameters_are_those_of_the_real_class():
    from transformers import GteConfig, GteModel

    model = GteModel(
        GteConfig(vocab_size=70, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24)
    )
    assert Size(70, 16, 2, 24).parameters == sum(weight.numel() for weight in model.parameters())


def test_frozen_layers_spare_their_backward():
    unit = 226_492_416 + 3_870_720  # 2 × 113,246,208 for the matrices, 4 × 105 × 768 × 12 for attention
    assert forward_flops(GTE, 1, 105) == unit
    assert training_flops(GTE, 1, 105, False, 0) == 3 * unit
    assert training_flops(GTE, 1, 105, True, 12) == pytest.approx(unit)
    assert training_flops(GTE, 1, 105, True, 6) == pytest.approx(2 * unit)
    assert training_flops(GTE, 1, 105, False, 6) == pytest.approx(2.5 * unit)


def test_what_fits_at_once_is_what_training_tries_first():
    from src.training import memory

    assert memory.AUTO_TOKENS["cpu"] == stages.AUTO_MINI_BATCH


def test_a_plan_needs_no_torch():
    command = "import sys; from src.plan.__main__ import main; main(['mini']); assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_memory_of_weights_and_moments():
    assert state_bytes(GTE, False, 0, half=False) == 16 * GTE.parameters
    assert state_bytes(GTE, True, 0, half=False) == 4 * GTE.parameters + 12 * 12 * GTE.layer_parameters
    assert state_bytes(GTE, False, 0, half=True) == 16 * GTE.parameters + 2 * 113_246_208


@pytest.mark.parametrize("half", [False, True])
def test_activation_memory_is_what_autograd_holds(half):
    import torch
    from transformers import GteConfig, GteModel

    size, texts, length = Size(50, 64, 3, 128), 64, 32
    config = GteConfig(
        vocab_size=50,
        hidden_size=64,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=128,
        hidden_dropout_prob=0.0,
    )
    model, held = GteModel(config), {}

    def keep(tensor):
        held[tensor.untyped_storage().data_ptr()] = tensor  # by storage: views count once
        return tensor

    cast = torch.autocast("cpu", torch.bfloat16) if half else contextlib.nullcontext()
    ids = torch.randint(5, 50, (texts, length))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), cast:
        model(input_ids=ids, attention_mask=torch.ones_like(ids))
    of_model = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    counted = sum(t.untyped_storage().nbytes() for pointer, t in held.items() if pointer not in of_model)
    assert activation_bytes(size, False, 0, half) * texts * length == pytest.approx(counted, rel=0.12)


def retrieval(params: Params, **changes) -> stages.StagePlan:
    """Retrieval training of a profile with some changes, on the rows of the paper."""
    params = params.model_copy(update={"train": params.train.model_copy(update=changes)})
    return stages.chain_stage(params, GTE, STAGES["retrieval"], Volume(920_106, (12, 93, 93), "x"))


def test_steps_and_tokens_of_the_paper(paper):
    plan = retrieval(paper)
    assert plan.steps == 899  # 920,106 / 1024, the last batch smaller; one epoch
    assert plan.batch_tokens == 1024 * 198
    assert plan.tokens == 920_106 * 198
    assert plan.forward == pytest.approx(forward_flops(GTE, plan.tokens, mean_length((12, 93, 93))))
    scores = 1024 * 2048 * 4 * 9  # scores, six gradients and two more, float32
    assert plan.memory(0) == state_bytes(GTE, True, 2, half=True) + scores


def test_a_step_of_no_epochs_is_not_planned(paper):
    params = paper.model_copy(update={"nli": paper.nli.model_copy(update={"epochs": 0})})
    assert list(stages.stages(params, GTE))[:3] == ["train_sts", "train_retrieval", "train_colbert"]


def test_hours_count_a_second_encoding_where_the_batch_does_not_fit(paper):
    plan, speed = retrieval(paper), 0.4 * 312e12
    assert hours(plan, "A100 40GB", speed) == pytest.approx((plan.flops + plan.forward) / speed / 3600)
    small = retrieval(paper, batch_size=64)
    assert hours(small, "A100 40GB", speed / 100) == pytest.approx(small.flops / speed * 100 / 3600)
    assert hours(retrieval(paper, mini_batch_tokens=200_000), "L4", speed) == float("inf")


def write_prepared(folder: Path, name: str, rows: list[dict[str, str]]) -> None:
    """Rows as stage prepare leaves them."""
    write_jsonl(folder / "train.jsonl", rows)
    facts = {"source": "here", "licence": "CC0-1.0", "synthetic": True}
    write_json(folder / "card.json", {"name": name, **facts, "files": {}, "splits": {}, "words": {}})


def test_prepared_data_are_counted_and_those_of_another_name_are_not(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"anchor": f"soru {n} nedir", "positive": "bir " * 9 + str(n)} for n in range(7)]
    write_prepared(Path("data/prepared/retrieval"), paper.data.retrieval.name, rows)
    assert training_set(paper, "retrieval") == (7, (round(3 * 1.7 + 2, 1), 19.0), "counted")
    write_prepared(Path("data/prepared/retrieval"), "another", rows)
    assert training_set(paper, "retrieval").source == "assumed"


def test_an_evaluation_set_is_counted_under_its_protocol(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    documents, queries = {f"d{n}": "bir iki" for n in range(5)}, {f"q{n}": "bir" for n in range(3)}
    name = next(iter(paper.eval.sets))
    write_set(Path("data/prepared") / name, documents, queries, [(f"q{n}", "d1", 1) for n in range(3)])
    volume = evaluation_set(name, paper)  # five documents of two words, three queries of one
    assert (volume.rows, volume.tokens, volume.source) == (8, (round(13 / 8 * 1.7 + 2, 1),), "counted")


def test_sizes_of_other_encoders(paper, tmp_path):
    assert encoder_size(paper.base_model) == GTE
    bert = {"model_type": "bert", "vocab_size": 9, "hidden_size": 8, "num_hidden_layers": 1, "intermediate_size": 16}
    assert of_config(bert | {"max_position_embeddings": 12}) == Size(9, 8, 1, 16, gated=False, positions=12)
    (tmp_path / "config.json").write_text(json.dumps(bert), encoding="utf-8")
    assert encoder_size(paper.base_model.model_copy(update={"source": str(tmp_path)})).layers == 1
    with pytest.raises(UserError, match="the size of 'who/knows' is not known without the Hub"):
        encoder_size(paper.base_model.model_copy(update={"source": "who/knows"}))


@pytest.mark.parametrize("name", ["paper", "files"])
def test_each_profile_has_a_plan(monkeypatch, capsys, name):
    monkeypatch.chdir(ROOT)
    main([name])
    printed = capsys.readouterr().out
    assert printed.startswith(f"Plan of {name}: ")
    for part in ("M parameters", "GiB, whole", "hours: 2 CPU cores", "DVC's cache", "together"):
        assert part in printed

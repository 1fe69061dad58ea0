"""The plan's figures against hand-computed ones, and its activation memory against the real model's."""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.files import write_json, write_jsonl
from src.params import Params
from src.plan import stages
from src.plan.__main__ import GIB, hours, main, room
from src.plan.__main__ import stages as planned
from src.plan.cost import Size, activation_bytes, encoder_size, forward_flops, of_config, state_bytes, training_flops
from src.plan.stages import Planner, mean_length
from src.plan.volume import Volume, evaluation_set, training_set, unrelated
from src.profile import profile_params
from src.recipe.stages import STAGES
from tests.beir import write_set
from tests.checkout import ROOT

GTE = Size(250_048, 768, 12, 3072)
RETRIEVAL = STAGES["retrieval"]


@pytest.fixture
def paper(monkeypatch) -> Params:
    monkeypatch.chdir(ROOT)
    return profile_params("paper")


def with_step(params: Params, **changes) -> Planner:
    return Planner(params.model_copy(update={"train": params.train.model_copy(update=changes)}), GTE)


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


def test_from_kept_outputs_frozen_layers_see_every_distinct_text_once(paper):
    frozen = {"freeze_embeddings": True, "freeze_layers": 6, "epochs": 3.0}
    texts = np.array([[0, 1], [0, 2], [3, 4], [5, 4]])  # six texts, of which two stand in two rows
    volume = Volume((10.0, 10.0), texts, "x")
    plan = with_step(paper, **frozen, frozen_cache="fp16").chain_stage(RETRIEVAL, volume)
    read, distinct = 3 * 4 * 20, 6 * 10
    assert plan.tokens == read
    assert plan.forward == pytest.approx(forward_flops(GTE, read, 10, 6))
    assert plan.flops == pytest.approx(3 * forward_flops(GTE, read, 10, 6) + forward_flops(GTE, distinct, 10, 6))
    assert plan.disk == pytest.approx(2 * 768 * distinct)
    without = with_step(paper, **frozen, frozen_cache="none").chain_stage(RETRIEVAL, volume)
    assert without.flops == pytest.approx(training_flops(GTE, read, 10, True, 6)) and without.disk == 0
    frozen["epochs"] = 1.0
    once = with_step(paper, **frozen, frozen_cache="fp16").chain_stage(RETRIEVAL, unrelated(8, (10.0, 10.0), "x"))
    assert once.disk == 0, "a token is read once: no use"


def test_what_training_decides_is_decided_alike():
    from src.training import frozen, memory

    assert memory.AUTO_TOKENS["cpu"] == stages.AUTO_MINI_BATCH
    assert stages.LEAST_USES == frozen._LEAST_USES


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


def test_steps_and_tokens_of_the_paper(paper):
    plan = Planner(paper, GTE).chain_stage(RETRIEVAL, unrelated(920_106, (12, 93, 93), "x"))
    assert plan.steps == 899  # 920,106 / 1024, the last batch smaller; one epoch
    assert plan.batch_tokens == 1024 * 198
    assert plan.tokens == 920_106 * 198
    assert plan.forward == pytest.approx(forward_flops(GTE, plan.tokens, mean_length((12, 93, 93))))
    scores = 1024 * 2048 * 4 * 9  # scores, six gradients and two more, float32
    assert plan.memory(0) == state_bytes(GTE, True, 2, half=True) + scores


def test_a_step_of_no_epochs_is_not_planned(paper):
    params = paper.model_copy(update={"nli": paper.nli.model_copy(update={"epochs": 0})})
    plans = planned(Planner(params, GTE), dict.fromkeys(STAGES, unrelated(2000, (9.0, 9.0), "x")), {})
    assert [plan.name for plan in plans] == ["train_sts", "train_retrieval", "train_colbert"]


def test_room_and_hours(paper):
    planner, volume = Planner(paper, GTE), unrelated(920_106, (12, 93, 93), "x")
    plan = planner.chain_stage(RETRIEVAL, volume)
    of_batch = plan.memory(plan.batch_tokens) - plan.memory(0)
    kept = (0.95 * 40 * GIB - 1.5 * GIB - plan.memory(0)) / of_batch
    assert plan.kept_share(room("A100 40GB")) == pytest.approx(kept) and 0 < kept < 1
    operations = plan.flops + (1 - kept) * plan.forward
    assert hours(plan, "A100 40GB", planner) == pytest.approx(operations / (0.4 * 312e12) / 3600)
    large = with_step(paper, mini_batch_tokens=200_000).chain_stage(RETRIEVAL, volume)
    assert hours(large, "L4", planner) == float("inf")


def write_prepared(folder: Path, name: str, rows: list[dict[str, str]]) -> None:
    """Rows as stage prepare leaves them."""
    write_jsonl(folder / "train.jsonl", rows)
    facts = {"source": "here", "licence": "CC0-1.0", "synthetic": True}
    write_json(folder / "card.json", {"name": name, **facts, "files": {}, "splits": {}, "words": {}})


def test_prepared_data_are_counted_and_those_of_another_name_are_not(paper, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"anchor": f"soru {n} nedir", "positive": "bir " * 9 + str(n)} for n in range(7)]
    write_prepared(Path("data/prepared/retrieval"), paper.data.retrieval.name, rows)
    assert training_set(paper, "retrieval")[::2] == ((round(3 * 1.7 + 2, 1), 19.0), "counted")
    assert training_set(paper, "retrieval").rows == 7
    write_prepared(Path("data/prepared/retrieval"), "another", rows)
    assert training_set(paper, "retrieval").source == "assumed"


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30)), min_size=4, max_size=40, unique=True),
    st.fixed_dictionaries(
        {
            "batch_size": st.integers(2, 4),
            "epochs": st.integers(1, 3),
            "false_negatives": st.sampled_from(["keep", "mask"]),
            "loss": st.just("mnrl"),
        }
    ),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
def test_the_steps_are_those_that_training_makes(paper, tmp_path, monkeypatch, pairs, changes):
    from src.model.prompts import Prompts
    from src.training.dataset import RANKED, read_rows
    from src.training.losses import loss_of

    monkeypatch.chdir(tmp_path)
    folder, planner = Path("data/prepared/retrieval"), with_step(paper, **changes)
    pairs = [{"anchor": f"soru {query}", "positive": f"yanıt {document}"} for query, document in pairs]
    write_prepared(folder, paper.data.retrieval.name, pairs)
    step, rows = planner.params.train, read_rows(folder / "train.jsonl", RANKED, Prompts())
    trained = len(list(loss_of(step).plan(rows.same, step.batch_size, step.epochs, paper.seed)))
    assert planner.chain_stage(RETRIEVAL, training_set(paper, "retrieval")).steps == trained


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


@pytest.mark.parametrize("name", ["paper", "small", "files", "e5", "mini"])
def test_each_profile_has_a_plan(monkeypatch, capsys, name):
    monkeypatch.chdir(ROOT)
    main([name])
    printed = capsys.readouterr().out
    assert printed.startswith(f"Plan of {name}: ")
    for part in ("M parameters", "GiB, whole", "hours: 2 CPU cores", "DVC's cache", "together"):
        assert part in printed

"""The plan's figures against hand-computed ones, and its activation memory against the real model's."""

import contextlib
import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.params import Params
from src.plan import stages
from src.plan.__main__ import GIB, hints, hours, main, room, table
from src.plan.cost import Size, activation_bytes, encoder_size, forward_flops, of_config, state_bytes, training_flops
from src.plan.stages import chain_stage, mean_length
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


def test_arithmetic_of_a_token_at_length_105():
    # 2 × 113,246,208 for the matrices, 4 × 105 × 768 × 12 for attention
    assert forward_flops(GTE, 1, 105) == 226_492_416 + 3_870_720
    assert training_flops(GTE, 1, 105, False, 0) == 3 * (226_492_416 + 3_870_720)


def test_frozen_layers_spare_their_backward():
    unit = forward_flops(GTE, 1, 105)
    assert training_flops(GTE, 1, 105, True, 12) == pytest.approx(unit)
    assert training_flops(GTE, 1, 105, True, 6) == pytest.approx(2 * unit)
    assert training_flops(GTE, 1, 105, False, 6) == pytest.approx(2.5 * unit)


def with_cache(params: Params, **changes) -> Params:
    step = {"freeze_embeddings": True, "freeze_layers": 6, "frozen_cache": "fp16", "epochs": 3.0, **changes}
    return params.model_copy(update={"train": params.train.model_copy(update=step)})


def test_from_kept_outputs_frozen_layers_see_every_distinct_text_once(paper):
    texts = np.array([[0, 1], [0, 2], [3, 4], [5, 4]])  # six texts, of which two stand in two rows
    volume = Volume((10.0, 10.0), texts, "x")
    plan = chain_stage(RETRIEVAL, volume, GTE, with_cache(paper))
    read, distinct = 3 * 4 * 20, 6 * 10
    assert (plan.tokens, plan.distinct_tokens) == (read, distinct)
    assert plan.forward == pytest.approx(forward_flops(GTE, read, 10, 6))
    assert plan.flops == pytest.approx(3 * forward_flops(GTE, read, 10, 6) + forward_flops(GTE, distinct, 10, 6))
    assert plan.disk == 2 * 768 * distinct
    without = chain_stage(RETRIEVAL, volume, GTE, with_cache(paper, frozen_cache="none"))
    assert without.flops == pytest.approx(training_flops(GTE, read, 10, True, 6)) and without.disk == 0
    once = unrelated(8, (10.0, 10.0), "x")
    assert chain_stage(RETRIEVAL, once, GTE, with_cache(paper, epochs=1.0)).disk == 0, "a token is read once: no use"


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
    plan = chain_stage(RETRIEVAL, unrelated(920_106, (12, 93, 93), "x"), GTE, paper)
    assert plan.steps == 899  # 920,106 / 1024, the last batch smaller; one epoch
    assert plan.batch_tokens == 1024 * 198
    assert plan.tokens == 920_106 * 198
    assert plan.forward == pytest.approx(forward_flops(GTE, plan.tokens, mean_length((12, 93, 93))))
    scores = 1024 * 2048 * 4 * 9  # scores, six gradients and two more, float32
    assert plan.memory(0) == state_bytes(GTE, True, 2, half=True) + scores


def test_mean_length_weighs_texts_by_their_tokens():
    assert mean_length((10, 30)) == 25.0


def test_texts_are_cut():
    volume = unrelated(100, (500, 12), "x")
    assert (volume.rows, volume.texts.shape, volume.cut(256).tokens) == (100, (100, 2), (256, 12))


def test_room_hours_and_hints(paper):
    plan = chain_stage(RETRIEVAL, unrelated(920_106, (12, 93, 93), "x"), GTE, paper)
    of_batch = plan.memory(plan.batch_tokens) - plan.memory(0)
    kept = (0.95 * 40 * GIB - 1.5 * GIB - plan.memory(0)) / of_batch
    assert plan.kept_share(room("A100 40GB")) == pytest.approx(kept) and 0 < kept < 1
    operations = plan.flops + (1 - kept) * plan.forward
    assert hours(plan, "A100 40GB") == pytest.approx(operations / (0.4 * 312e12) / 3600)
    assert list(hints([plan])) == []
    large = paper.model_copy(update={"train": paper.train.model_copy(update={"mini_batch_tokens": 200_000})})
    plan = chain_stage(RETRIEVAL, unrelated(920_106, (12, 93, 93), "x"), GTE, large)
    assert hours(plan, "L4") == float("inf")
    assert next(iter(hints([plan]))).startswith("train_retrieval does not fit L4: train.mini_batch_tokens (")


KINDS_OF_FILE = ("train.jsonl", "train.csv", "train.tsv", "train.parquet", "train.jsonl.gz")


def write_pairs(folder: Path, name: str, pairs: list[tuple[str, str]]) -> None:
    """Retrieval pairs as a file of any kind, as a user brings them."""
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir(parents=True)
    if name.endswith(".parquet"):
        anchors, positives = zip(*pairs, strict=True)
        parquet.write_table(pa.table({"anchor": anchors, "positive": positives}), folder / name)
        return
    mark = "," if ".csv" in name else "\t"
    lines = [json.dumps({"anchor": anchor, "positive": positive}) for anchor, positive in pairs]
    if ".jsonl" not in name:
        lines = [mark.join(row) for row in [("anchor", "positive"), *pairs]]
    text = "\n".join(lines).encode()
    (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)


def own_data(paper: Params, folder: Path) -> Params:
    """Params that train on the pairs in a folder."""
    data = paper.data.model_copy(
        update={
            "retrieval": paper.data.retrieval.model_copy(
                update={"path": str(folder), "max_rows": None, "dev_rows": 0, "files": []}
            )
        }
    )
    prepare = paper.prepare.model_copy(update={"leakage": "keep"})
    return paper.model_copy(update={"data": data, "prepare": prepare})


@pytest.mark.parametrize("name", KINDS_OF_FILE)
def test_own_data_of_every_kind_is_counted(paper, tmp_path, name):
    write_pairs(tmp_path / "own", name, [(f"soru {n} nedir", "bir " * 9 + str(n)) for n in range(7)])
    volume = training_set(own_data(paper, tmp_path / "own"), "retrieval")
    assert volume is not None
    assert (volume.rows, volume.tokens, volume.source) == (7, (round(3 * 1.7 + 2, 1), 19.0), "counted")


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
def test_the_steps_are_those_that_training_makes(paper, tmp_path_factory, pairs, changes):
    from src.model.prompts import Prompts
    from src.training.dataset import RANKED, read_rows
    from src.training.losses import loss_of

    folder = tmp_path_factory.mktemp("data")
    write_pairs(folder / "own", "train.csv", [(f"soru {query}", f"yanıt {document}") for query, document in pairs])
    write_pairs(
        folder / "prepared", "train.jsonl", [(f"soru {query}", f"yanıt {document}") for query, document in pairs]
    )
    params = own_data(paper, folder / "own")
    step = params.train.model_copy(update=changes)
    volume = training_set(params, "retrieval")
    rows = read_rows(folder / "prepared" / "train.jsonl", RANKED, Prompts())
    trained = len(list(loss_of(step).plan(rows.same, step.batch_size, step.epochs, params.seed)))
    assert volume is not None
    assert chain_stage(RETRIEVAL, volume, GTE, params.model_copy(update={"train": step})).steps == trained


def test_an_evaluation_set_is_counted_under_its_protocol(paper, tmp_path):
    documents, queries = {f"d{n}": "bir iki" for n in range(5)}, {f"q{n}": "bir" for n in range(3)}
    write_set(tmp_path, documents, queries, [("q0", "d1", 1)])
    item = next(iter(paper.eval.sets.values())).model_copy(update={"path": str(tmp_path), "protocol": "full"})
    volume = evaluation_set(item, paper)
    assert volume is not None  # five documents of two words, one query of one
    assert (volume.rows, volume.tokens, volume.source) == (6, (round(11 / 6 * 1.7 + 2, 1),), "counted")


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


def test_an_unknown_profile_is_refused(monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match="no profile 'gigantic'"):
        main(["gigantic"])


def test_columns_stand_under_each_other():
    assert table([("a", "b"), ("long", "1"), ("x", "200")]) == "a       b\nlong    1\nx     200\n"

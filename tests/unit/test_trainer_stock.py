"""A whole run of ours against sentence-transformers' trainer: the same losses, learning rates and final weights."""

import json
from pathlib import Path

import pytest
import torch

from src.params import load_params

ROOT = Path(__file__).parents[2]
ROWS, EPOCHS = 24, 4


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A tiny encoder whose texts differ from the start, and pairs that fit one batch."""
    from bench.common import build_gte
    from src.training.encoder import load_encoder

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    texts = [f"bir cümle {n} " + "uzun " * (n % 11) for n in range(2 * ROWS)]
    size = {"vocab_size": 150, "hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_length": 32}
    model = load_encoder(build_gte(tmp_path / "plain", texts, size))
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(str(tmp_path / "base"), create_model_card=False)
    rows = [{"anchor": texts[n], "positive": texts[n + ROWS]} for n in range(ROWS)]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def step_params(**changes):
    step = load_params(ROOT / "params.yaml").train
    small = {"dims": [16, 8], "batch_size": ROWS, "epochs": EPOCHS, "max_length": 32, "learning_rate": 3e-3}
    return step.model_copy(update=small | {"mini_batch_tokens": 100} | changes)


def our_run(folder, step, earlier=None):
    from src.training.run import StageFiles, train_stage

    runtime = load_params(ROOT / "params.yaml").runtime
    files = StageFiles(
        "test", folder / "train.jsonl", folder / "base", folder / "out", folder / "c.csv", folder / "log"
    )
    train_stage(files, step, runtime, 1, earlier)
    lines = (folder / "c.csv").read_text(encoding="utf-8").splitlines()[1:]
    return [[float(value) for value in line.split(",")] for line in lines], load(folder / "out")


def load(folder):
    """The transformer's parameters by their names in the model; files may name and pack them otherwise."""
    from src.training.encoder import load_encoder

    return dict(load_encoder(folder)[0].auto_model.state_dict())


def stock_run(folder, step):
    from datasets import Dataset
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer import losses

    from src.files import read_jsonl
    from src.training.encoder import load_encoder

    model = load_encoder(folder / "base")
    model.model_card_data.generate_widget_examples = False
    loss = losses.MatryoshkaLoss(model, losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=7), step.dims)
    settings = SentenceTransformerTrainingArguments(
        output_dir=str(folder / "stock"),
        num_train_epochs=EPOCHS,
        per_device_train_batch_size=ROWS,
        learning_rate=step.learning_rate,
        weight_decay=step.weight_decay,
        optim="adamw_torch_fused",
        use_cpu=True,
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
        report_to=[],
    )
    rows = Dataset.from_list(list(read_jsonl(folder / "train.jsonl")))
    trainer = SentenceTransformerTrainer(model, settings, train_dataset=rows, loss=loss)
    trainer.train()
    logs = [log for log in trainer.state.log_history if "grad_norm" in log]
    return [[log["loss"], log["learning_rate"], log["grad_norm"]] for log in logs], model[0].auto_model.state_dict()


def test_a_run_is_the_stock_trainers_run(folder):
    step = step_params(warmup_ratio=0.0, learning_rate=5e-3)  # the stock trainer's warm-up begins at zero
    ours, weights = our_run(folder, step)
    theirs, other = stock_run(folder, step)
    assert len(ours) == len(theirs) == EPOCHS
    for one, two in zip(ours, theirs, strict=True):
        assert one[2:] == pytest.approx(two, rel=1e-3, abs=1e-6)
    assert ours[-1][2] < 0.95 * ours[0][2], "training lowers the loss"
    start = load(folder / "base")
    for name, value in other.items():
        if not name.endswith("k_proj.bias"):  # attention does not depend on it: its gradient is rounding alone
            moved = float((value - start[name]).norm())
            assert float((weights[name] - value).norm()) <= 0.02 * moved + 1e-6, name


def test_frozen_parts_stay_as_they_were(folder):
    _, weights = our_run(folder, step_params(freeze_embeddings=True, freeze_layers=1))
    start = load(folder / "base")
    unmoved = {name for name in start if torch.equal(start[name], weights[name])}
    assert len(below := {name for name in start if name.startswith("embeddings.")}) > 1 and below <= unmoved
    assert len(first := {name for name in start if name.startswith("layers.0.")}) > 5 and first <= unmoved
    assert not any(name.startswith("layers.1.") for name in unmoved)


@pytest.mark.parametrize(
    ("more", "files"),
    [
        ({}, 1),
        ({"dev_steps": 1}, 2),
        ({"anti_forgetting": {"replay_share": 0.5, "replay_sets": ["nli"], "distillation_weight": 1.0}}, 2),
    ],
    ids=["alone", "dev split", "replay and teacher"],
)
def test_a_run_above_kept_outputs_is_the_run_without(folder, more, files):
    given = (folder / "train.jsonl").read_text(encoding="utf-8")
    for name, rows in (("dev", given), ("other", given.replace("cümle", "tümce"))):
        (folder / f"{name}.jsonl").write_text("".join(rows.splitlines(keepends=True)[: ROWS // 2]), encoding="utf-8")
    step = step_params(freeze_embeddings=True, freeze_layers=1)
    step = type(step).model_validate(step.model_dump() | more | {"anti_forgetting": forgetting(more)})
    earlier = {"nli": (folder / "other.jsonl", step)}
    plain, weights = our_run(folder, step, earlier)
    ours, kept = our_run(folder, step.model_copy(update={"frozen_cache": "fp32"}), earlier)
    assert len(list((folder / ".cache/frozen").iterdir())) == files
    assert len(ours) == EPOCHS and all(
        one == pytest.approx(two, rel=1e-4) for one, two in zip(ours, plain, strict=True)
    )
    for name, value in weights.items():
        torch.testing.assert_close(kept[name], value, rtol=1e-3, atol=1e-5)


def forgetting(more):
    return step_params().anti_forgetting.model_dump() | more.get("anti_forgetting", {})


def test_bf16_trains_float32_weights(folder):
    from src.training.run import StageFiles, train_stage

    runtime = load_params(ROOT / "params.yaml").runtime.model_copy(update={"precision": "bf16"})
    files = StageFiles(
        "test", folder / "train.jsonl", folder / "base", folder / "out", folder / "c.csv", folder / "log"
    )
    train_stage(files, step_params(), runtime, seed=1)
    from safetensors.torch import load_file

    assert {value.dtype for value in load_file(folder / "out" / "model.safetensors").values()} == {torch.float32}


def test_the_best_weights_on_dev_are_kept(folder, monkeypatch):
    from src.training.dev import BestOnDev

    _, final = our_run(folder, step_params())
    losses, weights = [], []

    def measure(self, step, model, loss_of, original=BestOnDev.measure):
        original(self, step, model, loss_of)
        losses.append(float(loss_of(self.batches[0])))
        weights.append(model[0].auto_model.layers[0].mlp.up_proj.weight.detach().clone())

    monkeypatch.setattr(BestOnDev, "measure", measure)
    rows = [{"anchor": f"bir cümle {n}", "positive": f"uzun cümle {n + 3}"} for n in range(9)]
    (folder / "dev.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    _, kept = our_run(folder, step_params(dev_steps=1))
    assert len(losses) == EPOCHS
    best = losses.index(min(losses))
    assert torch.equal(kept["layers.0.mlp.up_proj.weight"], weights[best])
    assert torch.equal(final["layers.0.mlp.up_proj.weight"], weights[-1]), "measuring changes nothing"


def test_a_gradient_that_is_no_number_names_step_and_rows(folder, monkeypatch):
    from src.errors import UserError
    from src.training import distributed

    monkeypatch.setattr(distributed, "sum_gradients", lambda model: next(model.parameters()).grad.fill_(torch.inf))
    where = r"look at rows \d+, .* of .*train\.jsonl"
    with pytest.raises(UserError, match=f"test: stopped at step 1: the gradient's norm is (inf|nan); .*{where}"):
        our_run(folder, step_params())
    assert not (folder / "out").exists()


def test_a_dev_split_that_is_not_there_is_one_line(folder):
    from src.errors import UserError

    with pytest.raises(UserError, match="no such file; dev_steps 5 needs a dev split"):
        our_run(folder, step_params(dev_steps=5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 25}, "test: batch_size 25 is larger than the 24 rows of"),
        ({"dims": [32, 8]}, "test: dims 32 is more than the 16 dimensions of the model"),
        ({"max_length": 64}, "test: max_length 64 is more than the 32 positions of the model"),
        ({"freeze_layers": 3}, "test: freeze_layers 3 is more than the 2 layers of the model"),
    ],
)
def test_params_that_do_not_fit_are_one_line(folder, changes, message):
    from src.errors import UserError

    with pytest.raises(UserError, match=message):
        our_run(folder, step_params(**changes))
    assert not (folder / "out").exists()


def test_no_model_is_one_line(tmp_path):
    from src.errors import UserError
    from src.training.encoder import load_encoder

    with pytest.raises(UserError, match=r"modules\.json is missing"):
        load_encoder(tmp_path)

"""A whole run of ours against sentence-transformers' trainer: the same losses, learning rates and final weights."""

import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file
from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer import losses

from src.errors import UserError
from src.files import read_jsonl, write_jsonl
from src.params.schema import AntiForgettingParams
from src.training.dev import BestOnDev
from src.training.encoder import load_encoder
from src.training.run import StageFiles, train_stage
from tests import forks
from tests.encoders import curve_of, moved_alike, spread_gte, weights_of

ROWS, EPOCHS = 24, 4
REPLAY = {"replay_share": 0.5, "replay_sets": ["nli"]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A tiny encoder, and pairs that fit one batch."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    texts = [f"bir cümle {n} " + "uzun " * (n % 11) for n in range(2 * ROWS)]
    torch.manual_seed(0)  # its weights are drawn
    spread_gte(tmp_path / "base", texts, vocab_size=150)
    write_jsonl(tmp_path / "train.jsonl", [{"anchor": texts[n], "positive": texts[n + ROWS]} for n in range(ROWS)])
    return tmp_path


def step_params(**changes):
    small = {"dims": [16, 8], "batch_size": ROWS, "epochs": EPOCHS, "max_length": 32, "learning_rate": 3e-3}
    return forks.PARAMS.train.model_copy(update=small | {"mini_batch_tokens": 100} | changes)


def our_run(folder, step, earlier=None, **runtime):
    names = ("train.jsonl", "base", "out", "c.csv", "log")
    files = StageFiles("test", *(folder / name for name in names))
    train_stage(files, step, forks.RUNTIME.model_copy(update=runtime), 1, earlier)
    return curve_of(folder / "c.csv"), weights_of(folder / "out")


def stock_run(folder, step):
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
    assert moved_alike(weights_of(folder / "base"), dict(other), weights)


def test_frozen_parts_stay_as_they_were(folder):
    _, weights = our_run(folder, step_params(freeze_embeddings=True, freeze_layers=1))
    start = weights_of(folder / "base")
    unmoved = {name for name in start if torch.equal(start[name], weights[name])}
    assert len(below := {name for name in start if name.startswith("embeddings.")}) > 1 and below <= unmoved
    assert len(first := {name for name in start if name.startswith("layers.0.")}) > 5 and first <= unmoved
    assert not any(name.startswith("layers.1.") for name in unmoved)


@pytest.mark.parametrize(
    ("more", "files"),
    [
        ({}, 1),
        ({"dev_steps": 1}, 2),
        ({"anti_forgetting": AntiForgettingParams(**REPLAY, distillation_weight=1.0, interpolation=1.0)}, 2),
    ],
    ids=["alone", "dev split", "replay and teacher"],
)
def test_a_run_above_kept_outputs_is_the_run_without(folder, more, files):
    rows = (folder / "train.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[: ROWS // 2]
    (folder / "dev.jsonl").write_text("".join(rows), encoding="utf-8")
    (folder / "other.jsonl").write_text("".join(rows).replace("cümle", "tümce"), encoding="utf-8")
    step = step_params(freeze_embeddings=True, freeze_layers=1, **more)
    earlier = {"nli": (folder / "other.jsonl", step)}
    plain, weights = our_run(folder, step, earlier)
    ours, kept = our_run(folder, step.model_copy(update={"frozen_cache": "fp32"}), earlier)
    assert len(list((folder / ".cache/frozen").iterdir())) == files
    assert len(ours) == EPOCHS
    for one, two in zip(ours, plain, strict=True):
        assert one == pytest.approx(two, rel=1e-4)
    for name, value in weights.items():
        torch.testing.assert_close(kept[name], value, rtol=1e-3, atol=1e-5)


def test_bf16_trains_float32_weights(folder):
    our_run(folder, step_params(), precision="bf16")
    assert {value.dtype for value in load_file(folder / "out" / "model.safetensors").values()} == {torch.float32}


def test_the_best_weights_on_dev_are_kept(folder, monkeypatch):
    _, final = our_run(folder, step_params())
    measured, weights = [], []

    def measure(self, step, model, loss_of, original=BestOnDev.measure):
        original(self, step, model, loss_of)
        measured.append(self.measured[-1][1])
        weights.append(model[0].auto_model.layers[0].mlp.up_proj.weight.detach().clone())

    monkeypatch.setattr(BestOnDev, "measure", measure)
    rows = [{"anchor": f"bir cümle {n}", "positive": f"uzun cümle {n + 3}"} for n in range(9)]
    write_jsonl(folder / "dev.jsonl", rows)
    curve, kept = our_run(folder, step_params(dev_steps=1))
    assert len(measured) == EPOCHS
    best = measured.index(min(measured))
    assert torch.equal(kept["layers.0.mlp.up_proj.weight"], weights[best])
    assert torch.equal(final["layers.0.mlp.up_proj.weight"], weights[-1]), "measuring changes nothing"
    assert [point[-1] for point in curve] == pytest.approx(measured, rel=1e-5)


@pytest.mark.parametrize(
    ("target", "replacement", "fault"),
    [
        ("encoding.GradientCache.forward", lambda *_: torch.full((2 * ROWS, 16), torch.nan), "the loss is nan"),
        ("distributed.sum_gradients", lambda m: next(m.parameters()).grad.fill_(torch.inf), "the gradient's norm is"),
    ],
)
def test_a_loss_or_gradient_that_is_no_number_names_step_and_rows(folder, monkeypatch, target, replacement, fault):
    monkeypatch.setattr(f"src.training.{target}", replacement)
    with pytest.raises(UserError, match=rf"test: stopped at step 1: {fault}.* look at rows \d+, .* of .*train\.jsonl"):
        our_run(folder, step_params())
    assert not (folder / "out").exists()


def test_a_dev_split_that_is_not_there_is_one_line(folder):
    with pytest.raises(UserError, match="no such file; dev_steps 5 needs a dev split"):
        our_run(folder, step_params(dev_steps=5))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 25}, "test: batch_size 25 is larger than the 24 rows of"),
        ({"freeze_layers": 3}, "test: freeze_layers 3 is more than the 2 layers of the model"),
    ],
)
def test_params_that_do_not_fit_are_one_line(folder, changes, message):
    with pytest.raises(UserError, match=message):
        our_run(folder, step_params(**changes))
    assert not (folder / "out").exists()

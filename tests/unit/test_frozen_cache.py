"""The cache of frozen layers' outputs: the same losses and gradients, a key of content, a limit on the disk."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, models
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

from src.errors import UserError
from src.model.encoder import quiet
from src.params import load_params
from src.training import frozen
from src.training.distillation import teacher_embeddings
from src.training.frozen import FrozenOutputs, FrozenPart
from src.training.losses import Ranking
from src.training.matryoshka import Matryoshka
from src.training.step import CachedStep
from src.training.tasks import TaskBatches
from tests.checkout import ROOT
from tests.tasks import pairs, rows_of, task_of, tokens_of

PAIRS, LAYERS, WORDS = 20, 3, 60
SIZE = {
    "vocab_size": WORDS,
    "hidden_size": 16,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "pad_token_id": 1,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
MODERN = {"bos_token_id": 0, "eos_token_id": 2, "cls_token_id": 0, "sep_token_id": 2, "global_attn_every_n_layers": 2}
LAYOUTS = {"bert": {}, "xlm-roberta": {}, "gte": {}, "modernbert": MODERN}


def encoder(folder, layout="xlm-roberta", pooling="mean"):
    """A tiny encoder with random weights whose embeddings and first two layers are frozen."""
    quiet()
    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.for_model(layout, **SIZE, **LAYOUTS[layout])).save_pretrained(folder)
    words = {word: number for number, word in enumerate(["<s>", "<pad>", "</s>", *map(str, range(3, WORDS))])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="3"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="3").save_pretrained(folder)
    model = SentenceTransformer(
        modules=[Transformer(str(folder)), Pooling(SIZE["hidden_size"], pooling_mode=pooling)], device="cpu"
    )
    transformer = model[0].auto_model
    transformer.embeddings.requires_grad_(False)
    for layer in frozen.layers_of(transformer)[:2]:
        layer.requires_grad_(False)
    return model


@pytest.fixture
def task():
    """Pairs of texts of 3 to 14 random tokens."""
    tokens = tokens_of(np.random.default_rng(0).integers(3, 15, 2 * PAIRS), pad_id=1)
    return task_of(rows_of(pairs(PAIRS)), Ranking(Matryoshka.of([16, 8]), 0.1), tokens, PAIRS)


def keep(model, task, kind, epochs=2, log=None):
    """Attach the outputs of the model's frozen layers to a task; `log` gets the events."""
    params = load_params(ROOT / "params.yaml")
    stage = params.train.model_copy(update={"frozen_cache": kind})
    folder = Path(os.environ["DVC_ROOT"]) / "model"
    model[0].auto_model.save_pretrained(folder)
    log = ({} if log is None else log).update
    FrozenOutputs("test", stage, params.runtime, model, weights=folder, log=log).attach(task, epochs)


def step(model, task):
    """Loss and gradients of one step over all pairs."""
    model.zero_grad()
    step = CachedStep(model, TaskBatches([task], 40), keep_tokens=100)
    loss = step.run(task.batch(np.arange(PAIRS), 40))
    gradients = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    return float(loss), {name: gradient for name, gradient in gradients.items() if gradient.abs().max() > 1e-5}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


def cache_files(tmp_path):
    return sorted((tmp_path / ".cache/frozen").iterdir())


def test_training_teacher_and_dev_split_leave_the_frozen_layers_out(tmp_path, task, monkeypatch):
    model = encoder(tmp_path / "model")

    def vectors_and_loss():
        batches = TaskBatches([task], 40)
        vectors = teacher_embeddings(model, task.tokens, 40, torch.device("cpu"))
        return vectors, float(CachedStep(model, batches).evaluate(task.batch(np.arange(PAIRS), 40)))

    vectors, loss = vectors_and_loss()
    plain = task.tokens
    keep(model, task, "fp32")
    with monkeypatch.context() as patch:
        patch.setattr(model[0].auto_model.encoder.layer[0].attention, "forward", None)
        kept_vectors, kept_loss = vectors_and_loss()
        step(model, task)
    np.testing.assert_allclose(kept_vectors, vectors, atol=1e-6)
    assert kept_loss == pytest.approx(loss, rel=1e-6)
    task.tokens = plain
    assert np.array_equal(vectors_and_loss()[0], vectors), "afterwards the encoder is whole again"


@pytest.mark.parametrize(("kind", "tolerance"), [("fp32", 1e-6), ("fp16", 2e-3)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_loss_and_gradients_are_those_of_encoding_anew(layout, kind, tolerance, tmp_path, task):
    model = encoder(tmp_path / "model", layout)
    loss, gradients = step(model, task)
    keep(model, task, kind)
    assert task.tokens.states.dtype == frozen._TYPES[kind]
    kept_loss, kept = step(model, task)
    assert kept_loss == pytest.approx(loss, rel=tolerance)
    assert gradients.keys() == kept.keys() and len(gradients) >= 5
    for name, gradient in gradients.items():
        assert float((kept[name] - gradient).norm()) <= 10 * tolerance * float(gradient.norm()), name


def test_the_key_is_of_weights_texts_and_type(tmp_path, task):
    model, plain = encoder(tmp_path / "model"), task.tokens

    def files_after(kind="fp16"):
        task.tokens = plain
        keep(model, task, kind)
        return len(cache_files(tmp_path))

    transformer = model[0].auto_model
    assert files_after() == files_after() == 1
    with torch.no_grad():
        transformer.encoder.layer[2].output.dense.bias.add_(1.0)
    assert files_after() == 1, "a layer that is trained does not count"
    assert files_after("fp32") == 2
    plain.flat[0] = 3 + (plain.flat[0] + 1) % 5
    assert files_after() == 3
    with torch.no_grad():
        transformer.embeddings.LayerNorm.bias.add_(1.0)
    assert files_after() == 4


def test_outputs_that_are_there_are_not_computed_again(tmp_path, task, monkeypatch):
    model, plain = encoder(tmp_path / "model"), task.tokens
    keep(model, task, "fp16")
    states, task.tokens = task.tokens.states, plain
    monkeypatch.setattr(frozen, "fill", None)
    keep(model, task, "fp16", epochs=1)  # once there, they are used in any case
    assert np.array_equal(task.tokens.states, states)


def test_what_does_not_pay_is_one_line(tmp_path, task, capsys):
    log = {}
    model = encoder(tmp_path / "model")
    capsys.readouterr()
    keep(model, task, "fp16", epochs=1, log=log)
    line = capsys.readouterr().err
    why = "a token is read 1.0 times in this run; it pays from 1.5 times on"
    assert line == f"test: frozen_cache fp16 is not used for rows: {why}\n"
    assert task.tokens.states is None and log["frozen_cache"].startswith("a token is read 1.0 times")


def test_half_of_the_free_disk_is_the_limit_and_the_oldest_give_way(tmp_path, monkeypatch):
    where = tmp_path / "frozen"
    where.mkdir()
    for age, name in enumerate(["new", "old", "older"]):
        (where / f"{name}.npy").write_bytes(b"x" * 100)
        os.utime(where / f"{name}.npy", (1000 - age, 1000 - age))
    monkeypatch.setattr(frozen.shutil, "disk_usage", lambda _: type("usage", (), {"free": 300}))
    assert not frozen.make_room(where, 301) and len(list(where.iterdir())) == 3
    assert frozen.make_room(where, 150)
    assert [path.stem for path in where.iterdir()] == ["new"]


def test_dropout_is_refused(tmp_path, task):
    model = encoder(tmp_path / "model")
    model[0].auto_model.config.hidden_dropout_prob = 0.1
    with pytest.raises(UserError, match=r"test: frozen_cache needs base_model.dropout 0.0; .*hidden_dropout_prob"):
        keep(model, task, "fp16")


def test_what_16_bits_do_not_hold_is_refused(tmp_path, task):
    model = encoder(tmp_path / "model")
    with torch.no_grad():
        model[0].auto_model.encoder.layer[1].output.LayerNorm.bias.add_(1e5)
    with pytest.raises(UserError, match="frozen_cache: float16 does not hold an output .*; take fp32"):
        keep(model, task, "fp16")
    assert cache_files(tmp_path) == []


def test_an_encoder_without_frozen_embeddings_has_no_frozen_part(tmp_path):
    model = encoder(tmp_path / "model")
    assert len(FrozenPart(model).layers) == 2 and len(FrozenPart(model).above) == 1
    model[0].auto_model.embeddings.LayerNorm.requires_grad_(True)
    assert FrozenPart(model).layers == []

"""Stage base_model and loading: equal bytes on every run, float32, and refusals in one line."""

import shutil
from pathlib import Path

import pytest
import torch
from dvc.utils.serialize import dump_yaml

from src.errors import UserError
from src.files import read_json, read_yaml, sha256, write_json, write_jsonl
from src.model.encoder import layers_of, save_encoder
from src.model.load import load_encoder
from src.model.prompts import Prompts, prompts_of, read_prompts
from src.stages import base_model
from tests.checkout import ROOT
from tests.stages import run_stage

TEXTS = [
    f"{place} {number} yılında kurulan şehrin ışıkları söndü."
    for place in ("İzmir'de", "Ankara")
    for number in range(60)
]


def write_params(path: Path, **base) -> None:
    values = read_yaml(ROOT / "params.yaml")
    small = {"vocab_size": 120, "hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 32, "max_length": 24}
    values["base_model"] |= small | {"pooling": "cls", "source": "scratch"} | base
    values["base_model"]["mlm"] |= {"epochs": 1, "batch_size": 8, "max_length": 16}
    for block in ("nli", "sts", "train", "eval"):
        values[block]["dims"] = [16, 8]
    dump_yaml(path, values)


def write_inputs(path: Path) -> None:
    write_params(path / "params.yaml")
    write_jsonl(path / base_model.TEXT, [{"text": text} for text in TEXTS])


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The results of one run on the workspace's params and texts."""
    path = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        write_inputs(path)
        run_stage("base_model")
    return path


@pytest.fixture
def folder(made, workspace) -> Path:
    for name in ("models/base", base_model.CURVE.parent):
        shutil.copytree(made / name, workspace / name)
    return workspace / "models" / "base"


def changed(path: Path, **values) -> None:
    write_json(path, read_json(path) | values)


def checksums(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): sha256(path) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def mine(folder, workspace) -> Path:
    """A published encoder, which params name as the source."""
    shutil.copytree(folder, workspace / "mine")
    write_params(workspace / "params.yaml", source="mine")
    return workspace / "mine"


def test_two_runs_give_the_same_bytes_and_a_curve(folder, workspace):
    first, curve = checksums(folder), (workspace / base_model.CURVE).read_text(encoding="utf-8")
    run_stage("base_model")
    assert checksums(folder) == first
    assert (workspace / base_model.CURVE).read_text(encoding="utf-8") == curve
    assert curve.startswith("step,epoch,loss,learning_rate,grad_norm\n1,")
    assert not [name for name in first if name.endswith((".bin", ".pt", ".py"))]


def test_the_folder_is_cls_pooling_and_unit_vectors(folder):
    encoder = load_encoder(str(folder))
    vectors = encoder.encode(["İZMİR", "izmir", "ankara"], convert_to_tensor=True)
    assert vectors.dtype == torch.float32
    assert vectors.norm(dim=1) == pytest.approx(1.0, abs=1e-6)
    assert torch.equal(vectors[0], vectors[1])
    assert encoder[1].pooling_mode == "cls"
    assert encoder.similarity_fn_name == "cosine"
    assert (encoder.max_seq_length, load_encoder(str(folder), max_length=8).max_seq_length) == (24, 8)
    assert read_json(folder / "tokenizer_config.json")["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_mean_pooling_and_no_pretraining(workspace):
    write_params(workspace / "params.yaml", pooling="mean")
    values = read_yaml("params.yaml")
    values["base_model"]["mlm"]["epochs"] = 0
    dump_yaml(Path("params.yaml"), values)
    run_stage("base_model")
    assert load_encoder("models/base")[1].pooling_mode == "mean"
    assert base_model.CURVE.read_text(encoding="utf-8") == "step,epoch,loss,learning_rate,grad_norm\n"


def test_an_encoder_saved_again_has_the_same_bytes(folder, tmp_path):
    save_encoder(load_encoder(str(folder)), tmp_path / "again")
    assert checksums(tmp_path / "again") == checksums(folder)


@pytest.mark.parametrize(("rate", "expected"), [(0.25, 0.25), (None, 0.125)])
def test_dropout_of_a_published_encoder_is_that_of_params_or_its_own(mine, rate, expected):
    changed(mine / "config.json", hidden_dropout_prob=0.125)
    write_params(Path("params.yaml"), source="mine", dropout=rate)
    run_stage("base_model")
    transformer = load_encoder("models/base")[0].auto_model
    rates = {part.p for part in transformer.modules() if isinstance(part, torch.nn.Dropout)}
    assert transformer.config.hidden_dropout_prob == expected and expected in rates


def test_a_student_keeps_the_layers_that_params_name(folder, workspace):
    write_params(workspace / "params.yaml", layers=3)
    run_stage("base_model")
    shutil.copytree(folder, workspace / "mine")
    write_params(workspace / "params.yaml", source="mine", keep_layers=[1, 3])
    run_stage("base_model")
    whole, student = (layers_of(load_encoder(name)[0].auto_model) for name in ("mine", "models/base"))
    assert len(student) == 2
    for kept, layer in zip((whole[0], whole[2]), student, strict=True):
        weights = layer.state_dict()
        assert all(torch.equal(value, weights[name]) for name, value in kept.state_dict().items())
    write_params(workspace / "params.yaml", source="mine", keep_layers=[2, 4])
    with pytest.raises(UserError, match="keep_layers: 4, but the encoder has 3 layers"):
        run_stage("base_model")


def test_dimensions_larger_than_a_taken_encoder_are_refused(mine):
    text = Path("params.yaml").read_text(encoding="utf-8").replace("- 16\n", "- 32\n")
    Path("params.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"nli\.dims: 32 is larger than the 16 of mine"):
        run_stage("base_model")


def add_token(path: Path, number: int) -> None:
    content = read_json(path)
    content["model"]["vocab"]["yepyeni"] = number
    write_json(path, content)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: (f / "modules.json").unlink(), "no modules.json"),
        (lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"), "pickled weights"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\0" * 64), "cannot be loaded"),
        (lambda f: (f / "config.json").write_text("[]"), "config.json: a JSON list; expected an object"),
        (lambda f: changed(f / "tokenizer_config.json", pad_token=None), "the tokenizer has no padding token"),
        (lambda f: changed(f / "sentence_bert_config.json", max_seq_length=-5), "cannot be .* max_seq_length is -5"),
        (lambda f: add_token(f / "tokenizer.json", 5000), "token 5000 has no vector; the model has"),
        (lambda f: (f / "modules.json").write_text('[{"path": "", "type": "evil.Module"}]'), "which is not run"),
    ],
)
def test_what_would_load_wrongly_is_refused(folder, spoil, message):
    spoil(folder)
    with pytest.raises(UserError, match=message):
        load_encoder(str(folder))


def test_prompts_that_are_no_texts_by_name_are_refused(tmp_path):
    write_json(tmp_path / "config_sentence_transformers.json", {"prompts": {"query": 3}})
    with pytest.raises(UserError, match=r"config_sentence_transformers.json: prompts is .*; expected texts by name"):
        read_prompts(tmp_path)


def test_no_such_folder_and_no_network_is_one_line(monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="not .wholly. in the Hub cache; set runtime.offline to false"):
        load_encoder("nobody/nothing")
    with pytest.raises(UserError, match="no such folder"):
        load_encoder(str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("content", "message"), [("", "empty; the tokenizer needs text"), ('{"metin": "a"}\n', ":1: text is missing")]
)
def test_text_that_cannot_be_read_is_refused(workspace, content, message):
    base_model.TEXT.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        run_stage("base_model")
    assert not Path("models/base").exists()


def test_prompts_and_vectors_of_a_published_encoder_are_kept(mine):
    prompts = {"query": "soru: ", "document": "metin: "}
    changed(mine / "config_sentence_transformers.json", prompts=prompts)
    run_stage("base_model")
    encoder = load_encoder("models/base")
    assert {name: encoder.prompts[name] for name in prompts} == prompts
    assert (encoder.encode_query(["ışık"]) == load_encoder("mine").encode(["soru: ışık"])).all()


def test_prompts_of_params_come_in_place_of_what_the_encoder_declares(folder, workspace):
    write_params(workspace / "params.yaml", prompts="e5")
    run_stage("base_model")
    assert (
        read_prompts(Path("models/base")) == prompts_of(load_encoder("models/base")) == Prompts("query: ", "passage: ")
    )

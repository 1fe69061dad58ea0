"""params.yaml: every wrong value is named in one line, and the schema can only refuse."""

import copy
import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from src.errors import UserError
from src.files import read_yaml
from src.params import load_ablations, load_params, schema, variant
from src.params.load import validate
from src.recipe.stages import CHECKPOINTS
from src.recipe.systems import FORMS, HYBRIDS, LATE, LEXICAL, TOPICS, at_dim, is_own, quantised
from tests.checkout import ROOT

VALUES = read_yaml(ROOT / "params.yaml")
SET = next(iter(VALUES["eval"]["sets"].values()))
TAKEN = (*TOPICS, VALUES["data"]["sts"]["name"])
BASE = VALUES["base_model"] | {"source": "mine"}


def changed(key: str, value: object) -> dict:
    values = copy.deepcopy(VALUES)
    *blocks, last = key.split(".")
    block = values
    for name in blocks:
        block = block[name]
    block[last] = value
    return values


def test_the_committed_files_are_valid():
    params = load_params(ROOT / "params.yaml")
    assert params.train.batch_size == VALUES["train"]["batch_size"]
    assert load_ablations(params, ROOT / "ablations/params.yaml").reference == "full"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("train.batch_size", 0, "train.batch_size: 0 is not allowed: .*greater than or equal to 2"),
        ("train.epochs", 0, "train.epochs: 0 is not allowed"),
        ("train.batchsize", 512, "train.batchsize: no such key"),
        ("train.dims", [64, 128, 32, 16], "train: dims .* must be descending"),
        ("train.dims", [4096, 64], "train.dims 4096 is larger than base_model.hidden_size 128"),
        ("train.dim_weights", [1.0], "dim_weights has 1 values for 5 dims"),
        ("train.loss", "triplet", "train.loss: 'triplet' is not allowed: .*'mnrl' or 'cosent'"),
        ("base_model.heads", 3, "heads 3 does not fit hidden_size 128"),
        ("base_model.vocabulary", "trim", "vocabulary: trim is for a published encoder"),
        ("eval.sets", {}, "eval.sets"),
        ("eval.sets", {"faq.v2": {}}, "eval.sets.faq.v2: .*'faq.v2' is a key, and a dot in a key is a level to DVC"),
        ("eval.published", ["E5", "bge-m3", "e5"], "eval: published: 'e5' stands twice"),
        ("train.batch_size", 10**30, "train.batch_size: 10{30} is not allowed"),
        ("seed", 2**64, "seed: 18446744073709551616 is not allowed"),
        ("profile", "paper", r"profile: 'paper' changes nothing here; .*\$\(python -m src.profile paper\)"),
        ("eval.published", ["e5", "ColBERT-64"], "eval: published: 'ColBERT-64' is a row of the pipeline's own"),
        *((f"eval.sets.{name}", SET, f"eval.sets: '{name}' names another thing in reports/metrics") for name in TAKEN),
        ("eval.sets.STS", SET, "sets: 'STS' is the name of a training set"),
        ("eval.sets.other", SET | {"path": "elsewhere/set"}, "must lie in eval.path"),
        ("base_model.dropout", None, "dropout: an encoder from scratch"),
        ("base_model.keep_layers", [1], "keep_layers is for a published encoder"),
        ("base_model", BASE | {"keep_layers": [2, 1]}, r"keep_layers \[2, 1\] must ascend"),
    ],
)
def test_a_wrong_value_is_named(key, value, message):
    with pytest.raises(UserError, match=message) as caught:
        validate(changed(key, value), "params.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), "1", True])
@pytest.mark.parametrize(
    "key", ["train.epochs", "nli.temperature", "train.anti_forgetting.distillation_weight", "prepare.overlap"]
)
def test_a_number_is_finite_and_no_text(key, value):
    with pytest.raises(UserError, match=f"{key}: {value!r} is not allowed"):
        validate(changed(key, value), "params.yaml")


def test_committed_models_and_like_names_are_free():
    names = [path.stem for path in (ROOT / "params/models").glob("*.yaml")]
    names += ["my-colbert", "base-tr", "retrieval-large", "nli.v2", "bm25x"]
    assert validate(changed("eval.published", names), "params.yaml").eval.published == names
    assert validate(changed("data.nli.name", "nli.v2"), "params.yaml").data.nli.name == "nli.v2"


@given(st.sampled_from([*LEXICAL, LATE, *CHECKPOINTS, *HYBRIDS]), st.integers(1, 8192), st.sampled_from(FORMS))
def test_every_name_that_a_run_gets_is_reserved(row, dim, form):
    assert all(map(is_own, (row, row.upper(), at_dim(row, dim), quantised(row, dim, form), f"{row}-int8")))


def test_a_missing_key_is_named():
    values = copy.deepcopy(VALUES)
    del values["train"]["epochs"]
    with pytest.raises(UserError, match="train.epochs: missing"):
        validate(values, "params.yaml")


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: !!binary aGk=", "a: 2024-10-01"])
def test_what_json_has_not_is_refused(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(UserError, match=r"params.yaml: .*; expected blocks, lists, texts and numbers"):
        load_params(tmp_path / "params.yaml")


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match="root of the repository"):
        load_params(tmp_path / "params.yaml")


def test_the_schema_has_no_defaults():
    """Stages do not depend on the schema, so it must not be able to change a result."""
    classes = [member for module in (schema, variant) for _, member in inspect.getmembers(module, inspect.isclass)]
    for block in (one for one in classes if issubclass(one, BaseModel)):
        for name, field in block.model_fields.items():
            assert field.is_required(), f"{block.__name__}.{name} has a default"


@pytest.mark.parametrize(("name", "key"), [("params.yaml", "seed"), ("ablations/params.yaml", "rows")])
def test_dvc_rewrites_the_file_without_a_change(tmp_path, name, key):
    """`dvc exp run -S` writes a file of params anew; comments and layout must survive it."""
    from dvc.utils.serialize import modify_yaml

    text = (ROOT / name).read_text(encoding="utf-8")
    copied = tmp_path / "params.yaml"
    copied.write_text(text, encoding="utf-8")
    with modify_yaml(copied) as values:
        values[key] = read_yaml(copied)[key]
    assert copied.read_text(encoding="utf-8") == text

"""What data params name and are not there, in one line."""

import json

import pytest

from src.data.present import check_data
from src.errors import UserError
from src.params import load_params
from src.params.load import validate
from src.profile import complete
from tests.checkout import ROOT


@pytest.fixture
def files():
    return validate(complete("files", ROOT / "params")["params.yaml"], "files")


def put(root, *names):
    for name in names:
        path = root / "data/external" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({}), encoding="utf-8")


def missing(params):
    with pytest.raises(UserError) as caught:
        check_data(params)
    return str(caught.value)


def test_without_any_data_everything_is_listed_and_what_is_optional(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fault = missing(files)
    for name in ("text/train", "nli/train", "sts/train", "sts/test", "retrieval/train", "eval/xquad_tr"):
        assert f"data/external/{name} (" in fault
    assert "columns anchor, positive, negative)" in fault and "Optional: dev splits" in fault


def test_an_evaluation_set_that_is_not_there_is_named_beside_those_that_are(files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "text/train.txt", "nli/train.csv.gz", "sts/train.tsv", "sts/test.jsonl", "retrieval/train.parquet")
    put(tmp_path, "eval/mine/corpus.jsonl", "eval/xquad_tr/corpus.jsonl", "eval/xquad_tr/queries.jsonl")
    fault = missing(files)
    assert fault.startswith(
        "missing: data/external/eval/xquad_tr/qrels/test.tsv; data/external/eval/thquad_dev (eval.sets"
    )
    assert "data/external/eval holds mine, xquad_tr)" in fault


def test_what_synthesize_writes_and_what_the_hub_holds_is_not_asked_for(monkeypatch):
    monkeypatch.chdir(ROOT)
    check_data(load_params())
    for name in ("paper", "small"):
        check_data(validate(complete(name)["params.yaml"], name))

"""Descriptors of published models: every committed one reads; faults are named; what is not pinned is named."""

from types import SimpleNamespace

import pytest

from src.downloads.wheel import is_package
from src.errors import UserError
from src.evaluation.late import check_late_format
from src.evaluation.published import at_commit, check_pooling, read_descriptor
from tests.checkout import ROOT
from tests.hub_server import HubServer, use_in_process

NAMES = sorted(path.stem for path in (ROOT / "params/models").glob("*.yaml"))
GOOD = """
source: owner/name
revision:
kind: dense
query_prompt: "query: "
document_prompt: ""
pooling: mean
lowercase:
max_length: 512
"""


def described(tmp_path, change=("", "")):
    (tmp_path / "m.yaml").write_text(GOOD.replace(*change))
    return read_descriptor("m", tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_every_committed_descriptor_reads(name):
    descriptor = read_descriptor(name, ROOT / "params/models")
    assert "/" in descriptor.source or is_package(descriptor.source) or descriptor.kind == "mteb-bm25"


def test_an_unpinned_hub_model_is_named_and_its_commit_recorded(tmp_path, monkeypatch, capsys):
    (tmp_path / "hub" / "models" / "owner" / "name").mkdir(parents=True)
    with HubServer(tmp_path / "hub") as server:
        use_in_process(server, tmp_path / "cache", monkeypatch)
        descriptor, known = at_commit("m", described(tmp_path))
        commit = server.commit("models", "owner/name")
    assert descriptor.revision == known["revision"] == commit
    assert known["pinned"] is False
    assert f"params/models/m.yaml is not pinned: owner/name is now {commit}" in capsys.readouterr().out


def test_a_pinned_model_and_a_folder_are_taken_without_a_word(tmp_path, capsys):
    assert at_commit("m", described(tmp_path, ("revision:", f"revision: {'a' * 40}")))[1]["pinned"] is True
    assert at_commit("m", described(tmp_path, ("owner/name", str(tmp_path))))[1]["revision"] is None
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("revision:", "revision: main"), "revision"),
        (("max_length: 512", "maxlength: 512"), "maxlength"),
        (("kind: dense", "kind: colbert"), "kind colbert brings its own query_prompt; leave it empty"),
    ],
)
def test_a_faulty_descriptor_is_named_with_its_key(tmp_path, change, message):
    with pytest.raises(UserError, match=f"m.yaml(:3)?: .*{message}"):
        described(tmp_path, change)


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    described(tmp_path)
    with pytest.raises(UserError, match=r"eval.published: 'x' has no .*there are: m"):
        read_descriptor("x", tmp_path)


def test_another_pooling_than_described_is_refused(tmp_path):
    encoder = [SimpleNamespace(), SimpleNamespace(pooling_mode="cls")]
    with pytest.raises(UserError, match="pooling is mean, but owner/name has cls"):
        check_pooling("m", described(tmp_path), encoder)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("config_sentence_transformers.json", '{"model_type": "ColBERT"}'),
        ("config_sentence_transformers.json", '{"model_type": "MultiVectorEncoder"}'),
        ("config.json", '{"architectures": ["HF_ColBERT"]}'),
    ],
)
def test_formats_of_late_interaction(tmp_path, file, text):
    with pytest.raises(UserError, match="no late-interaction checkpoint"):
        check_late_format(tmp_path, "m")
    (tmp_path / file).write_text(text)
    check_late_format(tmp_path, "m")

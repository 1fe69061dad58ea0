"""`python -m src.hub pin` on the repository's own params, against a server on this machine."""

import shutil
from pathlib import Path

import pytest

from src.errors import UserError
from src.files import read_yaml
from src.hub.pin import files, pin
from tests.checkout import ROOT
from tests.hub_server import HubServer, use_in_process


@pytest.fixture
def params(tmp_path):
    shutil.copytree(ROOT / "params", tmp_path / "repo" / "params")
    shutil.copy(ROOT / "params.yaml", tmp_path / "repo")
    return tmp_path / "repo"


@pytest.fixture
def server(tmp_path, monkeypatch, params):
    for path in files(params):
        for name, kind in repositories(path):
            (tmp_path / "hub" / kind / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "hub" / kind / name / "README.md").write_text("x", encoding="utf-8")
    with HubServer(tmp_path / "hub") as hub_server:
        use_in_process(hub_server, tmp_path / "cache", monkeypatch)
        yield hub_server


def repositories(path: Path) -> list[tuple[str, str]]:
    content = read_yaml(path)
    if path.name == "hub.yaml":
        others = [part["repository"] for part in content["parts"].values() if "repository" in part]
        return [(name, "datasets") for name in [content["repository"], *others]]
    source = content.get("source", content.get("base_model", {}).get("source"))
    return [(source, "models")] if source and "/" in source else []  # not: scratch, a package, MTEB's BM25


def test_every_revision_is_written_in_place_and_nothing_else_changes(server, params):
    before = {path: path.read_text(encoding="utf-8").splitlines() for path in files(params)}
    lines = list(pin(params))
    expected = sum(len(repositories(path)) for path in before)
    assert len(lines) == expected >= 24
    for path, old in before.items():
        new = path.read_text(encoding="utf-8").splitlines()
        changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
        commits = {server.commit(kind, name) for name, kind in repositories(path)}
        assert len(changed) == len(repositories(path))
        for a, b in changed:
            assert a.split("#")[0].strip() == "revision:"
            assert b.split("#")[0].split()[1] in commits
            assert b.split("#")[1:] == a.split("#")[1:]
    assert "params/paper.yaml: alibaba-nlp-community/gte-multilingual-base pinned to" in " ".join(lines)
    assert list(pin(params)) == []


def test_what_cannot_be_pinned_is_named_and_the_others_are_pinned(server, params):
    server.gated.add("emrecan/all-nli-tr")
    lines = []
    with pytest.raises(UserError, match="1 repository could not be pinned"):
        for line in pin(params):
            lines.append(line)
    assert any("params/hub/all_nli_tr/hub.yaml: emrecan/all-nli-tr@main: a gated dataset" in line for line in lines)
    pinned = read_yaml(params / "params" / "hub" / "stsb_tr" / "hub.yaml")
    assert pinned["revision"] == server.commit("datasets", "figenfikri/stsb_tr")


def test_without_a_network_the_first_repository_is_tried_once_and_all_are_named(params, monkeypatch):
    from huggingface_hub import HfApi

    requests = []

    def unreachable(_, name, **__):
        requests.append(name)
        raise ConnectionError("no route to host")

    monkeypatch.setattr(HfApi, "resolve_revision", unreachable)
    before = {path: path.read_bytes() for path in files(params)}
    with pytest.raises(UserError, match=r"no connection to the Hub \(ConnectionError\)") as fault:
        list(pin(params))
    assert len(requests) == 1
    assert all(name in str(fault.value) for path in before for name, _ in repositories(path))
    assert {path: path.read_bytes() for path in files(params)} == before

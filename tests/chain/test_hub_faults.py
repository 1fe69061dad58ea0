"""A stage that is killed while it downloads: nothing half-written is taken for whole, the same command goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest
from dvc.utils.serialize import dump_yaml

from src.files import read_yaml
from tests import hub_sets
from tests.checkout import make_checkout
from tests.hub_server import HubServer, use_in_stages

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    checkout = make_checkout(tmp_path_factory.mktemp("faults") / "repo")
    params = read_yaml(checkout.path / "params.yaml")
    params["runtime"]["offline"] = False
    params["data"]["nli"] |= {"name": "all_nli_tr", "path": "params/hub/all_nli_tr"}
    one = {"path": "params/hub/eval/scifact_tr", "protocol": "full", "title": True, "drop_self_hits": False}
    params["eval"]["path"] = "params/hub/eval"
    params["eval"]["sets"] = {"scifact_tr": one}
    dump_yaml(checkout.path / "params.yaml", params)
    return checkout


@pytest.fixture
def server(tmp_path, monkeypatch):
    with HubServer(hub_sets.build(tmp_path / "hub")) as server:
        use_in_stages(server, tmp_path / "home", monkeypatch)
        monkeypatch.setenv("DVC_ROOT", str(tmp_path))
        yield server


def test_a_killed_download_is_not_taken_for_whole_and_the_same_command_finishes(repository, server, tmp_path):
    server.faults["train-00001"] = ["slow", 1]
    server.delay = 60
    command = [sys.executable, "-m", "src.stages", "prepare", "nli"]
    process = subprocess.Popen(command, cwd=repository.path, stdout=subprocess.DEVNULL)
    wanted = "GET /stored/datasets/emrecan/all-nli-tr/triplet/train-00001-of-00002.parquet"
    start = time.monotonic()
    while not server.requests[wanted] and time.monotonic() - start < 60:
        time.sleep(0.1)
    assert server.requests[wanted]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not [
        path
        for path in (tmp_path / ".cache" / "hub").iterdir()
        if path.name.startswith("all_nli_tr") and (path / "source.json").exists()
    ]
    server.requests.clear()
    assert "of 60 train rows" in repository.run(*command).stdout
    assert not [page for page in server.requests if "all-nli-tr/resolve" in page and "README" in page]
    assert not list((tmp_path / ".cache" / "hub").glob(".all_nli_tr-*"))

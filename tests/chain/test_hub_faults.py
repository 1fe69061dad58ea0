"""Stages that ask a failing Hub, as a user sees them: one line, nothing half-written, and the same command goes on."""

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
    for name, path in (("nli", "all_nli_tr"), ("sts", "stsb_tr"), ("retrieval", "msmarco_tr")):
        params["data"][name] |= {"name": path, "path": f"params/hub/{path}"}
    one = {"path": "params/hub/eval/scifact_tr", "protocol": "full", "title": True, "drop_self_hits": False}
    params["eval"]["path"] = "params/hub/eval"
    params["eval"]["sets"] = {"scifact_tr": one}
    dump_yaml(checkout.path / "params.yaml", params)
    return checkout


@pytest.fixture
def server(tmp_path, monkeypatch):
    with HubServer(hub_sets.build(tmp_path / "hub")) as hub_server:
        use_in_stages(hub_server, tmp_path / "home", monkeypatch)
        monkeypatch.setenv("DVC_ROOT", str(tmp_path))
        yield hub_server


def prepare(repository, check=False):
    return repository.run(sys.executable, "-m", "src.stages", "prepare", "nli", check=check)


def test_a_gated_set_is_one_line_and_nothing_is_written(repository, server):
    server.gated.add("emrecan/all-nli-tr")
    done = prepare(repository)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert len(errors) == 1
    assert "emrecan/all-nli-tr@main: a gated dataset; accept its terms" in errors[0]
    assert "Traceback" not in done.stderr
    assert not (repository.path / "data" / "prepared" / "nli").exists()


def test_a_killed_download_is_not_taken_for_whole_and_the_same_command_finishes(repository, server, tmp_path):
    server.faults["train-00001"] = ["slow", 1]
    server.delay = 60
    process = subprocess.Popen(
        [sys.executable, "-m", "src.stages", "prepare", "nli"], cwd=repository.path, stdout=subprocess.DEVNULL
    )
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
    assert "of 60 train rows" in prepare(repository, check=True).stdout
    assert not [page for page in server.requests if "all-nli-tr/resolve" in page and "README" in page]
    assert not list((tmp_path / ".cache" / "hub").glob(".all_nli_tr-*"))


def test_offline_a_warm_cache_is_enough(repository, server, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    cold = prepare(repository)
    assert cold.returncode == 1
    assert "not (wholly) in the Hub cache; set runtime.offline to false" in cold.stderr
    monkeypatch.delenv("HF_HUB_OFFLINE")
    prepare(repository, check=True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    server.requests.clear()
    prepare(repository, check=True)
    assert not server.requests

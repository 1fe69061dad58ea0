"""The paper's profile from the Hub to the report: every stage, with its data sets' schemas and small random models.

What is overridden is size alone; paths, columns, losses, dimensions, precision and protocols are the profile's own.
"""

import os
import sys

import pytest

from src.files import read_json
from tests import hub_models, hub_sets
from tests.checkout import make_checkout
from tests.hub_server import HubServer, use_in_process, use_in_stages
from tests.pipelines import run_pipeline, set_profile

pytestmark = pytest.mark.chain

REDUCED = [
    *(f"synthesize.{name}_rows=64" for name in ("nli", "sts", "retrieval")),
    "synthesize.text_rows=200",
    "synthesize.held_out_rows=20",
    "synthesize.documents=60",
    "synthesize.claims_dev=10",
    "synthesize.claims_test=20",
    "runtime.threads=1",
    "data.retrieval.dev_rows=20",
    *(f"{block}.batch_size=32" for block in ("nli", "sts", "colbert")),
    "sts.epochs=1",
    "train.batch_size=64",
    "train.freeze_layers=1",
    "eval.bootstrap_resamples=100",
]


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """The checkout after the run, and the server that it used."""
    root = tmp_path_factory.mktemp("hub")
    hub_sets.build(root, rows=160, documents=120, judged=20)
    hub_models.build(root)
    checkout = make_checkout(tmp_path_factory.mktemp("paper") / "repo")
    with pytest.MonkeyPatch.context() as patch, HubServer(root) as server:
        use_in_stages(server, root / "home", patch)
        use_in_process(server, root / "home", patch)
        set_profile(checkout, "paper", REDUCED)
        run_pipeline(checkout, "dvc.yaml")
        yield checkout, server


def read(checkout, path: str):
    return read_json(checkout.path / path)


def test_every_row_is_measured_on_the_hubs_sets(paper):
    checkout, _ = paper
    metrics = read(checkout, "reports/metrics.json")
    rows = {"bm25", "colbert", "base", "nli", "sts", "retrieval", "turkembed4retrieval", "turkish-colbert"}
    for name in ("scifact_tr", "scifact_tr_text", "scifact_tr_mteb"):
        assert set(metrics[name]) >= rows | {"gte-multilingual-base", "colmmbert-base-tr", "colmmbert-small-tr"}
    assert set(metrics["stsb_tr"]["retrieval"]) >= {"spearman", "pearson"}
    assert set(metrics["matryoshka"]) == {"768", "512", "256", "128", "64"}


def test_the_cards_say_what_was_resolved(paper):
    checkout, server = paper
    card = read(checkout, "data/prepared/retrieval/card.json")
    assert card["revision"] == server.commit("datasets", "parsak/msmarco-tr")
    assert card["pinned"] is False
    assert card["splits"]["train"]["read"] == 160
    assert card["splits"]["train"]["dropped"]["unknown pid_pos"] == 16
    assert any(name.startswith("parsak/msmarco-tr/triples/train-00000") for name in card["files"])
    origin = read(checkout, "models/base/origin.json")
    assert origin["revision"] == server.commit("models", origin["source"])
    report = (checkout.path / "reports/REPORT.md").read_text(encoding="utf-8")
    assert "> **Unpinned.** all_nli_tr, stsb_tr, msmarco_tr, scifact_tr" in report
    assert f"the base model {origin['source']} ({origin['revision']})" in report
    page = (checkout.path / "reports/data/msmarco_tr.md").read_text(encoding="utf-8")
    assert "**Unpinned**" in page


def test_nothing_but_data_and_safetensors_was_fetched(paper):
    _, server = paper
    fetched = set(server.sent)
    assert not [name for name in fetched if name.endswith((".py", ".bin"))]
    assert {"model.safetensors", "artifact.metadata", "stsb_tr_train.json"} <= fetched


def test_a_new_commit_of_a_descriptor_reruns_prepare(paper):
    checkout, server = paper
    commit = server.commit("datasets", "emrecan/all-nli-tr")
    path = checkout.path / "params" / "hub" / "all_nli_tr" / "hub.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("revision: ", f"revision: {commit} ", 1), encoding="utf-8")
    again = checkout.run("dvc", "repro", "prepare@nli").stdout
    assert "Running stage 'prepare@nli'" in again
    assert read(checkout, "data/prepared/nli/card.json")["pinned"] is True


def test_published_models_are_verified_without_training_by_one_command(paper, tmp_path):
    fresh = make_checkout(tmp_path / "repo")
    profile = fresh.run(sys.executable, "-m", "src.profile", "paper").stdout.split()
    settings = ["-S", "eval.published=[turkembed4retrieval]", "-S", "runtime.threads=1"]
    done = fresh.run("dvc", "exp", "run", "eval_published", *profile, *settings)
    ran = [line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")]
    assert {name.split("@")[0] for name in ran} == {"prepare_eval", "eval_published"}
    measured = read(fresh, "data/published/scifact_tr/metrics.json")
    assert set(measured["models"]) == {"turkembed4retrieval"}
    assert 0 <= measured["models"]["turkembed4retrieval"]["P@1"] <= 1
    assert "turkembed4retrieval: P@1 0.7116 published, ours" in done.stdout
    assert os.environ["HF_ENDPOINT"].startswith("http://127.0.0.1")

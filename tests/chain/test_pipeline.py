"""The whole chain at tiny size, used as a DVC user uses it."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, clone, filled_clone, make_checkout

pytestmark = pytest.mark.chain
SET = "scifact_tr_synthetic"
CHAIN = {"base", "nli", "sts", "retrieval"}
MODELS = {"bm25", "bm25_stem", "bm25_lemma", "colbert", *CHAIN, "hybrid", "hybrid_z"}


def stages_run(output: str) -> list[str]:
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def test_metrics_have_the_promised_keys_and_dvc_shows_few_of_them(tiny):
    metrics = json.loads((tiny.path / "reports/metrics.json").read_text())
    measures = {"P@1", "P@3", "P@5", "P@10", "R@1", "R@5", "R@10", "R@100", "MRR@10", "nDCG@10", "MAP"}
    assert set(metrics[SET]) >= MODELS
    assert set(metrics[SET]["retrieval"]) >= measures
    assert set(metrics["stsb_tr_synthetic"]["retrieval"]) >= {"spearman", "pearson"}
    assert set(metrics["forgetting"]) >= {"before", "after", "drop"}
    assert set(metrics["matryoshka"]) == {"32", "16"}
    shown = json.loads(tiny.run("dvc", "metrics", "show", "--json").stdout)
    sets = shown[""]["data"]["reports/summary.json"]["data"]
    numbers = [value for of_set in sets.values() for value in of_set.values()]
    assert 3 <= len(numbers) <= 9 and all(value == round(value, 4) for value in numbers)


def test_training_teaches(tiny):
    """Every step changes the weights, and the loss of a step falls."""
    weights = [(tiny.path / f"models/{name}/model.safetensors").read_bytes() for name in CHAIN]
    assert len(set(weights)) == 4
    lines = (tiny.path / "reports/training/nli.csv").read_text().splitlines()[1:]
    losses = [float(line.split(",")[2]) for line in lines]
    assert losses[-1] < losses[0] - 0.1


def test_a_clone_without_the_cache_finds_the_lock_fresh(tiny, tmp_path):
    checkout = clone(tiny, tmp_path / "clone")
    assert stages_run(checkout.run("dvc", "repro", "--allow-missing", "--dry").stdout) == []


def test_plots_show_needs_no_network(tiny):
    tiny.run(sys.executable, "-m", "src.cli.offline_plots")  # `make setup` does this
    page = tiny.run("dvc", "plots", "show", "--out", "dvc_plots").stdout.strip().splitlines()[-1]
    html = Path(page.removeprefix("file://")).read_text()
    assert "vegaEmbed('#reports_training_retrieval_csv'" in html
    assert "cdn." not in html


def test_another_batch_size_reruns_retrieval_and_what_follows(tiny, tmp_path):
    checkout = filled_clone(tiny, tmp_path / "clone")
    done = checkout.run("dvc", "exp", "run", "-S", "train.batch_size=64")
    ran = stages_run(done.stdout)
    follows = {"train_retrieval", f"eval_retrieval@{SET}", "check_sts_forgetting", "forgetting_errors", "report"}
    assert set(ran) == follows and len(ran) == len(follows)
    changed = checkout.run("dvc", "metrics", "diff").stdout
    assert "reports/summary.json" in changed


def test_readmes_line_restores_what_a_failed_run_left(tiny, tmp_path):
    checkout = filled_clone(tiny, tmp_path / "clone")
    done = checkout.run("dvc", "exp", "run", "-S", "train.batch_size=9999", check=False)
    assert done.returncode != 0
    assert "batch_size 9999 is larger than the 512 rows" in done.stderr
    assert "batch_size: 9999" in checkout.git("diff", "params.yaml")
    line = re.search(r"`(git restore params.yaml [^`]*)`", (ROOT / "README.md").read_text(encoding="utf-8"))[1]
    checkout.run("bash", "-c", line)
    assert checkout.git("status", "--porcelain") == ""
    assert (checkout.path / "models/retrieval/model.safetensors").is_file()
    assert stages_run(checkout.run("dvc", "repro").stdout) == []


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    return make_checkout(tmp_path_factory.mktemp("untouched") / "repo")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("train.batch_size=0", "train.batch_size: 0 is not allowed"),
        ("profile=paper", "dvc exp run $(python -m src.profile paper)"),
        ("train.batchsize=512", "is not in struct"),
    ],
)
def test_a_wrong_setting_is_one_line(untouched, setting, message):
    done = untouched.run("dvc", "exp", "run", "-S", setting, "synthesize", check=False)
    untouched.git("restore", ".")
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr

"""One variant from its row in params to its figures, on real stages at tiny size."""

import json

import pytest
from dvc.utils.hydra import apply_overrides

from src.files import read_yaml
from tests.chain.test_readme import SET, clone

INPUTS = ["synthesize", "prepare", f"prepare_eval@{SET}", "base_model", "train_nli", "train_sts"]

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def ablated(tiny):
    return tiny


def summary(checkout, name):
    return json.loads((checkout.path / f"reports/ablation/{name}/summary.json").read_text(encoding="utf-8"))


def test_every_variant_is_filed_and_compared(ablated):
    table = json.loads((ablated.path / "reports/ablation.json").read_text(encoding="utf-8"))
    rows = read_yaml(ablated.path / "params.yaml")["ablation"]["variants"]
    assert set(rows) <= set(table["rows"])
    for name in rows:
        found = summary(ablated, name)
        assert found["path"] == rows[name]["path"] and found["sts"]["spearman"]["mean"] <= 1


def test_all_variants_see_as_many_pairs(ablated):
    names = [path.name for path in (ablated.path / "reports/ablation").iterdir()]
    last = [summary(ablated, name)["trained"][-1] for name in names]
    assert len({(step["rows"], step["epochs"]) for step in last}) == 1


def test_a_changed_row_runs_alone(ablated):
    path = ablated.path / "params.yaml"
    before = path.read_bytes()
    apply_overrides(path, ["ablation.variants.batch_256.train.batch_size=32"])
    try:
        done = ablated.run("dvc", "repro", "--dry")
    finally:
        path.write_bytes(before)
    ran = {line.split("'")[1] for line in done.stdout.splitlines() if line.startswith("Running stage")}
    assert {"ablate@batch_256", "compare_ablations"} <= ran <= {"ablate@batch_256", "compare_ablations", "report"}


def test_a_fresh_clone_knows_the_variants_that_git_holds(ablated, tmp_path):
    checkout = clone(ablated, tmp_path / "clone")
    checkout.run("dvc", "remote", "add", "--local", "-d", "tiny", str(ablated.path / ".dvc/cache"))
    checkout.run("dvc", "pull", "-q", *INPUTS)
    known = checkout.path / "reports/ablation/full/summary.json"
    known.write_text(known.read_text(encoding="utf-8") + " ", encoding="utf-8")  # not what dvc.lock says
    checkout.run("python", "-m", "tools.known_variants")
    plan = checkout.run("dvc", "repro", "--dry", "ablate").stdout
    assert [line for line in plan.splitlines() if line.startswith("Running stage 'ablate")] == [
        "Running stage 'ablate@full':"
    ]


def test_the_third_question_is_answered_with_points_and_texts(ablated):
    found = json.loads((ablated.path / "reports/forgetting_errors.json").read_text(encoding="utf-8"))
    for name, values in found["sets"].items():
        points = (ablated.path / f"reports/forgetting_errors/{name}.csv").read_text(encoding="utf-8").splitlines()
        assert len(points) == values["queries"] + 1
        assert set(values["correlations"]) == {"ndcg_change", "margin_change"}


def test_a_failed_variant_is_one_line(ablated):
    done = ablated.run("python", "-m", "src.ablate", "nothing", check=False)
    assert done.returncode == 1 and done.stderr.startswith("error: expected one variant of ablation.variants")

"""One variant from its row in params to its figures, on real stages at tiny size."""

import subprocess

import pytest
from dvc.utils.hydra import apply_overrides

from src.files import read_json, read_yaml
from tests.chain.test_pipeline import stages_run
from tests.checkout import ROOT, filled_clone

pytestmark = pytest.mark.chain
COMMANDS = (
    ("python", "-m", "src.cli.side_by_side", "ablations"),
    ("python", "-m", "src.cli.compare_ablations"),
    ("dvc", "repro"),
)


@pytest.fixture(scope="module")
def ablated(tiny, tmp_path_factory):
    """A clone of the tiny run after `make ablations`."""
    checkout = filled_clone(tiny, tmp_path_factory.mktemp("ablated") / "clone")
    for command in COMMANDS:
        checkout.run(*command, timeout=900)
    checkout.git("add", "-A")
    checkout.git("commit", "-q", "-m", "variants")
    return checkout


def test_these_are_the_commands_of_make():
    said = subprocess.run(["make", "-n", "ablations"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for command in COMMANDS:
        assert " ".join(command[1:] if command[0] == "python" else command) in said


def summary(checkout, name):
    return read_json(checkout.path / f"reports/ablation/{name}/summary.json")


def test_every_variant_is_filed_and_compared(ablated):
    table = read_json(ablated.path / "reports/ablation/comparison.json")
    rows = read_yaml(ablated.path / "ablations/params.yaml")["variants"]
    assert set(rows) <= set(table["rows"])
    for name in rows:
        filed = summary(ablated, name)
        assert filed["path"] == rows[name]["path"] and filed["sts"]["spearman"]["mean"] <= 1


def test_all_variants_see_as_many_pairs(ablated):
    names = [path.name for path in (ablated.path / "reports/ablation").iterdir() if path.is_dir()]
    last = [summary(ablated, name)["trained"][-1] for name in names]
    assert len({(step["rows"], step["epochs"]) for step in last}) == 1


def test_the_report_takes_the_variants_in_and_says_where_there_are_none(tiny, ablated):
    def section(checkout):
        page = (checkout.path / "reports/REPORT.md").read_text(encoding="utf-8")
        return page.split("\n## Ablations\n")[1].split("\n## ")[0].strip()

    assert "### Batch size" in section(ablated)
    assert "`make ablations` trains, compares and reports those of this run." in section(tiny)  # which has none


def test_a_changed_row_runs_alone_and_a_return_to_it_trains_nothing(ablated):
    def variants_run(*overrides):
        apply_overrides(ablated.path / "ablations/params.yaml", overrides)
        done = ablated.run("dvc", "repro", "ablations/dvc.yaml").stdout
        return {stage.partition(":")[2] for stage in stages_run(done)} - {"resolve"}

    assert variants_run("variants.batch_256.train.batch_size=32") == {"ablate@batch_256"}
    assert variants_run("variants.batch_256.train.batch_size=64") == set()


def test_a_changed_key_of_params_trains_those_variants_that_use_it(ablated):
    before = (ablated.path / "params.yaml").read_bytes()
    apply_overrides(ablated.path / "params.yaml", ["train.batch_size=100"])
    try:
        ablated.run("dvc", "repro", "ablations/dvc.yaml:resolve")
        plan = ablated.run("dvc", "repro", "--dry", "ablations/dvc.yaml").stdout
    finally:
        (ablated.path / "params.yaml").write_bytes(before)
        ablated.run("dvc", "repro", "ablations/dvc.yaml:resolve")
    rows = set(read_yaml(ablated.path / "ablations/params.yaml")["variants"])
    assert {stage.rpartition("@")[2] for stage in stages_run(plan)} == rows - {"batch_256"}


def test_the_third_question_is_answered_with_points(ablated):
    errors = read_json(ablated.path / "reports/forgetting_errors.json")
    for name, values in errors["sets"].items():
        points = (ablated.path / f"reports/forgetting_errors/{name}.csv").read_text(encoding="utf-8").splitlines()
        assert len(points) == values["queries"] + 1
        assert set(values["correlations"]) == {"ndcg_change", "margin_change"}


def test_a_failed_variant_is_one_line(ablated):
    done = ablated.run("python", "-m", "src.stages", "ablate", "nothing", check=False)
    assert done.returncode == 1 and done.stderr.startswith("error: expected one variant of data/variants")

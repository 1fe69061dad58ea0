"""dvc.yaml and ablations/dvc.yaml: each stage depends on exactly the code that it imports, and is described."""

from graphlib import TopologicalSorter

import pytest

from src.files import read_yaml
from tests.checkout import ROOT
from tools.stage_deps import (
    ABLATE,
    PIPELINES,
    TRAINED_BY,
    as_folders,
    closure,
    code_deps,
    imported,
    module_files,
    stage_closure,
)

DEFINITIONS = {
    name: stage.get("do", stage) for path in PIPELINES for name, stage in read_yaml(ROOT / path)["stages"].items()
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_stage_depends_on_exactly_the_code_it_imports(name):
    declared = {dep for dep in DEFINITIONS[name]["deps"] if dep.startswith("src/")}
    assert declared == set(code_deps(DEFINITIONS[name])), "run `make deps`"


def test_the_code_that_trains_variants_is_listed():
    listed = (ROOT / TRAINED_BY).read_text(encoding="utf-8").split()
    assert listed == as_folders(stage_closure(ABLATE)), "run `make deps`"
    assert set(listed) <= set(DEFINITIONS["resolve"]["deps"])  # whose output names that code by its fingerprint


def test_the_closure_follows_late_imports_and_leaves_out_types_and_the_schema():
    files = closure("src.stages.base_model")
    assert "src/model/tokenizer.py" in files
    assert not any(file.startswith("src/params/") for file in files)
    assert "src/stages/train.py" not in files


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_stage_is_described_pinned_and_persists_nothing_and_metrics_and_plots_are_in_git(name):
    stage = DEFINITIONS[name]
    assert stage["desc"] and "requirements.txt" in stage["deps"]
    for kind in ("outs", "metrics", "plots"):
        for out in stage.get(kind, []):
            options = next(iter(out.values())) if isinstance(out, dict) else {}
            assert not options.get("persist")
            assert kind == "outs" or options.get("cache") is False


@pytest.mark.parametrize("name", ["ablate", *(name for name in DEFINITIONS if name.startswith("train_"))])
def test_what_trains_comes_back_from_the_run_cache(name):
    """DVC keeps no run of a stage with a plain output that is not cached: a return to old params would train anew."""
    assert all(isinstance(out, str) for out in DEFINITIONS[name]["outs"])


def test_no_module_imports_itself_by_way_of_others():
    """Late imports count too; an `__init__.py` holds a docstring or names of its own package."""
    files = {path for path in (ROOT / "src").rglob("*.py") if path.name != "__init__.py"}
    graph = {path: {file for name in imported(path) for file in module_files(name)} & files for path in files}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle

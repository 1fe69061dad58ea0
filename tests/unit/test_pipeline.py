"""dvc.yaml: each stage depends on exactly the code that it imports, and is described."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
DEFINITIONS = {name: stage.get("do", stage) for name, stage in STAGES.items()}
# The schema of params.yaml only refuses (test_params.py), so it cannot change a result.
NOT_A_DEPENDENCY = "src/params/"


def module_files(module: str) -> list[Path]:
    """The files that `import module` runs: the module and its parent packages."""
    parts = module.split(".")
    found = [ROOT.joinpath(*parts[:n], "__init__.py") for n in range(2, len(parts) + 1)]
    found.append(ROOT.joinpath(*parts).with_suffix(".py"))
    return [path for path in found if path.is_file()]


def imported(path: Path) -> Iterator[str]:
    """The modules of the project that a file imports anywhere, but for type annotations alone."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("src."))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "src":
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def closure(module: str) -> set[str]:
    """The files, relative to the root, that running a module may import."""
    todo, seen = module_files(module), set()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            todo += [file for name in imported(path) for file in module_files(name)]
    relative = {path.relative_to(ROOT).as_posix() for path in seen}
    return {path for path in relative if not path.startswith(NOT_A_DEPENDENCY) and path != "src/__init__.py"}


def entry_module(stage: dict) -> str:
    found = re.match(r"python -m ([\w.]+)", stage["cmd"])
    assert found, f"expected `python -m MODULE`, found {stage['cmd']!r}"
    return found.group(1)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_stage_depends_on_exactly_the_code_it_imports(name):
    stage = DEFINITIONS[name]
    needed = closure(entry_module(stage))
    declared = {dep for dep in stage["deps"] if dep.startswith("src/")}
    covered = {file for file in needed if any(file == dep or file.startswith(f"{dep}/") for dep in declared)}
    assert needed - covered == set(), f"{name}: imports what it does not list in deps"
    idle = {dep for dep in declared if not any(file == dep or file.startswith(f"{dep}/") for file in needed)}
    assert idle == set(), f"{name}: lists what it does not import"


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_stage_is_described_and_depends_on_the_pinned_packages(name):
    stage = DEFINITIONS[name]
    assert stage["desc"]
    assert "requirements.txt" in stage["deps"]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_nothing_is_persisted_and_metrics_and_plots_are_in_git(name):
    stage = DEFINITIONS[name]
    for kind in ("outs", "metrics", "plots"):
        for out in stage.get(kind, []):
            options = next(iter(out.values())) if isinstance(out, dict) else {}
            assert not options.get("persist")
            assert kind == "outs" or options.get("cache") is False

"""Write into dvc.yaml and ablations/dvc.yaml, for each stage, the code that its module imports: `make deps`.

A folder stands for its files where a stage imports at least two thirds of them: it holds one subject, a change there
most likely matters, and dvc.yaml and dvc.lock stay readable. Where a stage needs less of a folder, its files are
listed, so that changed code that cannot matter runs nothing anew. Dependencies on data are left as they are.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from src.errors import run_command

ROOT = Path(__file__).parents[1]
# The schema of params.yaml only refuses (tests/unit/test_params.py), so it cannot change a result.
NOT_A_DEPENDENCY = "src/params/"
PIPELINES = ("dvc.yaml", "ablations/dvc.yaml")
# A resolved variant holds its code's fingerprint, so the variant's stage need not list it: sixteen stages load faster.
RESOLVED = "data/variants/"
# The code that trains variants, a line each; a stage that depends on the list reads that code too.
TRAINED_BY, ABLATE = "ablations/code.txt", "ablate"
STAGES = "src.stages"
NEEDED = 2 / 3  # of the files of a folder


def module_files(module: str) -> list[Path]:
    """The files that `import module` runs: the module and its parent packages."""
    parts = module.split(".")
    files = [ROOT.joinpath(*parts[:n], "__init__.py") for n in range(2, len(parts) + 1)]
    files.append(ROOT.joinpath(*parts).with_suffix(".py"))
    return [path for path in files if path.is_file()]


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
    todo, seen = module_files(module), set[Path]()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen.add(path)
            if path.relative_to(ROOT).as_posix().startswith(NOT_A_DEPENDENCY):
                continue  # what it imports serves to refuse, too
            todo += [file for name in imported(path) for file in module_files(name)]
    relative = {path.relative_to(ROOT).as_posix() for path in seen}
    return {path for path in relative if not path.startswith(NOT_A_DEPENDENCY) and not is_only_docstring(path)}


def is_only_docstring(path: str) -> bool:
    """Whether a file holds nothing that could run, as a package's `__init__.py` does here."""
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    return len(body) == 1 and isinstance(body[0], ast.Expr)


def stage_closure(name: str) -> set[str]:
    """The files that a stage may import: its module's, and those of the runner, which imports it by name."""
    return closure(f"{STAGES}.{name}") | closure(f"{STAGES}.__main__")


def code_deps(stage: dict[str, Any]) -> list[str]:
    """The `src/` dependencies of a stage whose command is `python -m src.stages NAME …`."""
    if any(dep.startswith(RESOLVED) for dep in stage["deps"]):
        return []
    command = re.match(rf"python -m {STAGES} (\w+)", stage["cmd"])
    if not command:
        sys.exit(f"expected `python -m {STAGES} NAME`; it is {stage['cmd']!r}")
    files = stage_closure(command.group(1)) | (stage_closure(ABLATE) if TRAINED_BY in stage["deps"] else set())
    return as_folders(files)


def as_folders(files: set[str]) -> list[str]:
    """The files, with a folder instead of its files where two thirds of them are there."""
    deps = set(files)
    for folder in {str(Path(file).parent) for file in files} - {"src", "src/stages"}:
        inside = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob("*.py")}
        inside = {path for path in inside if not is_only_docstring(path)}
        if len(inside & files) >= NEEDED * len(inside):
            deps = (deps - inside) | {folder}
    return sorted(deps)


def main(_: list[str]) -> None:
    """Rewrite both in place, comments kept, and the list of the code that trains variants."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    for path in (ROOT / name for name in PIPELINES):
        text = yaml.load(path)
        for stage in text["stages"].values():
            definition = stage.get("do", stage)
            data = [dep for dep in definition["deps"] if not dep.startswith("src/")]
            definition["deps"] = data + code_deps(definition)
        yaml.dump(text, path)
    (ROOT / TRAINED_BY).write_text("\n".join(as_folders(stage_closure(ABLATE))) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_command(main)

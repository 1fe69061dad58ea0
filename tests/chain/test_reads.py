"""A stage reads what it declares and nothing else: what else it read could change, and it would not run again."""

from collections import defaultdict

import pytest

from src.files import read_yaml

pytestmark = pytest.mark.chain
# Code is compared in tests/unit/test_pipeline.py; the others are of this machine, and computed from dependencies.
FREE = ("params.yaml", "src", ".cache", ".checkpoints", "logs", ".venv", ".git", ".dvc")


def inside(path: str, folders) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def test_a_stage_reads_only_what_it_declares(tiny):
    read = defaultdict(set)
    for line in tiny.reads.read_text(encoding="utf-8").splitlines():
        command, path = line.split("\t")
        read[command].add(path)
    stages = read_yaml(tiny.path / "dvc.lock")["stages"]
    for name, stage in stages.items():
        declared = [item["path"] for kind in ("deps", "outs") for item in stage[kind]]
        opened = {path for path in read[stage["cmd"]] if (tiny.path / path).is_file()}  # outputs were renamed since
        assert "params.yaml" in opened, name
        assert [path for path in sorted(opened) if not inside(path, (*declared, *FREE))] == [], name

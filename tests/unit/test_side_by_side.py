"""`dvc repro`, two stages at a time: neither side of a pair needs the other, and what both read was made before."""

import os

import pytest

from src.cli import side_by_side
from src.errors import UserError
from src.files import read_yaml
from src.params import load_params
from src.params.load import load_ablations
from tests.checkout import ROOT


def paths(stage: str, kind: str) -> set[str]:
    """What a stage of dvc.yaml reads or writes, templates left as they are."""
    entry = read_yaml(ROOT / "dvc.yaml")["stages"][stage]
    listed = entry.get("do", entry).get(kind, [])
    return {path if isinstance(path, str) else next(iter(path)) for path in listed}


def overlap(one: set[str], other: set[str]) -> list[str]:
    return [a for a in one for b in other if f"{a}/".startswith(f"{b}/") or f"{b}/".startswith(f"{a}/")]


@pytest.mark.parametrize("pair", side_by_side.PAIRS)
def test_neither_side_reads_or_writes_what_the_other_writes(pair):
    for one, other in (pair, pair[::-1]):
        for writer in one:
            for reader in other:
                written = paths(writer, "outs") | paths(writer, "plots")
                assert not overlap(written, paths(reader, "deps") | paths(reader, "outs"))


def test_what_a_pair_reads_was_made_before_it():
    made = set(side_by_side.FIRST) | {"synthesize"}
    for pair in side_by_side.PAIRS:
        for side in pair:
            before = set(made)
            for stage in side:
                for other in set(read_yaml(ROOT / "dvc.yaml")["stages"]) - before - {stage}:
                    assert not overlap(paths(stage, "deps"), paths(other, "outs")), (stage, other)
                before.add(stage)
        made |= {stage for side in pair for stage in side}
    assert set(read_yaml(ROOT / "dvc.yaml")["stages"]) - made == {"forgetting_errors", "report"}


def test_every_variant_is_on_one_side():
    params = load_params(ROOT / "params.yaml")
    _, [(one, other)], _ = side_by_side.variants(params)
    names = [target.rpartition("@")[2] for target in one + other]
    assert sorted(names) == sorted(load_ablations(params).variants)


@pytest.fixture
def dvc(tmp_path, monkeypatch):
    """A stand-in for dvc that writes down its arguments; it fails where the last is `bad`."""
    program = tmp_path / "bin" / "dvc"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "ran $*" | tee -a arguments.txt\nfor last; do :; done\ntest "$last" != bad\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "arguments.txt"


def test_both_sides_run_and_are_shown(dvc, capfd):
    side_by_side.repro(["a"], ["b"])
    assert sorted(dvc.read_text().split("\n")[:2]) == ["ran --wait-for-lock repro a", "ran --wait-for-lock repro b"]
    assert capfd.readouterr().out.splitlines()[-1] == "ran --wait-for-lock repro b"


@pytest.mark.parametrize("sides", [(["bad"], ["b"]), (["a"], ["bad"])])
def test_a_failed_side_lets_the_other_end_and_is_one_line(dvc, sides):
    with pytest.raises(UserError, match="a stage failed"):
        side_by_side.repro(*sides)
    assert len(dvc.read_text().splitlines()) == 2

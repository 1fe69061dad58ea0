"""Profiles: the printed flags turn params.yaml into a valid profile, and twice is the same as once."""

import copy
from pathlib import Path

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from src.errors import UserError
from src.params.load import validate
from src.profile import flags, load, override

ROOT = Path(__file__).parents[2]
MINI = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
PROFILES = sorted(path.stem for path in (ROOT / "params").glob("*.yaml"))


def apply(tmp_path: Path, values: dict, found: list[str]) -> dict:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    apply_overrides(path, found[1::2])
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_valid_and_idempotent(tmp_path, name):
    profile = load(name, ROOT / "params")
    once = apply(tmp_path, MINI, flags(profile, MINI))
    validate(once, name)
    assert apply(tmp_path, once, flags(profile, once)) == once
    assert set(once["eval"]["sets"]) == set(profile["eval"]["sets"])


@pytest.mark.parametrize("name", PROFILES)
def test_flags_survive_the_shell(name):
    found = flags(load(name, ROOT / "params"), MINI)
    assert all(len(flag.split()) == 1 for flag in found)


def test_values_in_the_grammar_of_s():
    values = {"a": None, "b": True, "c": [1, 2.5, "x.jsonl"], "d": {"e": 1.0e-5}}
    assert flags(values, {}) == ["-S", "++a=null", "-S", "++b=true", "-S", "++c=[1,2.5,x.jsonl]", "-S", "++d.e=1e-05"]


def test_a_value_that_the_shell_would_split_is_refused():
    with pytest.raises(UserError, match="spaces"):
        override("a b")


def test_open_mappings_are_replaced_whole():
    current = copy.deepcopy(MINI)
    current["eval"]["sets"]["old"] = {}
    found = flags({"eval": {"sets": {"new": {"title": True}}}}, current)
    assert found == [
        *("-S", "~eval.sets.scifact_tr_synthetic"),
        *("-S", "~eval.sets.old"),
        *("-S", "++eval.sets.new.title=true"),
    ]


def test_an_unknown_profile_lists_those_there_are():
    with pytest.raises(UserError, match="no profile 'papr'; .* holds"):
        load("papr", ROOT / "params")

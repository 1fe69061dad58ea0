"""Profiles: the printed flags turn params.yaml into a valid profile, and twice is the same as once."""

import copy
from pathlib import Path

import pytest
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import dump_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.files import read_yaml
from src.params.load import validate
from src.profile import flags, load, override

ROOT = Path(__file__).parents[2]
MINI = read_yaml(ROOT / "params.yaml")
PROFILES = sorted(path.stem for path in (ROOT / "params").glob("*.yaml"))


def apply(tmp_path: Path, values: dict, found: list[str]) -> dict:
    path = tmp_path / "params.yaml"
    dump_yaml(path, values)
    apply_overrides(path, to_path_overrides(found[1::2])["params.yaml"])
    return read_yaml(path)


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
    assert flags(values, {}) == ["-S", "++a=null", "-S", "++b=true", "-S", "++c=[1,2.5,'x.jsonl']", "-S", "++d.e=1e-05"]


@pytest.mark.parametrize("text", ["a b", "a\tb", "it's", "a\\", "${seed}", "*"])
def test_a_value_that_the_shell_would_split_is_refused(text):
    with pytest.raises(UserError, match="spaces"):
        override(text)


WORDS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="'\\$*?"), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS
NUMBER_LIKE = st.sampled_from(["2024_10", "0100", "12:30", "1e3", "yes", "null", "true", "nan", "", "[1]", "a=b"])


@given(value=SCALARS | NUMBER_LIKE | st.lists(SCALARS | NUMBER_LIKE, max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_value_arrives_as_the_profile_has_it(tmp_path_factory, value):
    found = flags({"data": {"text": {"name": value}}}, {})
    assert all(len(flag.split()) == 1 for flag in found)
    applied = apply(tmp_path_factory.mktemp("params"), {"data": {"text": {"name": "x"}}}, found)["data"]["text"]["name"]
    assert (applied, type(applied)) == (value, type(value))


def test_a_key_with_a_dot_is_refused():
    with pytest.raises(UserError, match=r"profile key eval.sets.faq.v2: a dot in a key is a level to DVC"):
        flags({"eval": {"sets": {"faq.v2": {"title": True}}}}, MINI)


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

"""Profiles: the printed flags lead to the same valid profile from wherever the files of params stand."""

import shutil
from pathlib import Path

import pytest
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import dump_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.files import read_yaml
from src.params.load import ABLATIONS, validate, validate_ablations
from src.profile import REFUSED, complete, flags, load, main, merge, override, overrides
from tests.checkout import ROOT

FOLDER = ROOT / "params"
FILES = {"params.yaml": read_yaml(ROOT / "params.yaml"), ABLATIONS: read_yaml(ROOT / ABLATIONS)}
PROFILES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def apply(folder: Path, given_flags: list[str], values: dict[str, dict] | None = None) -> dict[str, dict]:
    """The files of params in a folder (with comments, or these values) after `dvc exp run` with these flags."""
    changes = to_path_overrides(given_flags[1::2])
    for name in values or FILES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if values:
            dump_yaml(path, values[name])
        elif not path.exists():
            shutil.copy(ROOT / name, path)
        apply_overrides(path, changes.get(name, []))
    return {name: read_yaml(folder / name) for name in values or FILES}


def flags_of(name: str, values: dict[str, dict]) -> list[str]:
    return flags({path: list(overrides(new, values[path])) for path, new in complete(name, FOLDER).items()})


def flags_from(wanted: dict, current: dict) -> list[str]:
    return flags({"params.yaml": list(overrides(wanted, current))})


def test_mini_is_what_stands_in_git():
    assert complete("mini", FOLDER) == FILES, "run `make deps`"


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_valid(tmp_path, name):
    applied = apply(tmp_path, flags_of(name, FILES))
    assert applied == complete(name, FOLDER)
    validate_ablations(applied[ABLATIONS], validate(applied["params.yaml"], name), name)
    sets = load(name, FOLDER).get("eval", {}).get("sets", FILES["params.yaml"]["eval"]["sets"])
    assert set(applied["params.yaml"]["eval"]["sets"]) == set(sets)


@pytest.mark.parametrize(("first", "second"), zip(PROFILES, [*PROFILES[1:], PROFILES[0]], strict=True))
def test_profiles_do_not_stack(tmp_path, first, second):
    """After any profile, and any change of a user's, a profile is the same as alone; the comments do no harm."""
    apply(tmp_path, flags_of(first, FILES))
    edits = ["seed=7", "prepare.leakage=keep", "++mine.a=1", "eval.published=[bge-m3]", "data.nli.files=[more.csv]"]
    edits += [f"{ABLATIONS}:{change}" for change in ("++variants.mine.path=[retrieval]", "seeds=[1,2]")]
    before = apply(tmp_path, [part for edit in edits for part in ("-S", edit)])
    assert before["params.yaml"]["seed"] == 7 and before[ABLATIONS]["seeds"] == [1, 2]
    assert apply(tmp_path, flags_of(second, before)) == complete(second, FOLDER)


def test_what_is_set_back_is_told_and_a_refused_profile_stops_the_run(tmp_path, monkeypatch, capsys):
    shutil.copytree(FOLDER, tmp_path / "params")
    apply(tmp_path, ["-S", "seed=7"])
    monkeypatch.chdir(tmp_path)
    main(["small"])
    printed = capsys.readouterr()
    assert "set back: seed (give" in printed.err and "-S ++seed=42" in printed.out
    with pytest.raises(UserError, match="no profile 'papr'; .* holds: e5, files, mini, paper, small"):
        main(["papr"])
    assert capsys.readouterr().out.split() == [REFUSED]


@pytest.mark.parametrize("text", ["a b", "it's", "${seed}"])
def test_a_value_that_the_shell_would_split_is_refused(text):
    with pytest.raises(UserError, match="spaces"):
        override(text)


WORDS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="'\\$*?"), max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS
NUMBER_LIKE = st.sampled_from(["2024_10", "0100", "12:30", "1e3", "yes", "null", "true", "nan", "", "[1]", "a=b"])


@given(value=SCALARS | NUMBER_LIKE | st.lists(SCALARS | NUMBER_LIKE, max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_value_arrives_as_the_profile_has_it(tmp_path_factory, value):
    before, after = ({"data": {"text": {"name": name}}} for name in ("another", value))
    given_flags = flags_from(after, before)
    assert all(len(flag.split()) == 1 for flag in given_flags)
    written = apply(tmp_path_factory.mktemp("params"), given_flags, {"params.yaml": before})["params.yaml"]
    applied = written["data"]["text"]["name"]
    assert (applied, type(applied)) == (value, type(value))


def test_a_key_with_a_dot_is_refused():
    with pytest.raises(UserError, match=r"profile key eval.sets.faq.v2: a dot in a key is a level to DVC"):
        flags_from({"eval": {"sets": {"faq.v2": {"title": True}}}}, FILES["params.yaml"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: &a {anti_forgetting: *a}", r"bad.yaml: .*; expected blocks, lists"),
        ("seed: {a: 1}", r"bad.yaml: seed: {'a': 1} is not allowed"),
    ],
)
def test_a_profile_that_is_no_profile_is_one_line(tmp_path, text, message):
    shutil.copy(FOLDER / "mini.yaml", tmp_path)
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(UserError, match=message):
        validate(complete("bad", tmp_path)["params.yaml"], "params/bad.yaml")


def test_open_mappings_are_replaced_whole():
    values = {"a": {"b": 1, "c": 2}, "eval": {"sets": {"x": {}}}}
    merged = merge(values, {"a": {"b": 3}, "eval": {"sets": {"y": {"title": True}}}})
    assert merged == {"a": {"b": 3, "c": 2}, "eval": {"sets": {"y": {"title": True}}}}
    expected = ["-S", "++a.b=3", "-S", "~eval.sets.x", "-S", "++eval.sets.y.title=true"]
    assert flags_from(merged, values) == expected

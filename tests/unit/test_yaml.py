"""YAML: one loader, which sees the values that DVC sees, and refuses in one line what is no YAML."""

import re
import string

import pytest
from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.files import read_yaml
from src.params import load_params
from tests.checkout import ROOT

SCALARS = {"0100": 100, "12:30": "12:30", "1e3": 1000.0, "yes": "yes", "2024_10": 202410, '"2024_10"': "2024_10"}


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_a_scalar_is_read_by_yaml_1_2(tmp_path, text, value):
    (tmp_path / "params.yaml").write_text(f"seed: {text}\n")
    assert read_yaml(tmp_path / "params.yaml") == {"seed": value}


LIKE_NUMBERS = st.text("0123456789_:.eE+-xob", min_size=1, max_size=8)
WORDS = st.sampled_from(["yes", "No", "on", "OFF", "~", "null", "TRUE", ".inf", ".NaN", "2024-11-25", "!!str 1", "<<"])


@given(text=LIKE_NUMBERS | WORDS | st.text(string.printable, max_size=20))
@example(text="1_000")
@settings(max_examples=300, deadline=None)
def test_any_scalar_is_read_as_dvc_reads_it(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("yaml") / "params.yaml"
    path.write_text(f"seed: {text}\n", encoding="utf-8", newline="")
    try:
        expected = parse_yaml(path.read_text(encoding="utf-8"), path)
    except (YAMLFileCorruptedError, ValueError, RecursionError):
        with pytest.raises(UserError, match=r"params\.yaml"):
            read_yaml(path)
        return
    assert repr(read_yaml(path) or {}) == repr(expected)


def test_a_key_that_stands_twice_is_named(tmp_path):
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    line = text[: text.index("\neval:")].count("\n") + 2
    (tmp_path / "params.yaml").write_text(text.replace("\neval:", "\nseed: 9\neval:"), encoding="utf-8")
    with pytest.raises(UserError, match=rf"params\.yaml:{line}: .*duplicate key \"seed\""):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize(
    "text",
    ["a: [1\n", "a: !!int x", "a: 2024-13-45", "a: " + "9" * 5000, "[" * 100_000],
)
def test_what_is_no_yaml_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "hub.yaml").write_text(text)
    with pytest.raises(UserError, match=r"hub\.yaml") as caught:
        read_yaml(tmp_path / "hub.yaml")
    assert "\n" not in str(caught.value)


def test_nothing_else_reads_yaml():
    """PyYAML reads YAML 1.1, where `0100` is 64 and `yes` is true."""
    files = [path for folder in ("src", "tools", "bench", "tests") for path in (ROOT / folder).rglob("*.py")]
    assert not [path for path in files if re.search(r"^\s*(import|from) yaml\b", path.read_text("utf-8"), re.MULTILINE)]

"""Values from files against what they should be: faults are named by file and key, sound values come back unchanged."""

import json
from dataclasses import dataclass
from typing import Annotated, NotRequired

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from src.checked import read_result, validated
from src.errors import UserError
from src.files import write_json


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: Annotated[int, Field(ge=2)]
    share: Annotated[float, Field(strict=True)] | None = None


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    parts: dict[str, Part]

    @model_validator(mode="after")
    def _is_named(self):
        if not self.name:
            raise ValueError("name is empty")
        return self


class Result(TypedDict):
    set: str
    scores: dict[str, float]
    note: NotRequired[str]


@dataclass(frozen=True)
class Verdict:
    id: str
    figure: float | int | None


def fault(kind, value):
    with pytest.raises(UserError) as caught:
        validated(kind, value, "x.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"name": "a"}, "x.yaml: parts: missing"),
        ({"name": "", "parts": {}}, "x.yaml: name is empty"),
        ({"name": "a", "parts": {"b": {"size": 1}}}, "x.yaml: parts.b.size: 1 is not allowed: Input should be greater"),
        (["a"], "x.yaml: file: ['a'] is not allowed: Input should be a valid dictionary"),
    ],
)
def test_a_fault_names_file_key_value_and_what_is_expected(value, message):
    assert fault(Whole, value).startswith(message)


def test_all_faults_stand_in_one_line():
    said = fault(Whole, {"parts": {"b": {"size": 1}, "c": {"size": "many\nlines"}}, "more": 0})
    assert "\n" not in said
    assert [part.split(":")[0] for part in said.removeprefix("x.yaml: ").split("; ")] == [
        *("more", "name", "parts.b.size", "parts.c.size")
    ]


def test_the_alternatives_of_a_union_are_no_keys():
    said = fault(Whole, {"name": "a", "parts": {"b": {"size": 2, "share": "half"}}})
    assert "parts.b.share: 'half' is not allowed" in said
    assert "float" not in said.split(" is not allowed")[0]


@given(st.text(min_size=200, max_size=500))
def test_a_long_value_is_cut(text):
    assert len(fault(Part, {"size": text})) < 300


@given(st.text(), st.dictionaries(st.text(), st.floats(allow_nan=False) | st.integers(-9, 9)), st.text() | st.none())
def test_a_result_is_read_as_it_stands(tmp_path_factory, name, scores, note):
    path = tmp_path_factory.mktemp("result") / "x.json"
    value = {"set": name, "scores": scores, "more": 1} | ({} if note is None else {"note": note})
    path.write_text(json.dumps(value), encoding="utf-8")
    result = read_result(Result, path)
    assert result == value
    assert [type(score) for score in result["scores"].values()] == [type(score) for score in scores.values()]


@pytest.mark.parametrize("value", [{"set": "a"}, {"set": "a", "scores": {"b": None}}, [], None])
def test_what_is_no_result_is_refused(tmp_path, value):
    write_json(tmp_path / "x.json", value)
    with pytest.raises(UserError, match=r"x\.json: "):
        read_result(Result, tmp_path / "x.json")


def test_a_dataclass_is_made_of_its_fields():
    assert validated(list[Verdict], [{"id": "a", "figure": 1}], "x.json") == [Verdict("a", 1)]
    assert fault(list[Verdict], [{"id": "a"}]) == "x.yaml: 0.figure: missing"

"""Two metrics files agree, or the numbers that do not are listed."""

import pytest

from src.cli.parity import differences, main, numbers
from src.errors import UserError
from src.files import write_json


def test_numbers_of_every_depth_have_dotted_keys():
    value = {"set": {"bm25": {"P@1": 0.5}}, "list": [1, {"x": 2}], "name": "a", "flag": True}
    assert dict(numbers(value)) == {"set.bm25.P@1": 0.5, "list.0": 1.0, "list.1.x": 2.0}


def test_a_difference_within_tolerance_is_none():
    assert differences({"a": 0.50}, {"a": 0.52}, 0.03) == []


def test_a_wider_difference_and_a_missing_number_are_listed():
    found = differences({"a": 0.5, "b": 1}, {"a": 0.6, "c": 1}, 0.03)
    assert found == ["b: only before", "c: only after", "a: 0.5000 → 0.6000 (+0.1000)"]


def test_the_program_prints_the_widest_difference_or_fails(tmp_path, capsys):
    one, two = str(tmp_path / "1.json"), str(tmp_path / "2.json")
    write_json(one, {"a": 0.5})
    write_json(two, {"a": 0.51})
    main([one, two, "0.02"])
    assert "widest difference is 0.010000" in capsys.readouterr().out
    with pytest.raises(UserError, match="1 numbers differ"):
        main([one, two, "0.001"])

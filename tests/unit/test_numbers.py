"""Two files of numbers agree, or the numbers that do not are listed."""

from src.numbers import differences, numbers


def test_numbers_of_every_depth_have_dotted_keys():
    value = {"set": {"bm25": {"P@1": 0.5}}, "list": [1, {"x": 2}], "name": "a", "flag": True}
    assert numbers(value) == {"set.bm25.P@1": 0.5, "list.0": 1.0, "list.1.x": 2.0}


def test_a_wider_difference_and_a_missing_number_are_listed():
    listed = differences({"a": 0.5, "b": 1, "d": 0.50}, {"a": 0.6, "c": 1, "d": 0.52}, 0.03)
    assert listed == ["b: only before", "c: only after", "a: 0.5000 → 0.6000 (+0.1000)"]

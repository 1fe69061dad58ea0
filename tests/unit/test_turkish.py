"""Case and folding as Turkish has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.turkish import fold, lower, upper


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("İstanbul", "istanbul"),
        ("ISI", "ısı"),
        ("IĞDIR", "ığdır"),
        ("I\u0307zmir", "izmir"),
        ("ÇÖĞÜŞ", "çöğüş"),
        ("Türkiye'nin", "türkiye'nin"),
    ],
)
def test_lower(text, expected):
    assert lower(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("ığdır", "IĞDIR"), ("izmir", "İZMİR"), ("diş", "DİŞ"), ("dış", "DIŞ")])
def test_upper(text, expected):
    assert upper(text) == expected


def test_fold_drops_the_circumflex_that_writers_leave_out():
    assert fold("KÂĞIT") == fold("kağıt") == "kağıt"


@given(st.text(alphabet="abcçdefgğhıijklmnoöprsştuüvyz '0123456789"))
def test_lower_undoes_upper(text):
    assert lower(upper(text)) == text


@given(st.text())
def test_fold_is_idempotent(text):
    assert fold(fold(text)) == fold(text)

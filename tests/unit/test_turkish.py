"""Case and folding as Turkish has them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.turkish import fold, lower, upper


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("İstanbul", "istanbul"),
        ("ISI", "ısı"),
        ("I\u0307zmir", "izmir"),
        ("ÇÖĞÜŞ", "çöğüş"),
        ("ı\u0307\u0307", "ı"),
        ("I\u0323\u0307 i\u0323\u0307 İ\u0327", "ị ị i\u0327"),
        ("ż ȧ", "ż ȧ"),
    ],
)
def test_lower(text, expected):
    assert lower(text) == expected


@pytest.mark.parametrize(("text", "expected"), [("ığdır", "IĞDIR"), ("izmir", "İZMİR")])
def test_upper(text, expected):
    assert upper(text) == expected


def test_fold_drops_the_circumflex_that_writers_leave_out():
    assert fold("KÂĞIT") == fold("kağıt") == "kağıt"


@given(st.text(alphabet="abcçdefgğhıijklmnoöprsştuüvyz '0123456789"))
def test_lower_undoes_upper(text):
    assert lower(upper(text)) == text


MARKED = st.text(alphabet="aAâiIıİî\u0302\u0307\u0323\u0327\u0301\u0331\u034fhHΣ’'")


@given(st.text() | MARKED)
def test_lower_case_is_composed_and_stays(text):
    assert lower(lower(text)) == lower(text) == unicodedata.normalize("NFC", lower(text))


@given(st.text() | MARKED)
def test_lower_case_is_the_same_however_letters_are_composed(text):
    assert lower(unicodedata.normalize("NFD", text)) == lower(text)


@given(st.text() | MARKED)
def test_fold_is_idempotent(text):
    assert fold(fold(text)) == fold(text)

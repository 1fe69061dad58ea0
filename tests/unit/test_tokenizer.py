"""The tokenizer folds Turkish case by itself, cuts words where suffixes start, and is the same on every run."""

import re
import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from src.errors import UserError
from src.model.tokenizer import (
    BEGIN,
    END,
    SPECIAL_TOKENS,
    UNKNOWN,
    WORD_START,
    normalizer,
    pre_tokenizer,
    train_tokenizer,
)
from src.turkish import APOSTROPHES, INVISIBLE, lower

TEXTS = [
    "Ankara'ya giden trenler İzmir'den kalkıyor.",
    "Işıklar söndü; evlerimizdekiler 1453 yılını konuşuyordu.",
    "Evlerden gelen sesler, ışıkların sönmesiyle kesildi.",
    "İZMİR’İN IŞIKLARI (eski adıyla) 1453'te yoktu.",
] * 8
TURKISH = st.text(alphabet="abcçdefgğhıijklmnoöprsştuüvyzABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZ ", max_size=40)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(TEXTS, 120)


def words(text: str) -> list[str]:
    return [part for part, _ in pre_tokenizer().pre_tokenize_str(normalizer().normalize_str(text))]


def lowered(text: str) -> str:
    """What the normalizer should make of a text, by `src.turkish`; word starts left out."""
    visible = regex.sub(INVISIBLE, "", text)
    text = re.sub(f"[{APOSTROPHES}]+", "'", lower(visible))
    return re.sub("[“”„«»]", '"', text).replace(WORD_START, "")


MARKED = st.text(alphabet="aAâiIıİî\u0302\u0307\u0323\u0327\u0301\u0331\u034f\u00ad\u200dhHΣ’'ʼ ")


@given(MARKED | TURKISH)
def test_case_is_folded_as_in_src_turkish(text):
    assert normalizer().normalize_str(text).replace(WORD_START, "") == lowered(text)


def test_every_known_character_is_folded_as_in_src_turkish():
    # The library knows letters of a later Unicode than Python does; these have no case yet here.
    known = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cs", "Cn")]
    text = "\n".join(known)
    assert normalizer().normalize_str(text).replace(WORD_START, "") == lowered(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((f"{sign}Ankara{sign}ya", "' ▁ankara ' ya") for sign in sorted(APOSTROPHES)),
        ("Ankara''ya ’’Ankara’’", "▁ankara ' ya ' ▁ankara '"),
        ("(TDK)'nin “Mavi”'de", "( ▁tdk ) ' nin \" ▁mavi \" ' de"),
        ("I\u0307zmir", "▁izmir"),
        ("Ankara'ya (İzmir’den) 5km, 1453'te!", "▁ankara ' ya ( ▁izmir ' den ) 5 ▁km , 1453 ' te !"),
        ('"Işık" ışık', '" ▁ışık " ▁ışık'),
    ],
)
def test_words_suffixes_numbers_and_signs_are_kept_apart(text, expected):
    assert words(text) == expected.split()


def test_begin_and_end_frame_a_text_and_special_ids_are_those_of_xlm_r(tokenizer):
    ids = tokenizer.encode("ışık").ids
    assert (ids[0], ids[-1]) == (BEGIN, END)
    assert [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS] == [0, 1, 2, 3, 4]


def test_unknown_letters_become_one_unknown_token(tokenizer):
    assert tokenizer.encode("漢字漢").ids.count(UNKNOWN) == 1


def test_a_vocabulary_smaller_than_the_alphabet_is_refused():
    with pytest.raises(UserError, match=r"base_model\.vocab_size: 10 is too small: the text has \d+ characters"):
        train_tokenizer(TEXTS, 10)


def test_no_text_is_refused():
    with pytest.raises(UserError, match="no text to train a tokenizer on"):
        train_tokenizer([], 100)

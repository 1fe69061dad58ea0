"""BM25: Turkish words, and Lucene's scores by an implementation of its own."""

import math
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from src.data.text import clean
from src.evaluation.lexical import K1, B, Bm25, lemmas, stems, words
from src.turkish import APOSTROPHES, fold, lower, upper

LEMMAS = lemmas()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((f"{sign}Ankara{sign}ya {sign}{sign}giden{sign}{sign}", ["ankara", "giden"]) for sign in sorted(APOSTROPHES)),
        ("TÜBİTAK'ın 1963'te kurulması", ["tübitak", "1963", "kurulması"]),
        (unicodedata.normalize("NFD", "İstanbul'da şöyle"), ["istanbul", "şöyle"]),
        ("SARS-CoV-2, %12,5", ["sars", "cov", "2", "12", "5"]),
        ("i\u0307zmir'de incir", ["izmir", "incir"]),
    ],
)
def test_words_are_folded_and_cut_at_the_apostrophe(text, expected):
    assert words(text) == expected


@given(st.text(alphabet="aâbcçıiİIşğ\u0302\u0307\u0327' ’ʼ.\t\xa0"))
def test_words_are_the_same_before_cleaning_and_after(text):
    mended = Counter()
    cleaned = clean(text, mended)
    assume("mojibake" not in mended)  # letters that were another letter's bytes, such as Î and a fixed space for Π
    assert words(text) == words(cleaned)


def test_stems_bring_forms_of_a_word_together():
    stem = stems()
    assert stem("İstanbul'un") == stem("istanbul'da")
    assert stem("kitaplar") == stem("kitap") == stem("KİTAPLARI")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("İstanbul'un ISTANBUL İSTANBUL", ["istanbul", "ıstanbul", "istanbul"]),
        ("iğnesi İĞNENİN ıspanakların", ["iğne", "iğne", "ıspanak"]),
        ("Ankara'ya 1963'te gittiğinde", ["ankara", "1963", "git"]),
        (unicodedata.normalize("NFD", "gölün ağacı"), ["göl", "ağaç"]),
    ],
)
def test_lemmas_are_dictionary_forms_of_folded_words(text, expected):
    assert LEMMAS(text) == expected


TURKISH = "abcçdefgğhıijklmnoöprsştuüvyzâîûIİÂÎÛ'’- 12"


@given(text=st.text(st.sampled_from(TURKISH) | st.characters(), max_size=60))
def test_every_word_has_a_lemma_and_letter_case_changes_none(text):
    lemmas_ = LEMMAS(text)
    assert len(lemmas_) == len(words(text))
    assert all(word and word == fold(word) for word in lemmas_)
    turkish = "".join(letter for letter in text if letter in TURKISH)
    assert LEMMAS(upper(turkish)) == LEMMAS(lower(turkish))


def lucene_bm25(counts: list[Counter[str]], query: list[str]) -> np.ndarray:
    """Scores of all documents, written out from Lucene's BM25Similarity."""
    lengths = np.array([count.total() for count in counts])
    scores = np.zeros(len(counts))
    for word in query:
        tf = np.array([count[word] for count in counts])
        n = np.count_nonzero(tf)
        idf = math.log(1 + (len(counts) - n + 0.5) / (n + 0.5))
        scores += idf * tf / (tf + K1 * (1 - B + B * lengths / lengths.mean()))
    return scores


def test_scores_are_lucenes():
    texts = ["bir iki iki", "iki üç", "dört", "", "bir bir beş altı yedi"]
    scores, rows = Bm25(texts, str.split).search(["iki bir", "bir bir", "sekiz"], 5)
    for query, got, at in zip(["iki bir", "bir bir"], scores, rows, strict=False):
        expected = lucene_bm25([Counter(text.split()) for text in texts], query.split())
        hits = at[at >= 0]
        assert set(hits) == set(np.flatnonzero(expected))
        np.testing.assert_allclose(got[: len(hits)], expected[hits], atol=1e-6)
    assert (rows[2] == -1).all()


def test_ties_go_to_the_lower_row_also_at_the_cut():
    scores, rows = Bm25(["a b", "x y", "a c", "a d"], str.split).search(["a"], 2)
    assert rows.tolist() == [[0, 2]]
    assert scores[0, 0] == scores[0, 1]


def test_a_document_without_words_is_no_hit_of_bm25():
    _, rows = Bm25(["", "... !!", "bir söz"], words).search(["söz", "", "?"], 3)
    assert rows.tolist() == [[2, -1, -1], [-1] * 3, [-1] * 3]

"""Mixes of retrieval pairs: equal size, shares kept, pairs made from passages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.ablation.mix import counts, inverse_cloze, mixed, sample, sentences, title_passage
from src.errors import UserError

PASSAGE = "Ali 13. yüzyılda doğdu. İlk kitabını Şam’da yazdı! “Çok okundu.” Öldüğünde altmış yaşındaydı."


def rows():
    native = [
        {"anchor": f"soru {n}", "positive": f"{PASSAGE} Kayıt {n} burada biter.", "source": "native"} for n in range(40)
    ]
    return native + [{"anchor": f"query {n}", "positive": f"Tek tümce {n}", "source": "translated"} for n in range(20)]


def test_sentences_end_before_a_capital_alone():
    assert sentences(PASSAGE) == [
        "Ali 13. yüzyılda doğdu.",
        "İlk kitabını Şam’da yazdı!",
        "“Çok okundu.",
        "Öldüğünde altmış yaşındaydı.",
    ]


@given(st.integers(0, 200))
def test_a_cloze_pair_is_a_sentence_and_the_rest_of_its_passage(seed):
    pair = inverse_cloze(PASSAGE, np.random.default_rng(seed))
    parts = sentences(PASSAGE)
    rest = [part for part in parts if part != pair["anchor"]]
    assert pair["anchor"] in parts and pair["positive"] in (" ".join(rest), " ".join(parts))


def test_a_tenth_of_the_cloze_sentences_stay():
    random = np.random.default_rng(0)
    kept = [pair["anchor"] in pair["positive"] for pair in (inverse_cloze(PASSAGE, random) for _ in range(1000))]
    assert 0.07 < np.mean(kept) < 0.13


@pytest.mark.parametrize("text", ["Tek tümce burada.", "", "Bir. İki. Üç."])
def test_a_passage_without_a_sentence_to_spare_makes_no_pair(text):
    random = np.random.default_rng(0)
    assert inverse_cloze(text, random) is None and title_passage(text, random) is None


def test_the_first_sentence_stands_for_a_title():
    pair = title_passage(PASSAGE, np.random.default_rng(0))
    assert pair["anchor"] == "Ali 13. yüzyılda doğdu." and not pair["positive"].startswith("Ali")


def test_a_mix_has_its_size_and_shares():
    pairs = mixed(rows(), {"native": 0.5, "translated": 0.25, "inverse_cloze": 0.25}, 40, seed=1)
    tags = [row["source"] for row in pairs]
    assert len(pairs) == 40 and [tags.count(tag) for tag in ("native", "translated", "inverse_cloze")] == [20, 10, 10]
    assert pairs == mixed(rows(), {"native": 0.5, "translated": 0.25, "inverse_cloze": 0.25}, 40, seed=1)
    assert len({(row["anchor"], row["positive"]) for row in pairs}) == 40


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=6), st.integers(1, 1000))
def test_counts_add_up(shares, size):
    sizes = counts([share / sum(shares) for share in shares], size)
    assert sum(sizes) == size and min(sizes) >= 0


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        (
            {"translated": 1.0},
            "needs 40 pairs of 'translated', and there are 20; the sources are native, translated",
        ),
        ({"unknown": 1.0}, "there are 0"),
        ({"title_passage": 1.0}, None),
    ],
)
def test_a_mix_that_cannot_be_is_refused(mix, message):
    if message is None:
        assert len(mixed(rows(), mix, 40, seed=1)) == 40
        with pytest.raises(UserError, match="needs 41"):
            mixed(rows(), mix, 41, seed=1)
        return
    with pytest.raises(UserError, match=message):
        mixed(rows(), mix, 40, seed=1)


def test_a_sample_keeps_the_order():
    numbers = [rows().index(row) for row in sample(rows(), 10, seed=2)]
    assert len(numbers) == 10 and numbers == sorted(numbers)

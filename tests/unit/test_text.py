"""Cleaning: damage is mended, sound Turkish stays, and every reader gives the same text."""

import json
import unicodedata
from collections import Counter

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from src.data.columns import KINDS
from src.data.evaluation_set import read_beir
from src.data.text import clean, is_mojibake, key
from src.data.training_set import clean_rows
from src.search.__main__ import check_query, read_documents
from src.turkish import APOSTROPHES

LETTERS_AND_SIGNS = "Türkçe ığüşöç İĞÜŞÖÇ Âşık kâğıt ÂMÂ Şûrâ “tırnak” ‘tek’ evet… € • é Москва Ελλάδα العربية 😀"
WORDS = [*LETTERS_AND_SIGNS.split(), "kardeşler", "dağda", "AĞRI", "Şile’de"]
CONTEXTS = ("{}", "Önce {} sonra", "({})", "“Ah Leylâ…” dedi, {} LEYLÂ »", "{}’nin Mollâ’nın")
# Word ends and signs that together look like UTF-8 in Windows-1252 or 1254.
ENDS = st.sampled_from(
    ["Leylâ", "Mollâ", "hâlâ", "LEYLÂ", "“Â", "KPÇ", "İTÜ", "A.Ş", "SEKÎ", "BDDİ", "dağ", "OĞ", "café"]
)
SIGNS = st.text(alphabet="‘’“”–—…•.,;:!?)'\"", max_size=4)
NOISE = st.text(alphabet="aiıİIâÃÂÄÅ¼§±°\u0302\u0307\u0323\u00ad\u200b\u200d\u2066\ufe0f\U000e0041\x92\x85 \t\xa0’€œ")


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("encoding", ["sloppy-windows-1252", "sloppy-windows-1254", "latin-1"])
@pytest.mark.parametrize("times", [1, 2])
def test_damage_is_undone_whatever_stands_beside_it(word, encoding, times):
    damaged = word
    for _ in range(times):
        damaged = damaged.encode("utf-8").decode(encoding)
    for context in CONTEXTS:
        noted: Counter[str] = Counter()
        assert clean(context.format(damaged), noted) == context.format(word)
        assert noted == {"mojibake": 1}


@pytest.mark.parametrize(
    "text",
    ["İstanbul’da çağrı yapıldı", "ŞİŞLİ ÇAĞLAYAN", "Kâğıt, ‘yıl’ ve (Iğdır)", "Şükrü’nün ağacı", "çocuğun Kırşehir’i"],
)
def test_turkish_letters_read_as_latin1_are_undone(text):
    noted: Counter[str] = Counter()
    assert clean(text.encode("cp1254").decode("cp1252"), noted) == text
    assert noted == {"Turkish letters read as Latin-1": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yaklaşık 25Â°C", "yaklaşık 25°C"),
        ("İstanbul\x92da \x93Mavi\x94", "İstanbul’da “Mavi”"),
        ("ï»¿baÅŸkent Ankara", "başkent Ankara"),
        ("\ufeffbir\u200b  iki\t\nu\u0308ç\x07", "bir iki üç"),
        ("so\u00adğuk \u2066ok\u2069 \u115fx\ufe0f\U000e0041\u034f", "soğuk ok x"),
    ],
)
def test_other_damage_is_mended(text, expected):
    assert clean(text) == expected


@given(ENDS, SIGNS, st.sampled_from(["", "nın", " dedi", " LEYLÂ’NIN"]))
def test_sound_turkish_before_signs_stays(end, signs, after):
    text = f"{end}{signs}{after}"
    noted: Counter[str] = Counter()
    assert clean(text, noted) == text
    assert not noted and not is_mojibake(text)


@pytest.mark.parametrize(
    "text",
    [
        "“Ah Leylâ…” dedi",
        "«IRMÃ», «MANHÃ» e “AMANHÔ São João’da, MÃE ‘NÃO’",
        "A.Ş’nin İTÜ’nün KPÇ’nin José’nin",
        "f(x) ≤ 5 × 10² ½ 50€ 20 °C",
        "Seyðisfjörður ve Þórður",
        "Ý ile Þ harfleri",
        "Ελλάδα, Москва, العربية, हिन्दी, 漢字",
    ],
)
def test_sound_text_stays(text):
    noted: Counter[str] = Counter()
    assert clean(text, noted) == unicodedata.normalize("NFC", text)
    assert not noted and not is_mojibake(text)


SMALL, CAPITAL = "abcçdefgğhıijklmnoöprsştuüvyzâîû", "ABCÇDEFGĞHIİJKLMNOÖPRSŞTUÜVYZÂÎÛ"


@given(st.text() | NOISE)
def test_cleaning_is_idempotent(text):
    once = clean(text)
    assert clean(once) == once == once.strip()
    assert not any(unicodedata.category(letter) == "Cc" for letter in once)


@given(st.text(alphabet="aâiıİIşs\u0302\u0307\u0327 \t\xa0’'.-"))
def test_a_key_is_the_same_before_cleaning_and_after(text):
    noted: Counter[str] = Counter()
    cleaned = clean(text, noted)
    assume(not noted["mojibake"])  # a repaired word has another key
    assert key(cleaned) == key(text)


def test_keys_ignore_case_punctuation_circumflex_and_the_dot_of_lower():
    assert key("  KÂĞIT, İstanbul’da!") == key("kağıt istanbul da") == key("kağıt i\u0307stanbul da")


@pytest.mark.parametrize("sign", sorted(APOSTROPHES))
def test_a_key_is_the_same_with_every_apostrophe(sign):
    assert key(f"Ankara{sign}ya {sign}bak{sign}") == "ankara ya bak"


@given(st.text(alphabet=SMALL + CAPITAL.replace("Â", "") + " .,'’"))
def test_to_compose_letters_counts_as_no_damage(text):
    noted: Counter[str] = Counter()
    assert clean(unicodedata.normalize("NFD", text), noted) == " ".join(text.split())
    assert not noted


def test_damage_beyond_repair_is_seen():
    assert is_mojibake("KÃ¼Ã§Ã¼k")
    assert is_mojibake("K\ufffd\ufffd\ufffdk") and not is_mojibake("\ufffd işareti")
    assert not is_mojibake("küçük Âlem, Leylâ’nın, Mollâ’nın")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"])) | NOISE)
def test_every_reader_gives_the_same_text(tmp_path, text):
    expected = clean(text)
    train, corpus, queries = (tmp_path / name for name in ("train.jsonl", "corpus.jsonl", "queries.jsonl"))
    train.write_text(json.dumps({"text": text}) + "\n")
    rows = [row["text"] for row in clean_rows(KINDS["text"], [train], 50, unique=True).rows]
    assert rows == [expected] * bool(expected and not is_mojibake(expected))

    corpus.write_text(json.dumps({"_id": "d", "title": text, "text": text}) + "\n")
    queries.write_text(json.dumps({"_id": "q", "text": text}) + "\n")
    (tmp_path / "qrels").mkdir(exist_ok=True)
    (tmp_path / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td\t1\n")
    beir = read_beir(tmp_path)
    assert (beir.documents, beir.queries) == ({"d": (expected, expected)}, {"q": expected})

    if expected:
        assert check_query(text) == expected
        assert [document.text for document in read_documents(train)] == [expected]

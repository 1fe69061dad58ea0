"""Inflection against forms that a speaker writes."""

import pytest

from src.world.morphology import ABLATIVE, ACCUSATIVE, GENITIVE, LOCATIVE, Noun, Verb, attach, question

KITAP, AGAC, RENK = Noun("kitap", soft=True), Noun("ağaç", soft=True), Noun("renk", soft=True)
DIKKAT, AKIL, GOZ, KUYU = Noun("dikkat", front=True), Noun("akıl", drops=True), Noun("göz"), Noun("kuyu")
SURE, TANSIYON = Noun("uyku süresi", possessed=True), Noun("tansiyon")


@pytest.mark.parametrize(
    ("noun", "case", "expected"),
    [
        (KITAP, ACCUSATIVE, "kitabı"),
        (KITAP, LOCATIVE, "kitapta"),
        (KITAP, ABLATIVE, "kitaptan"),
        (KITAP, GENITIVE, "kitabın"),
        (AGAC, ACCUSATIVE, "ağacı"),
        (AGAC, LOCATIVE, "ağaçta"),
        (RENK, ACCUSATIVE, "rengi"),
        (RENK, ABLATIVE, "renkten"),
        (DIKKAT, ACCUSATIVE, "dikkati"),
        (DIKKAT, LOCATIVE, "dikkatte"),
        (AKIL, ACCUSATIVE, "aklı"),
        (AKIL, LOCATIVE, "akılda"),
        (GOZ, ACCUSATIVE, "gözü"),
        (GOZ, GENITIVE, "gözün"),
        (GOZ, ABLATIVE, "gözden"),
        (KUYU, ACCUSATIVE, "kuyuyu"),
        (KUYU, GENITIVE, "kuyunun"),
        (KUYU, LOCATIVE, "kuyuda"),
        (TANSIYON, ACCUSATIVE, "tansiyonu"),
        (SURE, ACCUSATIVE, "uyku süresini"),
        (SURE, LOCATIVE, "uyku süresinde"),
        (SURE, ABLATIVE, "uyku süresinden"),
        (SURE, GENITIVE, "uyku süresinin"),
    ],
)
def test_cases(noun, case, expected):
    assert noun.case(case) == expected


@pytest.mark.parametrize(("noun", "expected"), [(KITAP, "kitaplar"), (GOZ, "gözler"), (DIKKAT, "dikkatler")])
def test_plurals(noun, expected):
    assert noun.plural().text == expected


VERBS = {
    "artır": Verb("artır"),
    "önle": Verb("önle"),
    "koru": Verb("koru"),
    "et": Verb("et", "A", soft=True),
    "boz": Verb("boz", "A"),
    "düşür": Verb("düşür"),
}


@pytest.mark.parametrize(
    ("stem", "tense", "expected"),
    [
        ("artır", "past", "artırdı"),
        ("artır", "reported", "artırmış"),
        ("artır", "aorist", "artırır"),
        ("artır", "denied", "artırmaz"),
        ("önle", "past", "önledi"),
        ("önle", "aorist", "önler"),
        ("önle", "denied", "önlemez"),
        ("koru", "past", "korudu"),
        ("et", "past", "etti"),
        ("et", "aorist", "eder"),
        ("boz", "aorist", "bozar"),
        ("boz", "past", "bozdu"),
        ("düşür", "past", "düşürdü"),
        ("düşür", "reported", "düşürmüş"),
        ("düşür", "denied", "düşürmez"),
    ],
)
def test_tenses(stem, tense, expected):
    assert VERBS[stem].form(tense) == expected


@pytest.mark.parametrize(
    ("stem", "passive", "participle", "nominal", "that"),
    [
        ("artır", "artırıl", "artıran", "artırması", "artırdığı"),
        ("önle", "önlen", "önleyen", "önlemesi", "önlediği"),
        ("koru", "korun", "koruyan", "koruması", "koruduğu"),
        ("et", "edil", "eden", "etmesi", "ettiği"),
        ("boz", "bozul", "bozan", "bozması", "bozduğu"),
    ],
)
def test_derived_forms(stem, passive, participle, nominal, that):
    verb = VERBS[stem]
    assert (verb.passive().stem, verb.who(), verb.noun().text, verb.that().text) == (passive, participle, nominal, that)


def test_negative_derived_forms():
    verb = VERBS["artır"]
    assert (verb.who(negative=True), verb.infinitive()) == ("artırmayan", "artırmak")


@pytest.mark.parametrize(("word", "expected"), [("eder", "mi"), ("artırır", "mı"), ("düşürür", "mü"), ("korur", "mu")])
def test_the_question_particle_harmonises(word, expected):
    assert question(word) == f"{word} {expected}"


@pytest.mark.parametrize(("word", "expected"), [("özütü", "özütüyle"), ("tuz", "tuzla"), ("kil", "kille")])
def test_the_instrumental(word, expected):
    assert attach(word, "(y)lA") == expected

"""Inflection against forms that a speaker writes."""

import pytest

from src.world.morphology import ABLATIVE, ACCUSATIVE, GENITIVE, LOCATIVE, Noun, Verb, attach, question

KITAP, RENK = Noun("kitap", soft=True), Noun("renk", soft=True)
DIKKAT, AKIL, GOZ, KUYU = Noun("dikkat", front=True), Noun("akıl", drops=True), Noun("göz"), Noun("kuyu")
SURE = Noun("uyku süresi", possessed=True)


@pytest.mark.parametrize(
    ("noun", "case", "expected"),
    [
        (KITAP, ACCUSATIVE, "kitabı"),
        (KITAP, LOCATIVE, "kitapta"),
        (RENK, ACCUSATIVE, "rengi"),
        (DIKKAT, ACCUSATIVE, "dikkati"),
        (AKIL, ACCUSATIVE, "aklı"),
        (GOZ, ABLATIVE, "gözden"),
        (KUYU, ACCUSATIVE, "kuyuyu"),
        (KUYU, GENITIVE, "kuyunun"),
        (SURE, ACCUSATIVE, "uyku süresini"),
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
        ("artır", "reported", "artırmış"),
        ("artır", "denied", "artırmaz"),
        ("önle", "past", "önledi"),
        ("et", "past", "etti"),
        ("et", "aorist", "eder"),
        ("boz", "aorist", "bozar"),
        ("düşür", "reported", "düşürmüş"),
    ],
)
def test_tenses(stem, tense, expected):
    assert VERBS[stem].form(tense) == expected


@pytest.mark.parametrize(
    ("stem", "passive", "participle", "nominal", "that"),
    [
        ("artır", "artırıl", "artıran", "artırması", "artırdığı"),
        ("önle", "önlen", "önleyen", "önlemesi", "önlediği"),
        ("et", "edil", "eden", "etmesi", "ettiği"),
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

"""Inflection against forms that a speaker writes."""

import pytest

from src.world.morphology import ABLATIVE, ACCUSATIVE, DATIVE, GENITIVE, LOCATIVE, Noun, Verb, attach, question

KITAP, AGAC, RENK = Noun("kitap", soft=True), Noun("ağaç", soft=True), Noun("renk", soft=True)
DIKKAT, AKIL, GOZ, KUYU = Noun("dikkat", front=True), Noun("akıl", drops=True), Noun("göz"), Noun("kuyu")
SURE, TANSIYON = Noun("uyku süresi", possessed=True), Noun("tansiyon")


@pytest.mark.parametrize(
    ("noun", "case", "expected"),
    [
        (KITAP, ACCUSATIVE, "kitabı"),
        (KITAP, DATIVE, "kitaba"),
        (KITAP, LOCATIVE, "kitapta"),
        (KITAP, ABLATIVE, "kitaptan"),
        (KITAP, GENITIVE, "kitabın"),
        (AGAC, ACCUSATIVE, "ağacı"),
        (AGAC, DATIVE, "ağaca"),
        (AGAC, LOCATIVE, "ağaçta"),
        (RENK, ACCUSATIVE, "rengi"),
        (RENK, ABLATIVE, "renkten"),
        (DIKKAT, ACCUSATIVE, "dikkati"),
        (DIKKAT, DATIVE, "dikkate"),
        (DIKKAT, LOCATIVE, "dikkatte"),
        (AKIL, ACCUSATIVE, "aklı"),
        (AKIL, DATIVE, "akla"),
        (AKIL, LOCATIVE, "akılda"),
        (GOZ, ACCUSATIVE, "gözü"),
        (GOZ, GENITIVE, "gözün"),
        (GOZ, ABLATIVE, "gözden"),
        (KUYU, ACCUSATIVE, "kuyuyu"),
        (KUYU, DATIVE, "kuyuya"),
        (KUYU, GENITIVE, "kuyunun"),
        (KUYU, LOCATIVE, "kuyuda"),
        (TANSIYON, ACCUSATIVE, "tansiyonu"),
        (SURE, ACCUSATIVE, "uyku süresini"),
        (SURE, DATIVE, "uyku süresine"),
        (SURE, LOCATIVE, "uyku süresinde"),
        (SURE, ABLATIVE, "uyku süresinden"),
        (SURE, GENITIVE, "uyku süresinin"),
    ],
)
def test_cases(noun, case, expected):
    assert noun.case(case) == expected


@pytest.mark.parametrize(
    ("noun", "person", "expected"),
    [
        (KITAP, "1s", "kitabım"),
        (KITAP, "2s", "kitabın"),
        (KITAP, "3s", "kitabı"),
        (KITAP, "1p", "kitabımız"),
        (KUYU, "3s", "kuyusu"),
        (KUYU, "1s", "kuyum"),
        (GOZ, "2p", "gözünüz"),
        (AKIL, "3s", "aklı"),
        (GOZ, "3p", "gözleri"),
    ],
)
def test_possessives(noun, person, expected):
    assert noun.of(person).text == expected


def test_a_possessed_noun_takes_n_before_a_case():
    assert Noun("etki").of("3s").case(ABLATIVE) == "etkisinden"


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
    ("stem", "tense", "negative", "expected"),
    [
        ("artır", "present", False, "artırıyor"),
        ("artır", "past", False, "artırdı"),
        ("artır", "reported", False, "artırmış"),
        ("artır", "aorist", False, "artırır"),
        ("artır", "future", False, "artıracak"),
        ("artır", "present", True, "artırmıyor"),
        ("artır", "past", True, "artırmadı"),
        ("artır", "aorist", True, "artırmaz"),
        ("artır", "future", True, "artırmayacak"),
        ("önle", "present", False, "önlüyor"),
        ("önle", "past", False, "önledi"),
        ("önle", "aorist", False, "önler"),
        ("önle", "future", False, "önleyecek"),
        ("önle", "present", True, "önlemiyor"),
        ("önle", "aorist", True, "önlemez"),
        ("koru", "present", False, "koruyor"),
        ("koru", "past", False, "korudu"),
        ("koru", "present", True, "korumuyor"),
        ("et", "present", False, "ediyor"),
        ("et", "past", False, "etti"),
        ("et", "aorist", False, "eder"),
        ("et", "future", False, "edecek"),
        ("et", "present", True, "etmiyor"),
        ("boz", "aorist", False, "bozar"),
        ("boz", "past", False, "bozdu"),
        ("düşür", "past", False, "düşürdü"),
        ("düşür", "reported", False, "düşürmüş"),
        ("düşür", "aorist", True, "düşürmez"),
    ],
)
def test_tenses(stem, tense, negative, expected):
    assert VERBS[stem].form(tense, negative) == expected


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

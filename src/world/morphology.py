"""Turkish inflection by rule: vowel harmony, softening, buffer letters, vowel loss, and the exceptions as flags.

A suffix is written with letters that its stem decides: A is a or e; I is ı, i, u or ü; D is d or t; a letter in
parentheses stands only where two vowels would meet. So the accusative is `(y)I`, the locative `DA`.
"""

from __future__ import annotations

from dataclasses import dataclass

BACK, FRONT, ROUND = "aıou", "eiöü", "oöuü"
VOWELS = BACK + FRONT
VOICELESS = "fstkçşhp"
_SOFT = {"p": "b", "ç": "c", "t": "d", "k": "ğ"}

PLURAL, ACCUSATIVE, LOCATIVE, ABLATIVE, GENITIVE = "lAr", "(y)I", "DA", "DAn", "(n)In"
_TENSES = {"past": "DI", "reported": "mIş", "denied": "mAz"}  # denied: the aorist's negative


@dataclass(frozen=True)
class Noun:
    """A noun phrase whose last word is inflected.

    Attributes:
        text: the dictionary form.
        soft: the last consonant softens before a vowel (kitap → kitabı).
        drops: the last vowel is lost before a vowel (akıl → aklı).
        front: the suffixes take front vowels against the stem's (dikkat → dikkati).
        possessed: the phrase ends in a third-person possessive (uyku süresi), so cases take n (süresini).
    """

    text: str
    soft: bool = False
    drops: bool = False
    front: bool = False
    possessed: bool = False

    def case(self, suffix: str) -> str:
        """The phrase in a case: `Noun("ağaç", soft=True).case(ACCUSATIVE)` → ağacı."""
        if self.possessed:
            rest = suffix.replace("(y)", "").replace("(n)", "")
            return attach(self.text, "n" + rest)
        return attach(self.text, suffix, self.soft, self.drops, self.front)

    def plural(self) -> Noun:
        """The plural, which no exception of the stem reaches but the front vowels."""
        return Noun(attach(self.text, PLURAL, front=self.front))


def attach(stem: str, suffix: str, soft: bool = False, drops: bool = False, front: bool = False) -> str:
    """The stem with one suffix. `attach("kitap", "(y)I", soft=True)` → kitabı."""
    if suffix.startswith("("):
        suffix = suffix[1] + suffix[3:] if stem[-1] in VOWELS else suffix[3:]
    before_vowel = suffix[0] in "AI" + VOWELS
    if before_vowel and soft:
        stem = stem[:-1] + ("g" if stem.endswith("nk") else _SOFT[stem[-1]])
    vowel = _last_vowel(stem)
    if before_vowel and drops:
        last = stem.rindex(vowel)
        stem = stem[:last] + stem[last + 1 :]
    return stem + _spell(suffix, vowel, stem[-1], front)


def _last_vowel(word: str) -> str:
    return next(letter for letter in reversed(word) if letter in VOWELS)


def _spell(form: str, vowel: str, last: str, front: bool) -> str:
    out = ""
    for letter in form:
        spelled = letter
        if letter == "A":
            spelled = "e" if vowel in FRONT or front else "a"
        elif letter == "I":
            spelled = narrow(vowel, front)
        elif letter == "D":
            spelled = "t" if last in VOICELESS else "d"
        if spelled in VOWELS:
            vowel, front = spelled, False
        out += spelled
        last = spelled
    return out


def narrow(vowel: str, front: bool = False) -> str:
    """The ı, i, u or ü that follows a vowel."""
    if vowel in BACK and not front:
        return "u" if vowel in ROUND else "ı"
    return "ü" if vowel in ROUND else "i"


@dataclass(frozen=True)
class Verb:
    """A verb by its stem (artır-), with the aorist's vowel and whether its last consonant softens (et- → eder)."""

    stem: str
    aorist: str = "I"
    soft: bool = False

    def form(self, tense: str) -> str:
        """Third person singular: past, reported, aorist, or denied."""
        if tense == "aorist":
            return attach(self.stem, "r" if self.stem[-1] in VOWELS else f"{self.aorist}r", self.soft)
        return attach(self.stem, _TENSES[tense])

    def noun(self) -> Noun:
        """What it does, as a noun: artırması."""
        return Noun(attach(attach(self.stem, "mA"), "(s)I"), possessed=True)

    def that(self) -> Noun:
        """That it does: artırdığı."""
        return Noun(attach(attach(self.stem, "DIk"), "(s)I", soft=True), possessed=True)

    def infinitive(self) -> str:
        """To do: artırmak."""
        return attach(self.stem, "mAk")

    def who(self, negative: bool = False) -> str:
        """Who does: artıran, artırmayan."""
        stem = attach(self.stem, "mA") if negative else self.stem
        return attach(stem, "(y)An", self.soft and not negative)

    def passive(self) -> Verb:
        """Done to: artırıl-; n after a vowel or l (önle- → önlen-)."""
        last = self.stem[-1]
        if last in VOWELS:
            return Verb(self.stem + "n")
        return Verb(attach(self.stem, "In" if last == "l" else "Il", self.soft))


def question(word: str) -> str:
    """The question particle after a word: düşürür mü."""
    return f"{word} m{narrow(_last_vowel(word))}"

"""Turkish inflection by rule: vowel harmony, softening, buffer letters, vowel loss, and the exceptions as flags.

A suffix is written with letters that its stem decides: A is a or e; I is ı, i, u or ü; D is d or t; a letter in
parentheses stands only where two vowels (or, for `(I)`, two consonants) would meet. So the accusative is `(y)I`, the
locative `DA`.
"""

from __future__ import annotations

from dataclasses import dataclass

BACK, FRONT, ROUND = "aıou", "eiöü", "oöuü"
VOWELS = BACK + FRONT
VOICELESS = "fstkçşhp"
_SOFT = {"p": "b", "ç": "c", "t": "d", "k": "ğ"}

PLURAL, ACCUSATIVE, DATIVE, LOCATIVE, ABLATIVE, GENITIVE = "lAr", "(y)I", "(y)A", "DA", "DAn", "(n)In"
POSSESSIVE = {"1s": "(I)m", "2s": "(I)n", "3s": "(s)I", "1p": "(I)mIz", "2p": "(I)nIz", "3p": "lArI"}


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
        """The phrase in a case: `Noun("ağaç", soft=True).case(DATIVE)` → ağaca."""
        if self.possessed:
            rest = suffix.replace("(y)", "").replace("(n)", "")
            return attach(self.text, "n" + rest)
        return attach(self.text, suffix, self.soft, self.drops, self.front)

    def plural(self) -> Noun:
        """The plural, which no exception of the stem reaches but the front vowels."""
        return Noun(attach(self.text, PLURAL, front=self.front))

    def of(self, person: str) -> Noun:
        """The possessed phrase: `Noun("etki").of("3s")` → etkisi."""
        text = attach(self.text, POSSESSIVE[person], self.soft, self.drops, self.front)
        return Noun(text, possessed=person in ("3s", "3p"))


def attach(stem: str, suffix: str, soft: bool = False, drops: bool = False, front: bool = False) -> str:
    """The stem with one suffix. `attach("kitap", "(y)I", soft=True)` → kitabı."""
    begins_with_vowel, form = _begin(stem, suffix)
    if begins_with_vowel and soft:
        stem = _soften(stem)
    vowel = next(letter for letter in reversed(stem) if letter in VOWELS)
    if begins_with_vowel and drops:
        last = max(stem.rfind(v) for v in VOWELS)
        stem = stem[:last] + stem[last + 1 :]
    return stem + _spell(form, vowel, stem[-1], front)


def _soften(stem: str) -> str:
    return stem[:-1] + ("g" if stem.endswith("nk") else _SOFT[stem[-1]])


def _begin(stem: str, suffix: str) -> tuple[bool, str]:
    """Decide the letter in parentheses; tell whether the suffix now begins with a vowel."""
    if suffix.startswith("("):
        letter, rest = suffix[1], suffix[3:]
        clash = (stem[-1] in VOWELS) == (letter not in "AI")
        suffix = letter + rest if clash else rest
    return suffix[0] in "AI" + VOWELS, suffix


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

    def form(self, tense: str, negative: bool = False) -> str:
        """Third person singular: present, past, reported, aorist, future."""
        if negative:
            return self._negative(tense)
        if tense == "present":
            stem = self.stem[:-1] if self.stem[-1] in "ae" else self.stem
            return _with_present(stem, self.stem, self.soft)
        if tense == "aorist":
            return attach(self.stem, "r" if self.stem[-1] in VOWELS else f"{self.aorist}r", self.soft)
        return attach(self.stem, {"past": "DI", "reported": "mIş", "future": "(y)AcAk"}[tense], self._softens(tense))

    def _softens(self, tense: str) -> bool:
        return self.soft and tense == "future"

    def _negative(self, tense: str) -> str:
        if tense == "aorist":
            return attach(self.stem, "mAz")
        if tense == "present":
            return _with_present(self.stem + "m", self.stem, soft=False)
        return attach(attach(self.stem, "mA"), {"past": "DI", "reported": "mIş", "future": "(y)AcAk"}[tense])

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
    return f"{word} m{narrow(next(v for v in reversed(word) if v in VOWELS))}"


def _with_present(shortened: str, stem: str, soft: bool) -> str:
    """-ıyor: a stem's last a or e narrows (önle- → önlüyor)."""
    vowels = [letter for letter in shortened if letter in VOWELS] or [letter for letter in stem if letter in VOWELS]
    if soft:
        shortened = _soften(shortened)
    if shortened[-1] in VOWELS:
        return shortened + "yor"
    return shortened + narrow(vowels[-1]) + "yor"

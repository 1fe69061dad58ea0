"""The one door for text that comes from files and users: every command cleans it here before it is encoded or indexed.

Cleaned text is composed, without invisible characters, without damage of encodings, and its white space is folded.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

import ftfy
import regex

from src.turkish import APOSTROPHES, INVISIBLE, fold, lower, without_stray_dots

# A word of other characters than Turkish writes may be UTF-8 that was read as Windows-1252 or the like. The rest is
# left alone, since `Leylâ…”` would read as ⅔; but no sound word has Â after a small letter, or before a sign such as °
# unless it ends a word in capitals (`LEYLÂ»`) or is quoted.
_NOT_TURKISH = re.compile("[^\x00-\x7fçğıöşüâîûÇĞİÖŞÜÂÎÛ‘’“”–—…•«»·°©®™²³½¼\xa0]")
_STRAY_CIRCUMFLEX = re.compile("(?<=[a-zçğıöşüâîû])Â|(?<![A-ZÇĞİÖŞÜÂÎÛ‘’“”«])Â[\xa0-\xbf]")
_WORD_AND_SPACE = re.compile("[^ ]+ ?")
# Portuguese capitals before a closing sign: `«IRMÃ»` is no û, `MANHÃ”` no Ô.
_SOUND_TILDE = re.compile("(?<=[A-ZÀ-Þ])Ã(?=[»’”…](?!\\w))")
# ğ, Ğ, ş, Ş of Windows code pages are two letters, which ftfy takes for sound. No language writes Äž or ÅŸ.
_TWO_LETTERS = {"ÄŸ": "ğ", "Äž": "Ğ", "ÅŸ": "ş", "Åž": "Ş"}
_TWO_LETTERS_FOR_ONE = re.compile("|".join(_TWO_LETTERS))
# What a repair may bring: letters of Western and Turkish text, common signs, emoji; other scripts in words alone.
_OTHER_SCRIPT = regex.compile(r"[[\p{L}\p{M}]--[\x00-\u017f]]{2,}", regex.V1)
_EXPECTED = re.compile(
    "[\x00-\x7f\xa0-\u017f\u2010-\u205e\u20a0-\u213f\u2190-\u22ff\u2600-\u27bf\ufe0f\ufeff\U0001f000-\U0001faff]*"
)
_LEFT = re.compile("[ÃÄÅ][\x80-\xbfŒœŠšŸŽžƒˆ˜†‡‰‹€™]|â€|ï¿½|\ufffd")
_LATIN1 = "A-Za-zÀ-ÖØ-öø-þ"
_LATIN1_WORD = re.compile(rf"\b[{_LATIN1}]*[ýþðÝÞÐ][{_LATIN1}]*\b")
_INVISIBLE = regex.compile(INVISIBLE)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")
_NOT_WORD = re.compile(rf"[\W_{APOSTROPHES}]+")  # some apostrophes are letters to Unicode


def clean(text: str, noted: Counter[str] | None = None) -> str:
    """The cleaned text; `clean(clean(text)) == clean(text)`.

    Args:
        noted: gets one for each kind of damage that was mended in the text. To compose letters and to fold white
            space counts as none.
    """
    mended: set[str] = set()
    while (cleaned := _clean_once(text, mended)) != text:  # what one step takes away may have hidden from another
        text = cleaned
    if noted is not None:
        noted.update(mended)
    return text


def _clean_once(text: str, mended: set[str]) -> str:
    text = unicodedata.normalize("NFC", text)
    for name, step in _STEPS.items():
        before, text = text, step(text)
        if text != before:
            mended.add(name)
    return " ".join(_CONTROL.sub(" ", text).split())


def undo_mojibake(text: str) -> str:
    """`TÃ¼rkÃ§e` → `Türkçe` by ftfy, word by word; a word whose repair would be no Turkish stays as it is."""
    return _WORD_AND_SPACE.sub(_repair, text) if _suspect(text) else text


def _suspect(text: str) -> bool:
    return bool(_NOT_TURKISH.search(text) or ("Â" in text and _STRAY_CIRCUMFLEX.search(text)))


def _repair(match: re.Match[str]) -> str:
    word = match[0]
    if not _suspect(_SOUND_TILDE.sub("A", word)):
        return word
    fixed = _TWO_LETTERS_FOR_ONE.sub(lambda match: _TWO_LETTERS[match[0]], ftfy.fix_encoding(word))
    invented = set(_OTHER_SCRIPT.sub("", fixed)) - set(word)
    return fixed if _EXPECTED.fullmatch("".join(invented)) else word


def undo_latin1(text: str) -> str:
    """`çaðrý` → `çağrı`, Windows-1254 read as 1252, where half of such words or more are Turkish ones then.

    Icelandic `Guðmundsson` and Czech `Nový` stay. Words of one or two letters, such as `Lý` and `að`, prove nothing.
    """
    words = dict.fromkeys(_LATIN1_WORD.findall(text))
    if not words:
        return text
    import simplemma

    turkish = {word: word.encode("cp1252").decode("cp1254") for word in words}
    longer = [word for word in turkish.values() if len(word) > 2]
    known = sum(simplemma.is_known(lower(word), lang="tr") for word in longer)
    return _LATIN1_WORD.sub(lambda match: turkish[match[0]], text) if longer and 2 * known >= len(longer) else text


def _without_invisible(text: str) -> str:
    return text if text.isascii() else str(_INVISIBLE.sub("", text))


_STEPS = {
    "mojibake": undo_mojibake,
    "Turkish letters read as Latin-1": undo_latin1,
    "invisible characters": _without_invisible,
    "dot above i": without_stray_dots,
}


def is_mojibake(text: str) -> bool:
    """Whether damage is left that could not be undone."""
    return len(_LEFT.findall(_SOUND_TILDE.sub("A", text))) >= 2


def key(text: str) -> str:
    """What two texts are compared by: letters and digits alone, in Turkish lower case."""
    return _NOT_WORD.sub(" ", fold(text)).strip()


def identity(text: str) -> str:
    """What equal texts have in common: their key, or, where no letter or digit is in them, the text as it stands."""
    return key(text) or text

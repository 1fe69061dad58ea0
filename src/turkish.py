"""Letters of Turkish: case, folding, and the signs that texts write in several ways.

`str.lower()` is wrong for Turkish: it makes `i` + U+0307 of `İ`, and `i` of `I`, whose lower case is `ı`. Texts that
went through it keep the U+0307; so whatever compares or encodes words takes it away here.

The patterns are read alike by `regex` and by `tokenizers`, whose saved normalizer folds case as `lower` does.
"""

from __future__ import annotations

import unicodedata

import regex

VOWELS = "aeıioöuü"
# Each U+0307 above an i that has its dot, or has none; in composed text other marks may stand between. `\G` goes on
# from the U+0307 before; looking back from each would take quadratic time.
STRAY_DOT = r"(?:[iıįịḭ]|\G(?!\A))\p{M}*?\K\u0307"
# What Unicode shows nothing for: soft hyphens, zero width, direction, variation selectors, tags …
INVISIBLE = r"\p{Default_Ignorable_Code_Point}"
# What Unicode's table of confusables (UTS 39) has for the apostrophe, letters of other scripts left out.
APOSTROPHES = "'`´ʹʻʼʽʾʿˈˊˋ˴΄՚՝׳ߴߵ᾽᾿῾‘’‛′‵ꞌ＇｀"

_STRAY_DOT = regex.compile(STRAY_DOT)
_CIRCUMFLEX = regex.compile(r"([âîû])\p{M}*")
_PLAIN = {"â": "a", "î": "i", "û": "u"}
_TO_UPPER = str.maketrans({"i": "İ", "ı": "I"})


def without_stray_dots(text: str) -> str:
    """The text without U+0307 after `i` and `ı`: what `str.lower()` made of `İzmir` is `izmir` again."""
    if "\u0307" not in text:
        return text
    return unicodedata.normalize("NFC", _STRAY_DOT.sub("", unicodedata.normalize("NFC", text)))


def lower(text: str) -> str:
    """Lower case as Turkish has it, composed: `ISI` → `ısı`, `İZMİR` → `izmir`, `i̇zmir` → `izmir`.

    The text is composed first, so that `I` + U+0307, the decomposed `İ`, counts as one letter. Each letter is lowered
    by itself, as `tokenizers` does it: the Greek `Σ` is `σ` at the end of a word too.
    """
    composed = unicodedata.normalize("NFC", text)
    lowered = composed.replace("I", "ı").replace("İ", "i").replace("Σ", "σ").lower()  # translate is slower
    return unicodedata.normalize("NFC", without_stray_dots(lowered))


def upper(text: str) -> str:
    """Upper case as Turkish has it: `ığdır` → `IĞDIR`, `izmir` → `İZMİR`."""
    return unicodedata.normalize("NFC", text).translate(_TO_UPPER).upper()


def fold(text: str) -> str:
    """The form in which two texts are compared: composed, lower case, no circumflex (`kâğıt` → `kağıt`)."""
    return str(_CIRCUMFLEX.sub(lambda found: _PLAIN[found[1]], lower(text)))

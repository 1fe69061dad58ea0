"""Letters of Turkish: case and folding.

`str.lower()` is wrong for Turkish: it makes `i` + U+0307 of `İ`, and `i` of `I`, whose lower case is `ı`.
"""

from __future__ import annotations

import unicodedata

VOWELS = "aeıioöuü"
_TO_UPPER = str.maketrans({"i": "İ", "ı": "I"})


def lower(text: str) -> str:
    """Lower case as Turkish has it: `ISI` → `ısı`, `İZMİR` → `izmir`.

    The text is composed first, so that `I` + U+0307, the decomposed `İ`, counts as one letter.
    """
    return unicodedata.normalize("NFC", text).replace("I", "ı").replace("İ", "i").lower()  # translate is slower


def upper(text: str) -> str:
    """Upper case as Turkish has it: `ığdır` → `IĞDIR`, `izmir` → `İZMİR`."""
    return unicodedata.normalize("NFC", text).translate(_TO_UPPER).upper()


def fold(text: str) -> str:
    """The form in which two texts are compared: composed, lower case, no circumflex (`kâğıt` → `kağıt`)."""
    return lower(text).replace("â", "a").replace("î", "i").replace("û", "u")

"""One text cleaned: composed letters, no invisible characters, mojibake undone, white space folded."""

from __future__ import annotations

import re
import unicodedata

from src.turkish import fold

# What UTF-8 becomes when it is read as Windows-1252 or Latin-1: Ã, Ä, Å or â with a character of the upper half.
_MOJIBAKE = re.compile(
    "[ÃÄÅÂâ][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2010-\u2122]"
)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff\u00ad]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[\W_]+")


def clean(text: str) -> tuple[str, bool]:
    """The cleaned text, and whether mojibake was undone in it."""
    mended = undo_mojibake(text) if _MOJIBAKE.search(text) else text
    visible = _CONTROL.sub(" ", _INVISIBLE.sub("", mended))
    return _SPACE.sub(" ", unicodedata.normalize("NFC", visible)).strip(), mended != text


def undo_mojibake(text: str) -> str:
    """`TÃ¼rkÃ§e` → `Türkçe`, where the whole text or its damaged words make the round trip; else the text as it is."""
    whole = _round_trip(text)
    if whole is not None:
        return whole
    words = re.split(r"(\s+)", text)
    return "".join((_round_trip(word) or word) if _MOJIBAKE.search(word) else word for word in words)


def _round_trip(text: str) -> str | None:
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
    return None


def is_mojibake(text: str) -> bool:
    """Whether damage is left that could not be undone."""
    return len(_MOJIBAKE.findall(text)) >= 2


def key(text: str) -> str:
    """What two texts are compared by: letters and digits alone, in Turkish lower case."""
    return _NOT_WORD.sub(" ", fold(text)).strip()


def identity(text: str) -> str:
    """What equal texts have in common: their key, or, where no letter or digit is in them, the text as it stands."""
    return key(text) or text

"""Ids and judgements as every evaluation set has them, whatever kind of file they come from."""

from __future__ import annotations

import re
from typing import Any

from src.errors import UserError

_WHOLE = re.compile(r"\s*([+-]?[0-9]{1,9})(\.0*)?\s*", re.ASCII)


def as_id(value: Any, where: str, column: str = "_id") -> str:
    """An id as text: a TREC run separates its columns by white space, so an id has none.

    Raises:
        UserError: it is no text or whole number, empty, or holds white space; `where` names file and row.
    """
    known = isinstance(value, str | int) and not isinstance(value, bool)
    if not known or not str(value) or any(letter.isspace() for letter in str(value)):
        raise UserError(f"{where}: {column} is {value!r}; expected an id without white space")
    return str(value)


def as_score(value: Any, where: str) -> int:
    """A judgement as a whole number: 1, "1" and 1.0 are 1; below zero, as trec_eval takes it, is not relevant.

    Raises:
        UserError: it is a fraction, no number, or has more than nine digits; `where` names file and row.
    """
    digits = None if isinstance(value, bool) or value is None else _WHOLE.fullmatch(str(value))
    if not digits:
        raise UserError(f"{where}: score is {value!r}; expected a whole number")
    return int(digits[1])

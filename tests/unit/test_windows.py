"""Documents read in windows of tokens."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.cli.windows import main, windows
from src.errors import UserError


def words(text, **_):
    """A tokenizer whose tokens are the words."""
    return {"offset_mapping": [match.span() for match in re.finditer(r"\S+", text)]}


@given(count=st.integers(0, 400), size=st.integers(2, 90))
def test_windows_cover_every_token_and_overlap_by_a_quarter(count, size):
    text = " ".join(f"w{number}" for number in range(count))
    pieces = [piece.split() for piece in windows(words, text, size)]
    assert max(map(len, pieces)) <= size and (len(pieces) > 1) == (count > size)
    assert list(dict.fromkeys(word for piece in pieces for word in piece)) == text.split()
    for before, after in pairwise(pieces):
        assert after[: size // 4] == before[len(before) - size // 4 :]
        assert set(after) - set(before)


@pytest.mark.parametrize("arguments", [["scifact_tr_synthetic", "half"], ["scifact_tr_synthetic", "1"], ["none", "64"]])
def test_wrong_sizes_and_sets_are_refused(arguments):
    with pytest.raises(UserError, match=r"expected (sizes in tokens|one set of eval\.sets)"):
        main(arguments)

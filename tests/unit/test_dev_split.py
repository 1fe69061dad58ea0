"""A dev split drawn from train shares no text with it, whatever the kind, the columns and the chains of rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.data.columns import KINDS
from src.data.dev_split import split_off
from src.data.text import identity
from src.data.training_set import Split
from src.errors import UserError

WORDS = [
    f"{word}{mark}" for word in ("Elma", "elma", "armut", "ayva", "nar", "incir", "üzüm", "kiraz") for mark in ".!"
]


def texts(kind, rows):
    return {identity(row[column]) for row in rows for column in kind.texts if column in row}


@st.composite
def sets(draw):
    kind = KINDS[draw(st.sampled_from(list(KINDS)))]
    pool = st.sampled_from(WORDS) if draw(st.booleans()) else st.integers(0, 60).map(lambda n: f"metin {n}")
    row = st.fixed_dictionaries(dict.fromkeys(kind.required, pool), optional=dict.fromkeys(kind.optional, pool))
    return kind, draw(st.lists(row, min_size=1, max_size=40))


@settings(max_examples=200, deadline=None)
@given(sets(), st.integers(1, 20), st.integers(0, 3))
def test_dev_and_train_share_no_text(given_set, count, seed):
    kind, rows = given_set
    split, again = Split(rows=list(rows)), Split(rows=list(rows))
    try:
        dev = split_off(kind, split, count, seed)
    except UserError as error:
        assert f"of the {len(rows)} rows together" in str(error)
        return
    assert not texts(kind, dev.rows) & texts(kind, split.rows)
    assert 0 < len(dev.rows) == dev.read == split.dropped["moved to dev"] == len(rows) - len(split.rows)
    assert len(dev.rows) <= max(count, len(rows) / 2)
    assert split_off(kind, again, count, seed).rows == dev.rows


def test_the_smallest_group_is_taken_where_all_are_larger_than_asked():
    rows = [{"anchor": f"soru {n}", "positive": f"yanıt {n} {m}"} for n in range(4) for m in range(2 + (n != 2))]
    assert {row["anchor"] for row in split_off(KINDS["retrieval"], Split(rows=rows), 1, seed=0).rows} == {"soru 2"}


def test_one_group_of_all_rows_is_one_line():
    rows = [{"anchor": "aynı soru", "positive": f"yanıt {n}"} for n in range(9)]
    with pytest.raises(UserError, match="dev_rows 3: shared texts tie 9 of the 9 rows together"):
        split_off(KINDS["retrieval"], Split(rows=rows), 3, seed=0)


def test_distinct_rows_give_the_size_asked_for():
    rows = [{"text": f"metin {n}"} for n in range(500)]
    assert len(split_off(KINDS["text"], Split(rows=rows), 77, seed=1).rows) == 77

"""Triples of ids joined with texts, against plain dictionaries."""

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.data.join import join, read_texts


def table(rows: list[tuple[object, str | None]], size: int) -> list[pa.RecordBatch]:
    cut = [rows[i : i + size] for i in range(0, len(rows), size)]
    kind = pa.string() if rows and isinstance(rows[0][0], str) else pa.int64()
    return [
        pa.RecordBatch.from_pydict({"id": pa.array([r[0] for r in part], kind), "text": [r[1] for r in part]})
        for part in cut
    ]


def joined(triples, queries, passages, size=3):
    counts: Counter[str] = Counter()
    q = read_texts(table(queries, size))
    p = read_texts(table(passages, size))
    columns = {name: [row[i] for row in triples] for i, name in enumerate(("anchor", "positive", "negative"))}
    batches = pa.table(columns).to_batches(size)
    batches_joined = join(
        batches, {"anchor": ("qid", q), "positive": ("pid_pos", p), "negative": ("pid_neg", p)}, counts
    )
    return [tuple(row.values()) for batch in batches_joined for row in batch.to_pylist()], counts


IDS = st.integers(0, 12)
TEXT = st.text("aıİş ", max_size=6)


@settings(max_examples=60, deadline=None)
@given(
    queries=st.lists(st.tuples(IDS, TEXT), min_size=1, max_size=20),
    passages=st.lists(st.tuples(IDS, TEXT), min_size=1, max_size=20),
    triples=st.lists(st.tuples(IDS, IDS, IDS), min_size=1, max_size=20),
    size=st.integers(1, 7),
    as_text=st.booleans(),
)
def test_the_join_is_that_of_dictionaries(queries, passages, triples, size, as_text):
    name = str if as_text else int
    queries, passages = ([(name(i), text) for i, text in rows] for rows in (queries, passages))
    triples = [tuple(name(i) for i in row) for row in triples]
    first = [dict(reversed(rows)) for rows in (queries, passages)]
    expected = []
    for q, p, n in triples:
        texts = (first[0].get(q), first[1].get(p), first[1].get(n))
        if all(text is not None and text.strip() for text in texts):
            expected.append(texts)
    result, counts = joined(triples, queries, passages, size)
    assert result == expected
    assert counts["rows"] == len(triples)
    assert sum(counts.values()) - counts["rows"] == len(triples) - len(expected)


def test_every_dropped_row_is_counted_under_its_first_reason():
    triples = [(1, 10, 11), (2, 10, 11), (1, 99, 98), (1, 10, 99), (1, 10, 12), (1, 10, 13), (None, 10, 11)]
    passages = [(10, "p"), (11, "n"), (12, " "), (13, None), (10, "again")]
    texts, counts = joined(triples, [(1, "q")], passages)
    assert texts == [("q", "p", "n")]
    assert {key: n for key, n in counts.items() if n} == {
        "rows": 7,
        "unknown qid": 2,
        "unknown pid_pos": 1,
        "unknown pid_neg": 1,
        "empty text": 2,
    }


@pytest.mark.parametrize(("keys", "ids"), [(int, str), (str, int)])
def test_numbers_and_their_digits_are_one_id_but_leading_zeros_count(keys, ids):
    assert joined([("7", "70", "71")], [("07", "q")], [("70", "p"), ("71", "n")])[1]["unknown qid"] == 1
    texts, _ = joined([(keys(7), keys(70), keys(71))], [(ids(7), "q")], [(ids(70), "p"), (ids(71), "n")])
    assert texts == [("q", "p", "n")]

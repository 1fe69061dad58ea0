"""Negatives that a model mines for its own rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.training.mining import random_negatives, with_hard_negatives
from src.training.relevance import Relevance
from tests.tasks import rows_of

# Passages on a circle, queries at their own passage's angle; p1 lies close to p0, p2 further off, p3 opposite.
ANGLES = {"p0": 0.0, "p1": 0.1, "p2": 0.8, "p3": 3.0, "q0": 0.0, "q1": 0.1, "q2": 0.8, "q3": 3.0, "q0 again": 0.0}


class Encoder:
    device = torch.device("cpu")
    max_seq_length = 512

    def encode_query(self, texts, **_):
        return np.array([[np.cos(ANGLES[text]), np.sin(ANGLES[text])] for text in texts], dtype=np.float32)

    encode_document = encode_query

    def similarity(self, a, b):
        return torch.as_tensor(a) @ torch.as_tensor(b).T

    def similarity_pairwise(self, a, b):
        return (torch.as_tensor(a) * torch.as_tensor(b)).sum(1)


def rows(pairs):
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    return rows_of([[texts.index(text) for text in pair] for pair in pairs], texts)


def mine(mined_for, margin, model=None):
    """The rows with their mined negatives, and these as texts."""
    mined = with_hard_negatives(mined_for, model or Encoder(), margin, max_length=32, seed=1)
    return mined, [mined.texts[text] for text in mined.ids[:, 2]]


PAIRS = [("q0", "p0"), ("q1", "p1"), ("q2", "p2"), ("q3", "p3"), ("q0 again", "p0")]


@pytest.mark.parametrize(("margin", "expected"), [(0.0, "p1"), (0.05, "p2"), (0.5, "p3")])
def test_the_hardest_below_the_margin_is_taken(margin, expected):
    mined, negatives = mine(rows(PAIRS), margin)
    assert mined.columns == ("anchor", "positive", "negative")
    assert [negatives[0], negatives[4]] == [expected, expected]
    assert mined.ids[:, :2].tolist() == rows(PAIRS).ids.tolist()


def test_a_row_without_a_candidate_gets_another_rows_passage():
    _, negatives = mine(rows(PAIRS), 1.0)
    assert negatives[0] == "p3" and all(text.startswith("p") for text in negatives)
    assert all(negative != positive for negative, (_, positive) in zip(negatives, PAIRS, strict=True))


def test_mining_leaves_the_models_own_limit_as_it_was():
    class Limited(Encoder):
        def encode_query(self, *arguments, **options):
            self.limit_in_use = self.max_seq_length
            return super().encode_query(*arguments, **options)

    model = Limited()
    mine(rows(PAIRS), 0.05, model)
    assert (model.limit_in_use, model.max_seq_length) == (32, 512)


def known(pairs):
    return {(query, passage) for query, passage in pairs} | {(query, query) for query, _ in pairs}


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.9])
def test_another_passage_of_the_query_is_never_mined(margin):
    pairs = [("q0", "p0"), ("q0", "p1"), ("q1", "p1"), ("q1", "p2"), ("q3", "p3"), ("p3", "p0")]
    mined, negatives = mine(rows(pairs), margin)
    assert not {(query, negative) for (query, _), negative in zip(pairs, negatives, strict=True)} & known(pairs)
    assert mined.same.tolist() == mined.ids.tolist()


def test_known_positives_from_elsewhere_are_not_mined():
    pairs = rows(PAIRS)
    further = [[pairs.texts.index("q0"), pairs.texts.index(text)] for text in ("p1", "p2")]
    assert mine(replace(pairs, relevant=np.concatenate([pairs.relevant, further])), 0.0)[1][0] == "p3"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(3, 9)), min_size=2, max_size=30), st.integers(0, 5))
def test_a_drawn_negative_never_answers_the_query(pairs, seed):
    drawn_for = rows_of(pairs, texts=map(str, range(10)))
    passages = {passage for _, passage in pairs}
    if any(all((query, passage) in known(pairs) for passage in passages) for query, _ in pairs):
        with pytest.raises(UserError, match="every passage answers"):
            random_negatives(drawn_for, Relevance(drawn_for.relevant), seed)
        return
    drawn = random_negatives(drawn_for, Relevance(drawn_for.relevant), seed)
    assert set(drawn) <= passages and drawn == random_negatives(drawn_for, Relevance(drawn_for.relevant), seed)
    assert not {(query, negative) for (query, _), negative in zip(pairs, drawn, strict=True)} & known(pairs)

"""Negatives that a model mines for its own rows."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src.errors import UserError
from src.training.dataset import Rows
from src.training.mining import random_negatives, with_hard_negatives
from src.training.relevance import Relevance

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
    ids = np.array([[texts.index(text) for text in pair] for pair in pairs])
    return Rows("rows", ("anchor", "positive", "negative")[: len(pairs[0])], texts, ids, None, ids, ids[:, :2])


PAIRS = [("q0", "p0"), ("q1", "p1"), ("q2", "p2"), ("q3", "p3"), ("q0 again", "p0")]


@pytest.mark.parametrize(("margin", "expected"), [(0.0, "p1"), (0.05, "p2"), (0.5, "p3")])
def test_the_hardest_below_the_margin_is_taken(margin, expected):
    found = with_hard_negatives(rows(PAIRS), Encoder(), margin, max_length=32, seed=1)
    assert found.columns == ("anchor", "positive", "negative")
    assert [found.texts[text] for text in found.ids[[0, 4], 2]] == [expected, expected]
    assert found.ids[:, :2].tolist() == rows(PAIRS).ids.tolist()


def test_a_row_without_a_candidate_gets_another_rows_passage():
    found = with_hard_negatives(rows(PAIRS), Encoder(), 1.0, max_length=32, seed=1)
    negatives = [found.texts[text] for text in found.ids[:, 2]]
    assert negatives[0] == "p3" and all(text.startswith("p") for text in negatives)
    assert all(negative != positive for negative, (_, positive) in zip(negatives, PAIRS, strict=True))


def test_given_negatives_are_replaced():
    found = with_hard_negatives(
        rows([(*pair, "p3") for pair in PAIRS[:3]] + [("q3", "p3", "p0")]), Encoder(), 0.05, max_length=32, seed=1
    )
    assert found.ids.shape == (4, 3) and found.texts[found.ids[0, 2]] == "p2"


def test_mining_leaves_the_models_own_limit_as_it_was():
    class Limited(Encoder):
        max_seq_length = 512
        seen: int | None = None

        def encode_query(self, *arguments, **options):
            self.seen = self.max_seq_length
            return super().encode_query(*arguments, **options)

    model = Limited()
    found = with_hard_negatives(rows(PAIRS), model, 0.05, max_length=32, seed=1)
    assert found.ids.shape == (5, 3) and model.seen == 32 and model.max_seq_length == 512


def known(pairs):
    return {(query, passage) for query, passage in pairs} | {(query, query) for query, _ in pairs}


@pytest.mark.parametrize("margin", [0.0, 0.5, 1.9])
def test_another_passage_of_the_query_is_never_mined(margin):
    pairs = [("q0", "p0"), ("q0", "p1"), ("q1", "p1"), ("q1", "p2"), ("q3", "p3"), ("p3", "p0")]
    found = with_hard_negatives(rows(pairs), Encoder(), margin, max_length=32, seed=3)
    mined = {(found.texts[query], found.texts[negative]) for query, _, negative in found.ids.tolist()}
    assert not mined & known(pairs)
    assert found.same.tolist() == found.ids.tolist()


def test_equal_texts_are_one_whatever_their_number():
    given_rows = rows([("q0", "p0"), ("q1", "p1"), ("q3", "p3")])
    given_rows.same[1, 1] = given_rows.same[0, 1]  # p1 is p0 in other case and punctuation
    given_rows.relevant[:] = given_rows.same
    found = with_hard_negatives(given_rows, Encoder(), 0.05, max_length=32, seed=1)
    assert [found.texts[text] for text in found.ids[:, 2]] == ["p3", "p3", "p0"]


def test_pairs_known_from_elsewhere_are_not_mined():
    given_rows = rows(PAIRS)
    texts = given_rows.texts
    further = [[texts.index("q0"), texts.index("p1")], [texts.index("q0"), texts.index("p2")]]
    known_rows = replace(given_rows, relevant=np.concatenate([given_rows.relevant, further]))
    assert texts[with_hard_negatives(known_rows, Encoder(), 0.0, max_length=32, seed=1).ids[0, 2]] == "p3"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(3, 9)), min_size=2, max_size=30), st.integers(0, 5))
def test_a_drawn_negative_never_answers_the_query(pairs, seed):
    ids = np.array(pairs)
    given_rows = Rows("rows", ("anchor", "positive"), [str(number) for number in range(10)], ids, None, ids, ids)
    passages = {passage for _, passage in pairs}
    if any(all((query, passage) in known(pairs) for passage in passages) for query, _ in pairs):
        with pytest.raises(UserError, match="every passage answers"):
            random_negatives(given_rows, Relevance(ids), seed)
        return
    drawn = random_negatives(given_rows, Relevance(ids), seed)
    assert set(drawn) <= passages and drawn == random_negatives(given_rows, Relevance(ids), seed)
    assert not {(query, negative) for (query, _), negative in zip(pairs, drawn, strict=True)} & known(pairs)

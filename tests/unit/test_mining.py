"""Negatives that a model mines for its own rows."""

import numpy as np
import pytest
import torch

from src.training.dataset import Rows
from src.training.mining import with_hard_negatives
from src.training.remedies import Remedies

# Passages on a circle, queries at their own passage's angle; p1 lies close to p0, p2 further off, p3 opposite.
ANGLES = {"p0": 0.0, "p1": 0.1, "p2": 0.8, "p3": 3.0, "q0": 0.0, "q1": 0.1, "q2": 0.8, "q3": 3.0, "q0 again": 0.0}


class Encoder:
    device = torch.device("cpu")

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
    return Rows("rows", ("anchor", "positive", "negative")[: len(pairs[0])], texts, ids, None)


PAIRS = [("q0", "p0"), ("q1", "p1"), ("q2", "p2"), ("q3", "p3"), ("q0 again", "p0")]


@pytest.mark.parametrize(("margin", "expected"), [(0.0, "p1"), (0.05, "p2"), (0.5, "p3")])
def test_the_hardest_below_the_margin_is_taken(margin, expected):
    found = with_hard_negatives(rows(PAIRS), Encoder(), margin, seed=1)
    assert found.columns == ("anchor", "positive", "negative")
    assert [found.texts[text] for text in found.ids[[0, 4], 2]] == [expected, expected]
    assert found.ids[:, :2].tolist() == rows(PAIRS).ids.tolist()


def test_a_row_without_a_candidate_gets_another_rows_passage():
    found = with_hard_negatives(rows(PAIRS), Encoder(), 1.0, seed=1)
    negatives = [found.texts[text] for text in found.ids[:, 2]]
    assert negatives[0] == "p3" and all(text.startswith("p") for text in negatives)
    assert all(negative != positive for negative, (_, positive) in zip(negatives, PAIRS, strict=True))


def test_given_negatives_are_replaced():
    found = with_hard_negatives(rows([(*pair, "p3") for pair in PAIRS[:3]] + [("q3", "p3", "p0")]), Encoder(), 0.05, 1)
    assert found.ids.shape == (4, 3) and found.texts[found.ids[0, 2]] == "p2"


def test_mining_leaves_the_models_own_limit_as_it_was():
    class Limited(Encoder):
        max_seq_length = 512
        seen: int | None = None

        def to(self, device):
            self.seen = self.max_seq_length
            return self

    class Params:
        hard_negatives, hard_negative_margin = True, 0.05

    class Step:
        max_length = 32

    model = Limited()
    found = Remedies(Params(), {}).mined(rows(PAIRS), model, Step(), torch.device("cpu"), 1)
    assert found.ids.shape == (5, 3) and model.seen == 32 and model.max_seq_length == 512
    Params.hard_negatives = False
    assert Remedies(Params(), {}).mined(rows(PAIRS), model, Step(), torch.device("cpu"), 1).ids.shape == (5, 2)

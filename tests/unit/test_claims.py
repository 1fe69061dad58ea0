"""Differences and p-values in the prose of the pages, against the records that they are of."""

from __future__ import annotations

import re

import pytest

from tests.pages import page, rows_of

PAGES = {name: " ".join(page(f"{name}.md").split()) for name in ("e5", "ablations", "what_did_not_work")}
NUMBER = r"[+−]?\d*\.?\d+(?:e-\d+)?"
TESTED = re.compile(
    rf"({NUMBER})(?: \[({NUMBER}), ({NUMBER})\])?(?: \((?:not significant over documents, )?p ({NUMBER})"
    rf"(?:, between seeds ({NUMBER}))?)?"
)

# Page, the words before the number, record, row and set; a row of weights before training (`@0`) is compared with the
# trained ones, and the page tells what training gained: the sign turns.
CLAIMS = [
    ("e5", "significantly on pairs_dev,", "e5_seeds", "whole_vector@0", "pairs_dev"),
    ("e5", "where nothing was chosen,", "e5_seeds", "whole_vector@0", "xquad_tr_mteb"),
    ("e5", "The chain improves pairs_dev (", "e5_seeds", "retrieval_only@0", "pairs_dev"),
    ("e5", "without it STS", "e5_seeds", "whole_vector", "sts"),
    ("e5", "(p .004), XQuAD", "e5_seeds", "whole_vector", "xquad_tr_mteb"),
    ("e5", "between seeds .015), pairs_dev", "e5_seeds", "whole_vector", "pairs_dev"),
    ("e5", "**Hard negatives do not help**: pairs_dev", "e5_seeds", "hard_negatives", "pairs_dev"),
    ("e5", "(p .28), XQuAD", "e5_seeds", "hard_negatives", "xquad_tr_mteb"),
    ("e5", "Against the base: pairs_dev", "e5_test", "whole_vector@0", "pairs_dev"),
    ("e5", "(p .0003), XQuAD", "e5_test", "whole_vector@0", "xquad_tr_mteb"),
    ("e5", "(p .002), THQuAD", "e5_test", "whole_vector@0", "thquad_dev"),
    ("e5", "between seeds .022), TurHistQuad", "e5_test", "whole_vector@0", "turhistquad_mteb"),
    ("e5", "−.000 [−.017, .015], STS", "e5_test", "whole_vector@0", "sts"),
    ("e5", "Against the base pairs_dev gains", "e5_all_pairs", "all_pairs@0", "pairs_dev"),
    ("e5", "(p 2e-5), XQuAD", "e5_all_pairs", "all_pairs@0", "xquad_tr_mteb"),
    ("e5", "against the trained weights", "e5_all_pairs", "all_pairs@0.5", "xquad_tr_mteb"),
    ("e5", "Not significant: no Matryoshka (", "e5_dev_search", "whole_vector", "pairs_dev"),
    ("e5", "hard negatives (", "e5_dev_search", "hard_negatives", "pairs_dev"),
    ("e5", "dropout .1 (", "e5_dev_search", "dropout", "pairs_dev"),
    ("e5", "on pairs_dev are temperature .05 (", "e5_dev_search", "temperature_05", "pairs_dev"),
    ("e5", "rate 3e-4 (", "e5_dev_search", "rate_3e4", "pairs_dev"),
    ("e5", "distillation (", "e5_dev_search", "distillation", "pairs_dev"),
    ("e5", "shallow student (", "e5_dev_search", "shallow", "pairs_dev"),
    ("e5", "STS is better with replay (", "e5_dev_search", "replay", "sts"),
    ("e5", "and without Matryoshka (", "e5_dev_search", "whole_vector", "sts"),
    ("e5", "no layer frozen (", "e5_dev_search", "none_frozen", "sts"),
    ("ablations", "better for similarity (", "e5_seeds", "whole_vector", "sts"),
    ("ablations", "probably for XQuAD (", "e5_seeds", "whole_vector", "xquad_tr_mteb"),
    ("what_did_not_work", "above zero-shot (.7880) |", "e5_test", "whole_vector@0", "thquad_dev"),
    ("what_did_not_work", "one mined negative a pair |", "e5_seeds", "hard_negatives", "pairs_dev"),
]


def measured_of(record, row, name):
    measured = rows_of(record)[row]
    return measured["sts"] if name == "sts" else measured["retrieval"][name]


def as_written(value: float, text: str) -> str:
    """The value with as many digits as the text has."""
    if "e" in text:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:.{len(text.partition('.')[2])}f}".replace("0.", ".", 1)


@pytest.mark.parametrize(("name", "words", "record", "row", "measured_on"), CLAIMS)
def test_a_difference_in_prose_is_the_records(name, words, record, row, measured_on):
    (start,) = (found.end() for found in re.finditer(re.escape(words), PAGES[name]))
    match = TESTED.match(PAGES[name][start:].lstrip())
    assert match, "no number follows the words"
    texts = [text and text.replace("−", "-").replace("+", "") for text in match.groups()]
    values, sign = measured_of(record, row, measured_on), -1 if row.endswith("@0") else 1
    low, high = sorted(sign * end for end in values["interval"])
    expected = (sign * values["difference"], low, high, values["p_holm"], values.get("p_seeds"))
    written = [(text, as_written(value, text)) for text, value in zip(texts, expected, strict=True) if text]
    assert all(text == again for text, again in written), written

"""Differences and p-values in the prose of the pages, against the records that they are of."""

from __future__ import annotations

import re

import pytest

from src.files import read_json
from src.reporting.retrieval import pair
from tests.pages import RECORDS, page, rows_of

PAGES = {name: " ".join(page(f"{name}.md").split()) for name in ("e5", "ablations", "what_did_not_work")}
# The two whole runs have the same words.
CHAIN, ALONE = (
    " ".join(page("e5.md").partition(start)[2].partition("\n## ")[0].split())
    for start in ("## The whole chain, one seed", "## Retrieval training alone, the whole run")
)
HARM = PAGES["what_did_not_work"].partition("## Did harm")[2]
NUMBER = r"[+−]?\d*\.?\d+(?:e-\d+)?"
TESTED = re.compile(
    rf"({NUMBER})(?: \[({NUMBER}), ({NUMBER})\])?(?: \((?:not significant over documents, )?p (?:< )?({NUMBER})"
    rf"(?:, between seeds ({NUMBER}))?)?"
)

# Page, the words before the number, record, row and set; a row of weights before training (`@0`) is compared with the
# trained ones, and the page tells what training gained: the sign turns.
CLAIMS = [
    ("e5", "significantly on pairs_dev,", "e5_seeds", "whole_vector@0", "pairs_dev"),
    ("e5", "where nothing was chosen,", "e5_seeds", "whole_vector@0", "xquad_tr_mteb"),
    ("e5", "on pairs_dev that difference is", "e5_seeds", "retrieval_only", "pairs_dev"),
    ("e5", "The chain improves pairs_dev (", "e5_seeds", "retrieval_only@0", "pairs_dev"),
    ("e5", "Without it STS", "e5_seeds", "whole_vector", "sts"),
    ("e5", "(p < .004), XQuAD", "e5_seeds", "whole_vector", "xquad_tr_mteb"),
    ("e5", "between seeds .015), pairs_dev", "e5_seeds", "whole_vector", "pairs_dev"),
    ("e5", "**Hard negatives do not help**: pairs_dev", "e5_seeds", "hard_negatives", "pairs_dev"),
    ("e5", "(p .28), XQuAD", "e5_seeds", "hard_negatives", "xquad_tr_mteb"),
    ("e5", "Against the base: pairs_dev", "e5_test", "whole_vector@0", "pairs_dev"),
    ("e5", "(p .0003), XQuAD", "e5_test", "whole_vector@0", "xquad_tr_mteb"),
    ("e5", "(p .002), THQuAD", "e5_test", "whole_vector@0", "thquad_dev"),
    ("e5", "between seeds .022), TurHistQuad", "e5_test", "whole_vector@0", "turhistquad_mteb"),
    ("e5", "−.000 [−.017, .015], STS", "e5_test", "whole_vector@0", "sts"),
    ("e5", "Against the base pairs_dev gains", "e5_all_pairs", "all_pairs@0", "pairs_dev"),
    ("e5", "(p < 2e-5), XQuAD", "e5_all_pairs", "all_pairs@0", "xquad_tr_mteb"),
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
    ("ablations", "not significant after Holm:", "e5_seeds", "whole_vector", "xquad_tr_mteb"),
    ("ablations", "from 1,024: 256", "mini", "batch_256", "scifact_tr_synthetic"),
    ("ablations", "(p 1), 512", "mini", "batch_512", "scifact_tr_synthetic"),
    ("ablations", "(p .33), 2,048", "mini", "batch_2048", "scifact_tr_synthetic"),
    ("ablations", "at weight 10: nDCG@10", "mini", "similarity_distillation", "scifact_tr_synthetic"),
    ("ablations", "(p .64), STS", "mini", "similarity_distillation", "sts"),
    ("what_did_not_work", "no significant loss (", "e5_seeds", "full@0.5", "xquad_tr_mteb"),
    ("what_did_not_work", "above zero-shot (.7880) |", "e5_test", "whole_vector@0", "thquad_dev"),
    ("what_did_not_work", "one mined negative a pair |", "e5_seeds", "hard_negatives", "pairs_dev"),
]

# Words, record, pair of systems and set: in a bullet, the words stand before the number.
SYSTEM_CLAIMS = [
    (CHAIN, "**Against the base**: pairs_dev", "e5", ("retrieval", "base"), "pairs_dev"),
    (CHAIN, "(p .21), XQuAD", "e5", ("retrieval", "base"), "xquad_tr_mteb"),
    (CHAIN, "and THQuAD", "e5", ("retrieval", "base"), "thquad_dev"),
    (CHAIN, "(not significant), TurHistQuad", "e5", ("retrieval", "base"), "turhistquad_mteb"),
    (CHAIN, "against the base: pairs_dev", "e5", ("sts", "base"), "pairs_dev"),
    (CHAIN, "(p .011), TurHistQuad", "e5", ("sts", "base"), "turhistquad_mteb"),
    (CHAIN, "(p < .00045), XQuAD", "e5", ("sts", "base"), "xquad_tr_mteb"),
    (CHAIN, "then gains on pairs_dev,", "e5", ("retrieval", "sts"), "pairs_dev"),
    (CHAIN, "and on XQuAD,", "e5", ("retrieval", "sts"), "xquad_tr_mteb"),
    (CHAIN, "a gain is not shown,", "e5", ("retrieval", "sts"), "thquad_dev"),
    (CHAIN, "nor on TurHistQuad,", "e5", ("retrieval", "sts"), "turhistquad_mteb"),
    (CHAIN, "significantly on XQuAD alone:", "e5", ("colbert", "base"), "xquad_tr_mteb"),
    (CHAIN, "(p < .00045); pairs_dev", "e5", ("colbert", "base"), "pairs_dev"),
    (CHAIN, "(p .48), THQuAD", "e5", ("colbert", "base"), "thquad_dev"),
    (CHAIN, "[−.033, .012] (p 1), TurHistQuad", "e5", ("colbert", "base"), "turhistquad_mteb"),
    (HARM, "not shown on THQuAD (", "e5", ("retrieval", "sts"), "thquad_dev"),
    (HARM, "p .73) and TurHistQuad (", "e5", ("retrieval", "sts"), "turhistquad_mteb"),
    (CHAIN, "on the same pairs: pairs_dev", "e5", ("retrieval", "colbert"), "pairs_dev"),
    (CHAIN, "(p .003), XQuAD", "e5", ("retrieval", "colbert"), "xquad_tr_mteb"),
    (CHAIN, "**Hybrid** against BM25 of lemmas: pairs_dev", "e5", ("hybrid_z", "bm25_lemma"), "pairs_dev"),
    (CHAIN, "(p .002), XQuAD", "e5", ("hybrid_z", "bm25_lemma"), "xquad_tr_mteb"),
    (ALONE, "**Against the base**: pairs_dev", "e5_alone", ("retrieval", "base"), "pairs_dev"),
    (ALONE, "+.0271 [.0151, .0377] (p < .00045), XQuAD", "e5_alone", ("retrieval", "base"), "xquad_tr_mteb"),
    (ALONE, "(p .026), THQuAD", "e5_alone", ("retrieval", "base"), "thquad_dev"),
    (ALONE, "[−.0050, .0445] (p 1), TurHistQuad", "e5_alone", ("retrieval", "base"), "turhistquad_mteb"),
    (ALONE, "**Against ColBERT**: pairs_dev", "e5_alone", ("retrieval", "colbert"), "pairs_dev"),
    (ALONE, "[.0281, .0599] (p < .00045), XQuAD", "e5_alone", ("retrieval", "colbert"), "xquad_tr_mteb"),
    (ALONE, "[.0313, .0585] (p < .00045), THQuAD", "e5_alone", ("retrieval", "colbert"), "thquad_dev"),
    (ALONE, "(p .14), TurHistQuad", "e5_alone", ("retrieval", "colbert"), "turhistquad_mteb"),
    (ALONE, "against BM25 of lemmas: pairs_dev", "e5_alone", ("hybrid_z", "bm25_lemma"), "pairs_dev"),
    (ALONE, "(p .002), XQuAD", "e5_alone", ("hybrid_z", "bm25_lemma"), "xquad_tr_mteb"),
    (ALONE, "[.0110, .0242] (p < .00045), THQuAD", "e5_alone", ("hybrid_z", "bm25_lemma"), "thquad_dev"),
    (ALONE, "[−.0062, .0161] (p 1), TurHistQuad", "e5_alone", ("hybrid_z", "bm25_lemma"), "turhistquad_mteb"),
]


def measured_of(record, row, name):
    measured = rows_of(record)[row]
    return measured["sts"] if name == "sts" else measured["retrieval"][name]


def as_written(value: float, text: str) -> str:
    """The value with as many digits as the text has."""
    if "e" in text:
        return f"{value:.0e}".replace("e-0", "e-")
    if "." not in text:
        return str(round(value))
    return f"{value:.{len(text.partition('.')[2])}f}".replace("0.", ".", 1)


def assert_written(text: str, words: str, measured, sign: int = 1) -> None:
    """The number after the words, with its interval and p where they follow, is that of the record."""
    (start,) = (found.end() for found in re.finditer(re.escape(words), text))
    match = TESTED.match(text[start:].lstrip())
    assert match, "no number follows the words"
    texts = [part and part.replace("−", "-").replace("+", "") for part in match.groups()]
    low, high = sorted(sign * end for end in measured["interval"])
    values = (sign * measured["difference"], low, high, measured["p_holm"], measured.get("p_seeds"))
    written = [(part, as_written(value, part)) for part, value in zip(texts, values, strict=True) if part]
    assert all(part == again for part, again in written), written


@pytest.mark.parametrize(("name", "words", "record", "row", "measured_on"), CLAIMS)
def test_a_difference_in_prose_is_the_records(name, words, record, row, measured_on):
    assert_written(PAGES[name], words, measured_of(record, row, measured_on), -1 if row.endswith("@0") else 1)


@pytest.mark.parametrize(("section", "words", "record", "systems", "name"), SYSTEM_CLAIMS)
def test_a_difference_of_systems_in_prose_is_the_records(section, words, record, systems, name):
    evaluation = read_json(RECORDS / record / f"evidence/reports/eval/{name}.json")
    assert_written(section, words, pair(evaluation, "nDCG@10", *systems))

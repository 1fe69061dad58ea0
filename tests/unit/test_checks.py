"""The signs of failure."""

import pytest

from src.evaluation.expected import read_expected
from src.reporting import checks
from tests.checkout import ROOT
from tests.unit.reporting_run import SET, evaluation, similarity


def with_p_at_1(value):
    evaluated = evaluation()
    evaluated["models"]["retrieval"]["P@1"] = value
    return evaluated


@pytest.mark.parametrize(
    ("name", "figure", "rules", "verdict"),
    [
        (SET, 0.6, {}, "ok"),
        (SET, 0.5999, {}, "failed"),
        ("scifact_tr", 0.5, {"name": "full", "synthetic": False}, "not applicable"),
        ("scifact_tr", 0.5, {"name": "full", "synthetic": True}, "failed"),
    ],
)
def test_p_at_1_is_judged_on_scifact_where_six_tenths_can_be_reached(name, figure, rules, verdict):
    evaluated = with_p_at_1(figure)
    evaluated["protocol"] |= rules
    judged = checks.precision(name, evaluated)
    assert (judged.verdict, judged.figure) == (verdict, figure)


def test_no_published_model_reaches_the_limit_of_p_at_1_on_the_whole_corpus():
    published = [
        entry.values["P@1"]
        for entry in read_expected(ROOT / "expected.yaml").published
        if entry.set == checks.CLAIMS and entry.protocol and entry.protocol.name != checks.REDUCED
        if "P@1" in entry.values
    ]
    assert published
    assert max(published) < checks.LEAST_P_AT_1


def with_losses(lost):
    evaluated = evaluation()
    evaluated["matryoshka"] = {str(dim): {"loss_relative": loss} for dim, loss in lost.items()}
    return evaluated


@pytest.mark.parametrize(("lost", "verdict"), [(0.1, "ok"), (0.1001, "failed")])
@pytest.mark.parametrize("dim", [512, 128])
def test_a_tenth_may_be_lost_at_any_dimension(dim, lost, verdict):
    others = {other: -0.3 for other in (512, 256, 128) if other != dim}
    tested = checks.shorter(SET, with_losses({768: 0.0, 64: 0.9, **others, dim: lost}))
    assert (tested.verdict, tested.figure) == (verdict, lost)
    assert f"the worst is {dim} of 768 dimensions" in tested.reason
    assert tested.reason.partition("below a sixth, not judged: ")[2].startswith("64: 90.0%")


def test_without_shorter_vectors_of_a_sixth_or_more_there_is_nothing_to_judge():
    judged = checks.shorter(SET, with_losses({128: 0.0, 16: 0.5}))
    assert (judged.verdict, judged.figure) == ("not applicable", None)


ALONE = {"path": ["retrieval"], "row": {"path": ["retrieval"]}, "against": "full", "pairs": 5120, "updates": 5}


def compared(difference, significant, **others):
    tested = {"mean": 0.5, "difference": difference, "significant": significant}
    rows = {
        "full": {"path": ["nli", "sts", "retrieval"], "row": {"path": ["nli", "sts", "retrieval"]}},
        "alone_512": {**ALONE, "row": {**ALONE["row"], "train": {"batch_size": 512}}, "retrieval": {}},
        "alone": {**ALONE, "retrieval": {SET: tested, "xquad_tr": tested}},
    }
    return {"reference": "full", "rows": rows | others}


@pytest.mark.parametrize(
    ("difference", "significant", "verdict"),
    [(-0.1, True, "ok"), (-0.1, False, "failed"), (0.0, False, "failed"), (0.1, True, "failed")],
)
def test_retrieval_alone_must_be_significantly_worse(difference, significant, verdict):
    judged = checks.retrieval_only(compared(difference, significant), "")
    assert [(one.id, one.verdict, one.figure) for one in judged] == [
        (f"retrieval_only:{name}", verdict, difference) for name in (SET, "xquad_tr")
    ]
    assert all("at 5,120 pairs" in one.reason for one in judged)


def test_the_full_budget_has_the_word_where_it_was_run():
    chain = {"path": ["nli", "sts", "retrieval"], "full_budget": True}
    tested = {"mean": 0.5, "difference": 0.01, "significant": False}
    row = {"path": ["retrieval"], "full_budget": True, "against": "whole"}
    alone = {**ALONE, "row": row, "against": "whole", "pairs": 20480, "retrieval": {SET: tested}}
    whole = {"path": chain["path"], "row": chain, "against": "full"}
    (judged,) = checks.retrieval_only(compared(-0.1, True, whole=whole, alone_whole=alone), "")
    assert (judged.verdict, judged.figure) == ("failed", 0.01) and "at 20,480 pairs" in judged.reason


@pytest.mark.parametrize(
    ("ablation", "why"),
    [
        (None, "No variants have been trained."),
        (compared(0.1, True, alone=ALONE | {"row": ALONE["row"] | {"matryoshka": False}}), ""),
        (compared(0.1, True, full={**ALONE, "retrieval": {}}), ""),
    ],
)
def test_without_such_a_variant_it_is_not_measured(ablation, why):
    (judged,) = checks.retrieval_only(ablation, why)
    assert (judged.verdict, judged.figure) == ("not measured", None)
    assert judged.reason == (why or "no variant trains retrieval alone, or the reference has no step before it")


@pytest.mark.parametrize(
    ("before", "after", "change", "verdict", "words"),
    [
        (0.85, 0.70, "fell", "ok", "0.8500 before retrieval training: it fell"),
        (0.85, 0.69, "fell", "failed", "anti_forgetting"),
        (0.6, 0.65, "rose", "not applicable", "no forgetting"),
        (0.8, 0.8, "no significant change", "ok", "it did not change significantly"),
    ],
)
def test_similarity_below_seven_tenths_fails_unless_it_was_lower_before(before, after, change, verdict, words):
    sts = similarity("stsb_tr")
    sts["forgetting"] |= {"before": before, "after": after, "verdict": change}
    judged = checks.similarity(sts)
    assert judged.verdict == verdict
    assert words in judged.reason


@pytest.mark.parametrize(
    ("size", "about_claims", "verdict"),
    [(512, True, "ok"), (511, True, "failed"), (512, False, "ok"), (511, False, "not applicable")],
)
def test_batches_below_512_fail_where_the_run_is_about_scifact(size, about_claims, verdict):
    assert checks.batch(size, about_claims).verdict == verdict

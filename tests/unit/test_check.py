"""The signs of failure and `python -m src.check`."""

import json

import pytest

from src import check
from src.errors import UserError
from src.reporting import checks
from tests.unit.reporting_run import SET, evaluation, similarity


def with_p_at_1(value):
    found = evaluation(SET)
    found["models"]["retrieval"]["P@1"] = value
    return found


@pytest.mark.parametrize(("figure", "verdict"), [(0.6, "ok"), (0.5999, "failed"), (1.0, "ok")])
def test_p_at_1_below_six_tenths_fails(figure, verdict):
    assert checks.precision(SET, with_p_at_1(figure)).verdict == verdict


def test_p_at_1_is_asked_of_scifact_alone():
    found = checks.precision("xquad_tr", with_p_at_1(0.1))
    assert found.verdict == "not applicable"
    assert found.figure == 0.1


@pytest.mark.parametrize(("lost", "verdict"), [(0.1, "ok"), (0.1001, "failed"), (-0.2, "ok")])
def test_a_tenth_may_be_lost_at_half_the_dimensions(lost, verdict):
    found = evaluation(SET)
    found["matryoshka"]["64"]["loss_relative"] = lost
    tested = checks.shorter(SET, found)
    assert (tested.verdict, tested.figure) == (verdict, lost)


def test_without_half_the_dimensions_there_is_nothing_to_judge():
    found = evaluation(SET)
    del found["matryoshka"]["64"], found["matryoshka"]["16"]
    assert checks.shorter(SET, found).verdict == "not applicable"


@pytest.mark.parametrize(
    ("before", "after", "verdict", "words"),
    [
        (0.85, 0.70, "ok", "it fell"),
        (0.85, 0.69, "failed", "remedies"),
        (0.6, 0.65, "not applicable", "no forgetting"),
        (0.6, 0.7, "ok", ""),
    ],
)
def test_similarity_below_seven_tenths_fails_and_says_whether_it_was_lower_before(before, after, verdict, words):
    sts = similarity("stsb_tr")
    sts["forgetting"] |= {"before": before, "after": after}
    found = checks.similarity(sts)
    assert found.verdict == verdict
    assert words in found.reason


@pytest.mark.parametrize(
    ("size", "about_claims", "verdict"),
    [(512, True, "ok"), (511, True, "failed"), (512, False, "ok"), (511, False, "not applicable")],
)
def test_batches_below_512_fail_where_the_run_is_about_scifact(size, about_claims, verdict):
    assert checks.batch(size, about_claims).verdict == verdict


def write(tmp_path, *found):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "checks.json").write_text(json.dumps(checks.as_json(list(found))), encoding="utf-8")


def test_check_prints_every_verdict_and_passes(tmp_path, monkeypatch, capsys):
    write(tmp_path, checks.batch(1024, True), checks.precision("xquad_tr", with_p_at_1(0.1)))
    monkeypatch.chdir(tmp_path)
    check.main([])
    printed = capsys.readouterr().out
    assert "batch of the retrieval step: 1024 (limit ≥ 512)" in printed
    assert printed.endswith("2 checks: 1 ok, 0 failed, 1 not applicable\n")


def test_a_failed_check_is_exit_status_1(tmp_path, monkeypatch, capsys):
    write(tmp_path, checks.batch(256, True))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        check.main([])
    assert left.value.code == 1
    assert "failed" in capsys.readouterr().out


def test_without_a_report_the_reader_is_told_what_to_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="run `dvc repro report` first"):
        check.main([])


@pytest.mark.parametrize("verdict", ["fell", "rose", "no significant change"])
def test_every_verdict_makes_a_sentence(verdict):
    sts = {"set": "sts", "forgetting": {"before": 0.8, "after": 0.8, "verdict": verdict}}
    words = {"no significant change": "did not change significantly"}.get(verdict, verdict)
    assert checks.similarity(sts).reason == f"0.8000 before retrieval training: it {words}"

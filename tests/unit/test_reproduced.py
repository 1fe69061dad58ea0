"""The comparison with git: equal, changed on purpose, another processor, and what is not reproduced."""

import subprocess

import pytest

from src import reproduced
from src.errors import UserError
from src.files import write_json, write_text

SUMMARY = {
    "beir": {"nDCG@10": 0.8481, "bm25_nDCG@10": 0.4661, "P@1": 0.64, "loss_at_64_dims": 0.0016},
    "sts": {"spearman": 0.9013, "spearman_drop": -0.0553},
}


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_json("reports/metrics.json", {"beir": {"ours": {"P@1": 0.64}}})
    write_json("reports/summary.json", SUMMARY)
    write_json(reproduced.MADE_ON, {"machine": {"cpu": "one"}, "packages": {}, "commit": "c0ffee"})
    for name in ("params.yaml", "dvc.lock", "expected.yaml", "requirements.txt", "src/x", "params/x"):
        write_text(name, "seed: 42\n")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], check=True)
    monkeypatch.setattr(reproduced, "machine", lambda: {"cpu": "one"})


def last_line(capsys) -> str:
    reproduced.main([])
    return capsys.readouterr().out.splitlines()[-1]


def test_the_report_and_its_numbers_stand_above_the_comparison(capsys):
    reproduced.main([])
    blank, report, numbers, compared = capsys.readouterr().out.splitlines()
    assert (blank, report) == ("", "reports/REPORT.md, or reports/report.html in a browser")
    assert numbers == (
        "beir: nDCG@10 0.848 (bm25_nDCG@10 0.466); loss at 64 dims 0.2 %; "
        "sts: Spearman 0.901 (+0.055 by retrieval training)"
    )
    assert compared == "reproduced byte for byte: reports and locks are as in git"


@pytest.mark.parametrize(
    ("cpu", "said"), [("one", "expect equal bytes"), ("other", "every stage behind them runs anew")]
)
def test_before_the_run_it_says_what_this_processor_changes(cpu, said, monkeypatch, capsys):
    monkeypatch.setattr(reproduced, "machine", lambda: {"cpu": cpu})
    reproduced.main(["before"])
    printed = capsys.readouterr().out
    assert said in printed and "end" in printed


@pytest.mark.parametrize("path", ["params.yaml", "src/x"])
def test_what_was_changed_on_purpose_is_said_and_not_compared(path, capsys):
    write_text(path, "seed: 43\n")
    write_json("reports/metrics.json", {"beir": {"ours": {"P@1": 0.1}}})
    assert last_line(capsys) == f"not compared: {path} differ from git, and so may results"


def test_a_like_processor_must_give_equal_bytes():
    write_json("reports/metrics.json", {"beir": {"ours": {"P@1": 0.6400001}}})
    with pytest.raises(UserError, match="not reproduced on a like processor"):
        reproduced.main([])


@pytest.mark.parametrize(("measured", "agrees"), [(0.65, True), (0.8, False)])
def test_another_processor_must_agree_within_the_tolerance(measured, agrees, monkeypatch, capsys):
    monkeypatch.setattr(reproduced, "machine", lambda: {"cpu": "other"})
    write_json("reports/metrics.json", {"beir": {"ours": {"P@1": measured}}})
    if agrees:
        assert "1 files differ from git, since this processor (other) rounds otherwise" in last_line(capsys)
    else:
        with pytest.raises(UserError, match="1 numbers of reports/metrics.json differ by more than"):
            reproduced.main([])

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
    measured(0.64)
    write_json("reports/summary.json", SUMMARY)
    write_json(reproduced.MADE_ON, {"machine": {"cpu": "one"}, "packages": {}, "commit": "c0ffee"})
    for name in ("params.yaml", "dvc.lock", "expected.yaml", "requirements.txt", "src/x", "params/x"):
        write_text(name, "seed: 42\n")
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", *command], check=True)
    monkeypatch.setattr(reproduced, "machine", lambda: {"cpu": "one"})


def measured(value: float) -> None:
    write_json("reports/metrics.json", {"beir": {"ours": {"P@1": value}}})


def test_the_report_and_its_numbers_stand_above_the_comparison(capsys):
    reproduced.main([])
    assert capsys.readouterr().out.splitlines() == [
        "",
        "reports/REPORT.md, or reports/report.html in a browser",
        "beir: nDCG@10 0.848 (bm25_nDCG@10 0.466); loss at 64 dims 0.2 %; "
        "sts: Spearman 0.901 (+0.055 by retrieval training)",
        "reproduced byte for byte: reports and locks are as in git",
    ]


@pytest.mark.parametrize(
    ("cpu", "expected"), [("one", "expect equal bytes"), ("other", "every stage behind them runs anew")]
)
def test_before_the_run_it_says_what_this_processor_changes(cpu, expected, monkeypatch, capsys):
    monkeypatch.setattr(reproduced, "machine", lambda: {"cpu": cpu})
    reproduced.main(["before"])
    assert expected in capsys.readouterr().out


@pytest.mark.parametrize("path", ["params.yaml", "src/x"])
def test_what_was_changed_on_purpose_is_named_and_not_compared(path, capsys):
    write_text(path, "seed: 43\n")
    measured(0.1)
    reproduced.main([])
    assert capsys.readouterr().out.endswith(f"not compared: {path} differ from git, and so may results\n")


def test_a_like_processor_must_give_equal_bytes():
    measured(0.6400001)
    with pytest.raises(UserError, match="not reproduced on a like processor"):
        reproduced.main([])


@pytest.mark.parametrize(("arguments", "changed"), [([], "dvc.lock"), (["numbers"], "requirements.txt")])
def test_another_processor_and_other_packages_must_agree_within_the_tolerance(arguments, changed, monkeypatch, capsys):
    monkeypatch.setattr(reproduced, "machine", lambda: {"cpu": "other"})
    write_text(changed, "seed: 43\n")
    measured(0.65)
    reproduced.main(arguments)
    assert "1 numbers of reports/metrics.json are within 0.08 of git's" in capsys.readouterr().out
    measured(0.8)
    with pytest.raises(UserError, match="1 numbers of reports/metrics.json differ by more than"):
        reproduced.main(arguments)
    assert "beir.ours.P@1: 0.6400 → 0.8000 (+0.1600)" in capsys.readouterr().out

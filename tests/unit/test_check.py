"""`python -m src.check`: the verdicts of the last report."""

from dataclasses import asdict

import pytest

from src import check
from src.errors import UserError
from src.files import write_json
from src.reporting import checks


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_check_prints_every_verdict_and_passes(capsys):
    write_json(check.CHECKS, [asdict(checks.batch(1024, True)), asdict(checks.batch(256, False))])
    check.main([])
    printed = capsys.readouterr().out
    assert "batch of the retrieval step: 1024 (limit ≥ 512)" in printed
    assert printed.endswith("2 checks: 1 ok, 0 failed, 1 not applicable, 0 not measured\n")


def test_a_failed_check_is_exit_status_1():
    write_json(check.CHECKS, [asdict(checks.batch(256, True))])
    with pytest.raises(SystemExit, match="1"):
        check.main([])


def test_without_a_report_the_fault_names_the_command():
    with pytest.raises(UserError, match="run `dvc repro report` first"):
        check.main([])

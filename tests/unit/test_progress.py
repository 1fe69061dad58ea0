"""Progress: in a log a line every so often and the last state; in a terminal tqdm's bar."""

import pytest

from src import progress


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test moves, for tqdm as well."""
    now = [1000.0]
    monkeypatch.setattr("time.time", lambda: now[0])
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    return now


def shown(capsys) -> list[str]:
    return capsys.readouterr().err.splitlines()


def work(clock, steps: int, seconds: float, **options) -> None:
    with progress.bar("nli", "step", steps, **options) as bar:
        for _ in range(steps):
            clock[0] += seconds
            bar.update()


def test_a_log_has_a_line_each_half_minute_and_the_last_state(clock, capsys):
    work(clock, 100, 1.0)
    lines = shown(capsys)
    assert len(lines) == 100 // progress.SECONDS + 1
    assert all(line.startswith("nli: ") and "\r" not in line for line in lines)
    assert "100/100" in lines[-1]


def test_work_of_a_moment_and_of_a_quiet_process_leaves_no_line(clock, capsys):
    work(clock, 5, 0.1)
    work(clock, 100, 1.0, quiet=True)
    assert shown(capsys) == []


def test_a_terminal_gets_a_bar_that_moves(clock, capsys, monkeypatch):
    import sys

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    work(clock, 100, 1.0)
    assert capsys.readouterr().err.count("\r") > 50

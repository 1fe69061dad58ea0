"""Every module that can be run answers --help and refuses arguments that it does not take."""

import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")  # imported by other tests


def commands() -> list[str]:
    """The modules with a `__main__` guard, as `python -m` takes them."""
    files = [path for folder in ("src", "bench", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]
    runnable = [path for path in files if '\nif __name__ == "__main__":' in path.read_text(encoding="utf-8")]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in runnable]
    return [name.removesuffix(".__main__") for name in names]


def run(name: str, monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def test_there_are_commands():
    assert {"src.plan", "src.train", "src.hub", "src.search", "bench", "tools.licences"} <= set(commands())


@pytest.mark.parametrize("name", commands())
def test_help_says_what_a_command_takes_with_an_example(name, monkeypatch, capsys):
    run(name, monkeypatch, "--help")
    usage, *_, example = capsys.readouterr().out.strip().splitlines()
    assert usage.startswith(f"usage: python -m {name}")
    taken = usage.removeprefix(f"usage: python -m {name}").removesuffix("[--debug]").split()
    given = example.removeprefix(f"example: python -m {name}").split()
    assert len(given) >= sum(word[0] not in "[…" for word in taken)
    assert all(given[place] in word.split("|") for place, word in enumerate(taken) if "|" in word)


@pytest.mark.parametrize("name", [name for name in commands() if name not in ("src.search", "src.hub")])
def test_too_many_arguments_are_refused_with_the_usage(name, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        run(name, monkeypatch, *["x"] * 9)
    assert stop.value.code == 1
    assert re.match(rf"error: usage: python -m {re.escape(name)}( .*)?, as in: python -m", capsys.readouterr().err)


@pytest.mark.parametrize("arguments", [[], ["colbert"]])
def test_a_missing_or_unknown_word_is_refused(arguments, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run("src.train", monkeypatch, *arguments)
    assert (
        "error: usage: python -m src.train nli|sts|retrieval, as in: python -m src.train nli" in capsys.readouterr().err
    )

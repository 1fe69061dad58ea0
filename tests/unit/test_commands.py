"""Every module that can be run answers --help and refuses arguments that it does not take."""

import re
import runpy
import shutil
import sys

import pytest

from src.data.columns import KINDS
from src.recipe.stages import STAGES
from src.stages.__main__ import TAKES
from tests.checkout import ROOT

ANY_NUMBER = ("src.search", "src.hub", "src.record", "src.cli.windows")  # of arguments

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
    assert {"src.plan", "src.stages", "src.hub", "src.search", "bench", "tools.licences"} <= set(commands())


@pytest.mark.parametrize("name", commands())
def test_help_says_what_a_command_takes_with_an_example(name, monkeypatch, capsys):
    run(name, monkeypatch, "--help")
    usage, *_, example = capsys.readouterr().out.strip().splitlines()
    assert usage.startswith(f"usage: python -m {name}")
    listed = [word.strip("[]").split("|") for word in usage.split() if "|" in word]
    assert all(value == value.lower() for values in listed for value in values)  # or nothing would fit
    taken = usage.removeprefix(f"usage: python -m {name}").removesuffix("[--debug]").split()
    given = example.removeprefix(f"example: python -m {name}").split()
    assert len(given) >= sum(word[0] not in "[…" for word in taken)
    assert all(given[place] in word.strip("[]").split("|") for place, word in enumerate(taken) if "|" in word)


@pytest.mark.parametrize("name", [name for name in commands() if name not in ANY_NUMBER])
def test_too_many_arguments_are_refused_with_the_usage(name, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        run(name, monkeypatch, *["x"] * 9)
    assert stop.value.code == 1
    assert re.match(rf"error: usage: python -m {re.escape(name)}( .*)?, as in: python -m", capsys.readouterr().err)


@pytest.mark.parametrize("name", TAKES)
def test_a_stage_says_what_it_takes_without_being_imported(name, monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, f"src.stages.{name}", raising=False)
    run("src.stages", monkeypatch, name, "--help")
    usage, _, about, *_, example = capsys.readouterr().out.strip().splitlines()
    assert f"src.stages.{name}" not in sys.modules
    assert usage == f"usage: python -m src.stages {name} {TAKES[name]}".strip() + " [--debug]"
    assert about.startswith("Stage") and example.startswith(f"example: python -m src.stages {name}")


@pytest.mark.parametrize("arguments", [[], ["colbert"]])
def test_a_missing_or_unknown_word_is_refused(arguments, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run("src.stages", monkeypatch, "train", *arguments)
    usage = "error: usage: python -m src.stages train nli|sts|retrieval, as in: python -m src.stages train nli"
    assert usage in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stage", "fault"),
    [
        ("bm25", "expected one set of eval.sets: scifact_tr_synthetic"),
        ("synthesize", "expected one folder of synthesize.into: synthetic"),
        ("ablate", "expected one variant of data/variants: none; `dvc repro ablations/dvc.yaml:resolve` writes them"),
    ],
)
def test_a_name_that_params_do_not_give_is_refused(stage, fault, tmp_path, monkeypatch, capsys):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        run("src.stages", monkeypatch, stage, "nothing")
    assert capsys.readouterr().err == f"error: {fault}\n"


def test_the_runner_knows_each_stage_and_its_words():
    files = {path.stem for path in (ROOT / "src/stages").glob("[!_]*.py")}
    assert files == set(TAKES)
    assert TAKES["train"].split("|") == list(STAGES)
    assert sorted(TAKES["prepare"].split("|")) == sorted(KINDS)

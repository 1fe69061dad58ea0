"""One line per fault, and files that are whole or not there."""

import os
import sys

import numpy as np
import pytest

from src.errors import UserError, one_line, run_stage
from src.files import fresh_dir, read_jsonl, round_floats, sha256, write_json, write_jsonl
from src.table_files import write_table


@pytest.fixture
def fails(monkeypatch, capsys):
    """Run a program that raises: its exit status and what it prints."""

    def run(fault: BaseException, *arguments: str) -> tuple[object, str]:
        def main(_: list[str]) -> None:
            raise fault

        monkeypatch.setattr(sys, "argv", ["program", *arguments])
        with pytest.raises(SystemExit) as stopped:
            run_stage(main)
        return stopped.value.code, capsys.readouterr().err

    return run


FAULT = UserError("data/x.jsonl:3: expected\n an object")


def test_a_fault_is_one_line_and_an_exit_status(fails):
    assert fails(FAULT) == (1, "error: data/x.jsonl:3: expected an object\n")
    assert fails(KeyboardInterrupt())[0] == 130
    status, line = fails(OSError(28, "No space left on device", "models/nli"))
    assert status == 1 and line.count("\n") == 1
    assert line.startswith("error: models/nli: No space left on device (free some space")


@pytest.mark.parametrize(("arguments", "variable"), [(["--debug"], ""), ([], "1")])
def test_the_traceback_is_shown_on_demand(fails, monkeypatch, arguments, variable):
    monkeypatch.setenv("TURKEMBED_DEBUG", variable)
    with pytest.raises(UserError):
        fails(FAULT, *arguments)


def test_errors_without_strerror_still_fit_one_line():
    assert one_line(MemoryError("too\nbig")) == "MemoryError: too big"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.jsonl"
    write_jsonl(path, [{"a": "ığ"}])

    def rows():
        yield {"b": 1}
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_jsonl(path, rows())
    assert list(read_jsonl(path)) == [{"a": "ığ"}]
    assert os.listdir(tmp_path) == ["a.jsonl"]


def test_what_a_killed_process_left_half_built_goes(tmp_path):
    for name in (".runs.abcd1234", ".runs[1].abcd1234", ".other.abcd1234"):
        (tmp_path / name).mkdir()
    with fresh_dir(tmp_path / "runs") as folder:
        (folder / "a").write_text("a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.abcd1234", ".runs[1].abcd1234", "runs"]


def test_a_failed_folder_leaves_the_old_folder(tmp_path):
    target = tmp_path / "model"
    with fresh_dir(target) as folder:
        (folder / "x").write_text("1")
    with pytest.raises(RuntimeError), fresh_dir(target) as folder:
        (folder / "x").write_text("2")
        raise RuntimeError
    assert (target / "x").read_text() == "1"
    with fresh_dir(target) as folder:
        (folder / "y").write_text("3")
    assert os.listdir(target) == ["y"]
    assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1}\n{"a"', ":2: not JSON"),
        (b"[1]\n", ":1: a JSON list; expected an object"),
        ('{"a": "ığ"}'.encode("iso-8859-9"), "UTF-8"),
    ],
)
def test_a_bad_line_or_encoding_is_named(tmp_path, content, message):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        list(read_jsonl(path))


def test_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert not list(tmp_path.iterdir())


def test_csv_and_checksum_are_stable(tmp_path):
    write_table(tmp_path / "a.csv", ["x", "y"], [[1, "a,b"]])
    assert (tmp_path / "a.csv").read_bytes() == b'x,y\n1,"a,b"\n'
    assert sha256(tmp_path / "a.csv") == "5ca08acfaa244ac8421973324c863b12a6f4d555a12bb316d9bb6da7a609ca53"


def test_rounding_reaches_every_depth():
    assert round_floats({"a": [0.12345, (1, 2.71828)]}, 2) == {"a": [0.12, [1, 2.72]]}


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o002, 0o664, 0o775)])
def test_files_and_folders_have_the_mode_that_the_user_gives_new_ones(tmp_path, mask, file, folder):
    from safetensors.numpy import save_file

    before = os.umask(mask)
    try:
        with fresh_dir(tmp_path / "model") as model:
            (model / "0_Transformer").mkdir(mode=0o700)
            save_file({"a": np.zeros(2)}, model / "0_Transformer" / "model.safetensors")
        write_json(tmp_path / "a.json", {})
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    files = {"model.safetensors": file, "a.json": file}
    assert modes == files | {"model": folder, "0_Transformer": folder}

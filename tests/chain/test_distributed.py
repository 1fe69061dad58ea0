"""Two processes (gloo) train as one does: the same losses, the same weights to rounding."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.utils.serialize import dump_yaml

from src.files import read_yaml
from tests.checkout import Checkout, make_checkout

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.chain

PROGRAM = """
import sys
from pathlib import Path
from src.params import load_params
from src.runtime import set_environment
from src.training.launch import launch

def work(arguments):
    from src.training.run import StageFiles, train_stage
    folder, name = Path(arguments[0]), arguments[1]
    params = load_params()
    block, loss = (params.sts, "sts") if name == "cosent" else (params.train, "retrieval")
    step = block.model_copy(update={"dims": [16, 8], "batch_size": 30, "epochs": 2, "max_length": 16,
                                    "learning_rate": 1e-3, "symmetric": True, "mini_batch_tokens": 100})
    files = StageFiles(loss, folder / f"{name}.jsonl", folder / "base", folder / f"{name}-{arguments[2]}",
                      folder / f"{name}-{arguments[2]}.csv", folder / "log.jsonl")
    train_stage(files, step, runtime(params), seed=1)

def runtime(params):
    return params.runtime.model_copy(update={"threads": 1})

if __name__ == "__main__":
    params = load_params()
    set_environment(runtime(params))
    launch(work, sys.argv[1:], int(sys.argv[3]), params.runtime)
"""


def weights_of(folder: Path) -> dict:
    from src.training.encoder import load_encoder

    return dict(load_encoder(folder)[0].auto_model.state_dict())


def train(folder: Path, name: str, processes: int) -> tuple[list[list[float]], dict]:
    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    environment = os.environ | {"DVC_ROOT": str(folder), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(program), str(folder), name, str(processes)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    out = folder / f"{name}-{processes}"
    lines = Path(f"{out}.csv").read_text(encoding="utf-8").splitlines()[1:]
    return [[float(value) for value in line.split(",")] for line in lines], weights_of(out)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    import torch

    from bench.common import build_gte
    from src.training.encoder import load_encoder

    folder = tmp_path_factory.mktemp("ranks")
    texts = [f"soru {n} metin {n % 7} su {n * n % 31} " + "uzun " * (n % 9) for n in range(300)]
    size = {"vocab_size": 200, "hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_length": 32}
    model = load_encoder(build_gte(folder / "plain", texts, size))
    torch.manual_seed(0)
    with torch.no_grad():  # fresh weights give all texts one vector, whose gradients cancel to rounding
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(str(folder / "base"), create_model_card=False)
    ranking = [{"anchor": texts[n], "positive": texts[n + 100], "negative": texts[n + 200]} for n in range(100)]
    rated = [{"sentence1": texts[n], "sentence2": texts[n + 100], "score": n % 6} for n in range(100)]
    for name, rows in (("mnrl", ranking), ("cosent", rated), ("rest", ranking[:92])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["mnrl", "cosent"])
def test_two_processes_are_one(folder, name):
    one, weights = train(folder, name, 1)
    two, other = train(folder, name, 2)
    assert len(one) == len(two) > 4
    for ours, theirs in zip(one, two, strict=True):
        assert ours[:4] == pytest.approx(theirs[:4], rel=1e-4, abs=1e-6)
        assert ours[4] == pytest.approx(theirs[4], rel=1e-2)  # a norm of 1e-3 from parts that cancel
    start = weights_of(folder / "base")
    for key, value in weights.items():
        if not key.endswith("k_proj.bias"):  # attention does not depend on it: its gradient is rounding alone
            moved = float((value - start[key]).norm())
            assert float((other[key] - value).norm()) <= 0.02 * moved + 1e-6, key


def test_a_process_without_rows_waits_for_the_others(folder):
    """92 rows leave a last batch of two, less than the three processes."""
    one, three = train(folder, "rest", 1)[0], train(folder, "rest", 3)[0]
    assert [point[2] for point in three] == pytest.approx([point[2] for point in one], rel=1e-4)


@pytest.fixture(scope="module")
def checkout(folder, tmp_path_factory):
    """A copy of the repository whose sts step trains a tiny encoder in two processes on the CPU."""
    checkout = make_checkout(tmp_path_factory.mktemp("launched") / "repo")
    params = read_yaml(checkout.path / "params.yaml")
    # Long enough for a bar: what takes less than two seconds shows none.
    params["sts"] |= {"dims": [16, 8], "batch_size": 20, "max_length": 16, "epochs": 100}
    params["runtime"]["threads"] = 1
    params["launch"]["processes"] = 2
    dump_yaml(checkout.path / "params.yaml", params)
    (checkout.path / "data" / "prepared" / "sts").mkdir(parents=True)
    shutil.copy(folder / "cosent.jsonl", checkout.path / "data" / "prepared" / "sts" / "train.jsonl")
    return checkout


def test_the_stage_starts_its_processes(checkout, folder):
    shutil.copytree(folder / "base", checkout.path / "models" / "nli")
    done = checkout.run("python", "-m", "src.stages", "train", "sts")
    assert (checkout.path / "models" / "sts" / "modules.json").is_file()
    lines = (checkout.path / "reports" / "training" / "sts.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "step,epoch,loss,learning_rate,grad_norm" and len(lines) == 501
    assert done.stderr.count("sts: 100%") == 1, "one process shows progress"


def test_an_experiment_in_two_processes_learns_the_same(tiny, tmp_path):
    shutil.copytree(tiny.path, tmp_path / "repo", symlinks=True)
    pair = Checkout(tmp_path / "repo")
    pair.run("dvc", "exp", "run", "--single-item", "train_sts", "-S", "launch.processes=2")
    curves = [(run.path / "reports/training/sts.csv").read_text().splitlines()[1:] for run in (tiny, pair)]
    assert len(curves[0]) == len(curves[1]) and curves[0] != curves[1], "other sums, other last bits"
    for one, two in zip(*curves, strict=True):
        assert float(two.split(",")[2]) == pytest.approx(float(one.split(",")[2]), rel=1e-2)


def test_a_fault_in_all_processes_is_one_line(checkout):
    done = checkout.run("python", "-m", "src.stages", "train", "nli", check=False)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("error:")] == [
        "error: data/prepared/nli/train.jsonl: no such file"
    ]
    assert "Traceback" not in done.stderr


def test_more_processes_than_gpus_is_one_line():
    from src.errors import UserError
    from src.params import load_params
    from src.training.launch import check_devices

    runtime = load_params(ROOT / "params.yaml").runtime.model_copy(update={"device": "auto"})
    with pytest.raises(UserError, match="launch.processes is 64, but there are"):
        check_devices(64, runtime)

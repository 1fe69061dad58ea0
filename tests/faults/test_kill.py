"""`dvc repro` killed again and again ends with the files of a run that nobody disturbed.

The short form kills the three training steps; `make faults` (FAULTS=long) kills every stage, twice.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chain.test_readme import clone
from tests.checkout import Checkout

pytestmark = pytest.mark.chain
LONG = os.environ.get("FAULTS") == "long"
SHORT_STAGES = {"train_nli", "train_sts", "train_retrieval"}
TARGETS = [] if LONG else ["train_retrieval"]
ROUNDS = 2 if LONG else 1  # kills of each stage
WAIT = 6.0  # seconds: imports take most of them, so that a kill falls before, into and after the work


def start(checkout: Checkout, *command: str) -> subprocess.Popen[str]:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.Popen(
        command,
        cwd=checkout.path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[str], number: int) -> None:
    """Send a signal to the process and all its children."""
    with suppress(ProcessLookupError):  # it was quicker
        os.killpg(process.pid, number)


def run_until_killed(checkout: Checkout, killed: dict[str, int], moments: random.Random) -> tuple[int, str]:
    """One `dvc repro`, killed a moment after the first stage that has not been killed often enough."""
    process = start(checkout, "dvc", "repro", *TARGETS)
    output = []
    for line in process.stdout:
        output.append(line)
        stage = line.split("'")[1] if line.startswith("Running stage '") else ""
        wanted = stage and (LONG or stage in SHORT_STAGES)
        if wanted and killed.get(stage, 0) < ROUNDS:
            killed[stage] = killed.get(stage, 0) + 1
            threading.Timer(moments.uniform(0, WAIT), kill, (process, signal.SIGKILL)).start()
            process.wait()
            break
    return process.wait(), "".join(output)


def forget_results(checkout: Checkout) -> None:
    """Remove what is in git of the run, so that every stage has to run."""
    (checkout.path / "dvc.lock").unlink()
    for path in (checkout.path / "reports").iterdir():
        if path.name not in ("bench", "records"):  # these are no stage's output
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_killed_in_every_stage_it_ends_with_the_same_bytes(tiny, tmp_path):
    checkout = clone(tiny, tmp_path / "clone")
    if LONG:
        forget_results(checkout)
    killed: dict[str, int] = {}
    moments = random.Random(int(os.environ.get("FAULTS_SEED", "1")))
    while (ended := run_until_killed(checkout, killed, moments))[0] != 0:
        assert ended[0] == -signal.SIGKILL, ended[1][-3000:]
    print(f"{sum(killed.values())} kills in {len(killed)} stages")
    assert set(killed) >= SHORT_STAGES
    tracked = [] if LONG else ["reports/training/nli.csv", "reports/training/sts.csv", "reports/training/retrieval.csv"]
    assert checkout.git("status", "--porcelain", "--", *tracked).strip() == ""
    for model in ("nli", "sts", "retrieval"):
        name = f"models/{model}/model.safetensors"
        assert (checkout.path / name).read_bytes() == (tiny.path / name).read_bytes()
    assert not list((checkout.path / "data").rglob(".*")), "no half-written folder is left"


def test_a_persons_interrupt_ends_the_children_and_says_how_to_go_on(tiny, tmp_path):
    checkout = clone(tiny, tmp_path / "clone")
    checkout.run("dvc", "config", "--local", "cache.dir", str(tiny.path / ".dvc/cache"))
    checkout.run("dvc", "checkout")
    process = start(checkout, "dvc", "repro", "--force", "--single-item", "train_nli")
    output = []
    for line in process.stdout:
        output.append(line)
        if "> python" in line:
            threading.Timer(5.0, kill, (process, signal.SIGINT)).start()
    assert process.wait() != 0
    assert "interrupted" in "".join(output)
    time.sleep(0.5)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_two_at_once(tiny, tmp_path):
    """The second says that the first is at work; neither harms the other."""
    checkout = clone(tiny, tmp_path / "clone")
    first = start(checkout, "dvc", "repro", "base_model")
    next(line for line in first.stdout if "Running stage" in line)
    second = checkout.run("dvc", "repro", "base_model", check=False)
    rest = first.stdout.read()
    assert first.wait() == 0, rest
    assert second.returncode == 0 or "Unable to acquire lock" in second.stderr or "busy" in second.stderr
    assert checkout.git("status", "--porcelain").strip() == ""

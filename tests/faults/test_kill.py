"""`dvc repro` killed again and again ends with the files of a run that nobody disturbed.

The short form kills the three training steps; `make faults` (FAULTS=long) kills every stage, FAULTS_KILLS times (3).
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chain.test_readme import clone
from tests.checkout import Checkout

pytestmark = pytest.mark.chain
LONG = os.environ.get("FAULTS") == "long"
SHORT_STAGES = {"train_nli", "train_sts", "train_retrieval"}
TARGETS = [] if LONG else ["train_retrieval"]
KILLS = int(os.environ.get("FAULTS_KILLS", "3" if LONG else "1"))  # of each stage
WAIT = 6.0 if LONG else 4.0  # seconds: a kill falls into imports, into the work, or into what comes after


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


class Run:
    """One `dvc repro`, killed a moment after a stage began that has not been killed often enough."""

    def __init__(self, checkout: Checkout, killed: Counter[str], moments: random.Random) -> None:
        self.process = start(checkout, "dvc", "repro", *TARGETS)
        self.killed, self.moments = killed, moments
        self.stage, self.hit, self.output = "", "", ""
        self.timer: threading.Timer | None = None

    def watch(self) -> int:
        """Read what the run prints until it ends; the exit status. `hit`: the stage that the signal found running."""
        for line in self.process.stdout:
            self.output += line
            if line.startswith("Running stage '"):
                self.stage = line.split("'")[1]
            if self.timer is None and self.wanted():
                self.timer = threading.Timer(self.moments.uniform(0, WAIT), self.kill)
                self.timer.start()
        status = self.process.wait()
        if self.timer is not None:
            self.timer.cancel()
        return status

    def wanted(self) -> bool:
        return bool(self.stage) and (LONG or self.stage in SHORT_STAGES) and self.killed[self.stage] < KILLS

    def kill(self) -> None:
        self.hit = self.stage
        kill(self.process, signal.SIGKILL)


def forget_results(checkout: Checkout) -> None:
    """Remove what is in git of the run, so that every stage has to run."""
    (checkout.path / "dvc.lock").unlink()
    for path in (checkout.path / "reports").iterdir():
        if path.name not in ("bench", "records"):  # these are no stage's output
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_killed_in_every_stage_it_ends_with_the_same_bytes(tiny, tmp_path):
    """Counted are runs that the signal ended, under the stage that was running."""
    checkout = clone(tiny, tmp_path / "clone")
    if LONG:
        forget_results(checkout)
    killed: Counter[str] = Counter()
    moments = random.Random(int(os.environ.get("FAULTS_SEED", "1")))
    while True:
        run = Run(checkout, killed, moments)
        if (status := run.watch()) == 0:
            break
        assert status == -signal.SIGKILL, run.output[-3000:]
        killed[run.hit] += 1
    print(f"{killed.total()} kills in {len(killed)} stages: {dict(killed)}")
    assert killed.total() >= (20 if LONG else len(SHORT_STAGES))
    compared = [] if LONG else [f"reports/training/{name}.csv" for name in ("nli", "sts", "retrieval")]
    assert checkout.git("status", "--porcelain", "--", *compared).strip() == ""
    for model in ("nli", "sts", "retrieval"):
        name = f"models/{model}/model.safetensors"
        assert (checkout.path / name).read_bytes() == (tiny.path / name).read_bytes()
    left = [path for folder in ("data", "models", "reports") for path in (checkout.path / folder).rglob(".*.????????")]
    assert left == []


def test_a_persons_interrupt_ends_the_children_and_says_how_to_go_on(tiny, tmp_path):
    checkout = clone(tiny, tmp_path / "clone")
    checkout.run("dvc", "config", "--local", "cache.dir", str(tiny.path / ".dvc/cache"))
    checkout.run("dvc", "checkout")
    process = start(checkout, "dvc", "repro", "--force", "--single-item", "train_nli")
    output = []
    for line in process.stdout:
        output.append(line)
        if "tokenise" in line:  # its first progress bar: imports are over, the work is not
            kill(process, signal.SIGINT)
    assert process.wait() != 0
    said = [line for line in "".join(output).splitlines() if line.startswith("interrupted")]
    assert len(said) == 1 and "the same command goes on" in said[0], said
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

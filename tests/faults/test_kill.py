"""`dvc repro` killed again and again ends with the files of a run that nobody disturbed.

The short form kills each of the three training steps; `make faults` (FAULTS=long) every stage, FAULTS_KILLS times (20).
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides

from tests.checkout import Checkout, clone, filled_clone

pytestmark = pytest.mark.chain
LONG = os.environ.get("FAULTS") == "long"
KILLS = int(os.environ.get("FAULTS_KILLS", "20" if LONG else "1"))  # of each stage
MODELS = ("base", "nli", "sts", "retrieval", "colbert")


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
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - a shell may have it ignored
    )


def kill(process: subprocess.Popen[str], number: int) -> None:
    """Send a signal to the process and all its children."""
    with suppress(ProcessLookupError):  # it was quicker
        os.killpg(process.pid, number)


def run_stage_anew(checkout: Checkout, stage: str, moment: float | None = None) -> tuple[int, float]:
    """Run one stage although it is fresh, and kill it `moment` seconds after it began; exit status and seconds."""
    process = start(checkout, "dvc", "repro", "--force", "--single-item", stage)
    output = ""
    for line in process.stdout:
        output += line
        if line.startswith("Running stage '"):
            break
    began = time.monotonic()
    timer = threading.Timer(moment or 0, kill, (process, signal.SIGKILL))
    if moment is not None:
        timer.start()
    output += process.stdout.read()
    status = process.wait()
    timer.cancel()
    assert status in (0, -signal.SIGKILL), output[-3000:]
    return status, time.monotonic() - began


def mend(checkout: Checkout) -> list[str]:
    """What README says to do where a kill tore a file that DVC writes in place; the files that were torn."""
    torn = []
    if checkout.git("status", "--porcelain", "dvc.lock").strip():
        checkout.git("restore", "dvc.lock")
        torn.append("dvc.lock")
    locks = checkout.path / ".dvc/tmp/rwlock"
    try:
        json.loads(locks.read_text(encoding="utf-8") or "{}")
    except ValueError:
        locks.unlink()
        torn.append("rwlock")
    return torn


def killed_stages(checkout: Checkout) -> list[str]:
    if not LONG:
        return ["train_nli", "train_sts", "train_retrieval"]
    return checkout.run("dvc", "stage", "list", "--name-only").stdout.split()


def test_killed_in_every_stage_it_ends_with_the_same_bytes(tiny, tmp_path):
    """A kill counts where it found the stage at work: in its imports, its work, or DVC's own keeping of its results."""
    checkout = filled_clone(tiny, tmp_path / "clone", own_cache=True)
    moments = random.Random(int(os.environ.get("FAULTS_SEED", "1")))
    stages, torn, seconds = killed_stages(checkout), Counter[str](), 0.0
    for stage in stages:
        if LONG or not seconds:  # the three training steps take about as long as each other
            status, seconds = run_stage_anew(checkout, stage)
            assert status == 0
        kills = tries = 0
        while kills < KILLS:
            kills += run_stage_anew(checkout, stage, moments.uniform(0, seconds))[0] != 0
            tries += 1
            torn.update(mend(checkout))
            assert tries < 5 * KILLS + 10, f"{stage}: {kills} of {tries} kills found it at work"
        assert run_stage_anew(checkout, stage)[0] == 0
        print(f"{stage}: {kills} kills within {seconds:.1f} s")
    print(f"{KILLS * len(stages)} kills in {len(stages)} stages; torn by DVC: {dict(torn)}")
    assert "up to date" in checkout.run("dvc", "repro").stdout
    assert checkout.git("status", "--porcelain").strip() == ""
    for model in MODELS:
        name = f"models/{model}/model.safetensors"
        assert (checkout.path / name).read_bytes() == (tiny.path / name).read_bytes()
    left = [path for folder in ("data", "models", "reports") for path in (checkout.path / folder).rglob(".*.????????")]
    assert left == []


def test_a_persons_interrupt_ends_the_children_and_says_how_to_go_on(tiny, tmp_path):
    # A shell ignores SIGINT in what it starts in the background, and children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    checkout = filled_clone(tiny, tmp_path / "clone")
    apply_overrides(checkout.path / "params.yaml", ["nli.epochs=50"])  # it must not end before it is interrupted
    process = start(checkout, "dvc", "repro", "--force", "--single-item", "train_nli")
    log = checkout.path / "logs" / "train_nli.jsonl"
    while process.poll() is None and not log.is_file():  # its first line: imports are over, the work is not
        time.sleep(0.01)
    kill(process, signal.SIGINT)
    output = process.stdout.readlines()
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

"""A copy of the repository at tiny size, in which stages are run as a user runs them."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from src.files import read_yaml
from src.params.load import ABLATIONS

ROOT = Path(__file__).parents[1]

# One variant of each kind, what is beyond the paper together: a process each costs seconds.
VARIANTS = {"full", "batch_256", "sts_retrieval", "replay", "mix_inverse_cloze"}
# The mini profile at a size that trains in seconds; still every stage, loss and file.
TINY = [
    "runtime.threads=1",  # two gain nothing at this size
    "synthesize.nli_rows=1024",
    "synthesize.sts_rows=400",
    "synthesize.retrieval_rows=512",
    "synthesize.text_rows=600",
    "synthesize.held_out_rows=60",
    "synthesize.documents=240",
    "synthesize.claims_dev=20",
    "synthesize.claims_test=40",
    "base_model.vocab_size=600",
    "base_model.hidden_size=32",
    "base_model.intermediate_size=64",
    "base_model.heads=2",
    *(f"{block}.dims=[32,16]" for block in ("nli", "sts", "train", "eval")),
    "nli.batch_size=16",
    "train.batch_size=128",
    "train.epochs=1",
    "colbert.dim=16",
    "eval.bootstrap_resamples=100",
    *(f"{ABLATIONS}:~variants.{name}" for name in read_yaml(ROOT / ABLATIONS)["variants"] if name not in VARIANTS),
    f"{ABLATIONS}:rows=256",
    f"{ABLATIONS}:variants.batch_256.train.batch_size=64",
    f"{ABLATIONS}:++variants.replay.train="
    "{hard_negatives: true, anti_forgetting: {replay_share: 0.5, distillation_weight: 1}}",
]


SECRET = "hf_" + "NeverTellThis" * 3  # in the environment of the tiny run; no file may hold it


# Inputs of the pipeline under reports/.
KEPT = ("reports/bench/", "reports/ablation/")


def tracked_files() -> list[str]:
    """What git tracks, or would on `git add`: what a clone of the next commit holds."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).is_file()]


class Checkout:
    """A repository in a folder of its own; `run` gives a command's exit status and output."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reads = path.with_name("reads.tsv")  # what its stages opened, where tests/audit was there
        self.filled = path.with_name("filled")  # of the tiny run: a clone with its models and data

    def run(
        self, *command: str, check: bool = True, timeout: int = 600, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path} | variables
        done = subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, text=True, check=False, timeout=timeout
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done

    def git(self, *arguments: str) -> str:
        return self.run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", *arguments).stdout


def wait_for_queue(checkout: Checkout) -> int:
    """How many experiments of the queue succeeded, once none runs or waits."""
    deadline = time.monotonic() + 300
    while "Running" in (status := checkout.run("dvc", "queue", "status").stdout) or "Queued" in status:
        assert time.monotonic() < deadline, status
        time.sleep(2)
    return status.count("Success")


def clone(of: Checkout, path: Path) -> Checkout:
    """A fresh clone of the last commit: what git holds, and nothing of DVC's."""
    of.run("git", "clone", "-q", str(of.path), str(path))
    checkout = Checkout(path)
    checkout.git("config", "user.name", "t")
    checkout.git("config", "user.email", "t@example.org")
    return checkout


def filled_clone(tiny: Checkout, path: Path, own_cache: bool = False) -> Checkout:
    """A clone of the tiny run after `dvc checkout`; without a cache of its own it has the tiny run's.

    A copy of the one that tests/conftest.py made: `dvc checkout` costs seconds.
    """
    shutil.copytree(tiny.filled, path, symlinks=True)
    if own_cache:
        (path / ".dvc/config.local").unlink()
        shutil.copytree(tiny.path / ".dvc/cache", path / ".dvc/cache", symlinks=True)
    return Checkout(path)


def make_checkout(path: Path) -> Checkout:
    """The repository without the results in git, which are of another size."""
    for name in tracked_files():
        if name.endswith("dvc.lock") or (name.startswith("reports/") and not name.startswith(KEPT)):
            continue
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    checkout = Checkout(path)
    checkout.git("init", "-q", "-b", "main")
    checkout.git("add", "-A")
    checkout.git("commit", "-q", "-m", "as in git")
    return checkout

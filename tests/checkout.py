"""A copy of the repository at tiny size, in which stages are run as a user runs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

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
    "nli.dims=[32,16]",
    "sts.dims=[32,16]",
    "train.dims=[32,16]",
    "eval.dims=[32,16]",
    "nli.batch_size=16",
    "train.batch_size=128",
    "train.epochs=1",
    "colbert.dim=16",
    "eval.bootstrap_resamples=100",
    "ablations/params.yaml:rows=256",
    "ablations/params.yaml:variants.batch_256.train.batch_size=64",
    # One variant of each kind, what is beyond the paper together: a process each costs seconds.
    "ablations/params.yaml:++variants.replay.train="
    "{hard_negatives: true, anti_forgetting: {replay_share: 0.5, distillation_weight: 1}}",
    *(
        f"ablations/params.yaml:~variants.{name}"
        for name in (
            "batch_512",
            "batch_2048",
            "nli_retrieval",
            "retrieval_only",
            "sts_nli_retrieval",
            "frozen_layers",
            "hard_negatives",
            "similarity_distillation",
            "no_matryoshka",
            "false_negatives_masked",
            "mix_half_inverse_cloze",
        )
    ),
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

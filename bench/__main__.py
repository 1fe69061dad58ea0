"""`python -m bench`: every benchmark, one after another; each writes reports/bench/NAME.json."""

from __future__ import annotations

import subprocess
import sys

from src.errors import run_command

# gpu is left out: it needs the machine to itself, and says so where there is none; vocabulary too: it needs the base
# of the profile e5; encode_cpu and finetune_cpu too: they need the package index once.
NAMES = ("loss_stage", "sampler", "train_step", "linear", "topk", "eval_dims", "join", "gte_step")


def main(_: list[str]) -> None:
    """Run each benchmark in a process of its own; the exit status is that of the worst."""
    runs = [subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode for name in NAMES]
    sys.exit(max(runs))


if __name__ == "__main__":
    run_command(main)

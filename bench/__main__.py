"""`python -m bench`: every benchmark, one after another; each writes reports/bench/NAME.json."""

from __future__ import annotations

import subprocess
import sys

# gpu is left out: it needs the machine to itself, and says so where there is none.
NAMES = ("loss_stage", "sampler", "train_step", "linear", "topk", "eval_dims", "join", "gte_step")


def main() -> int:
    """Run each benchmark in a process of its own; the exit status is that of the worst."""
    return max(subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode for name in NAMES)


if __name__ == "__main__":
    sys.exit(main())

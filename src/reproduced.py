"""Did `dvc repro` give the results that are in git? `python -m src.reproduced` compares them after a run.

Byte for byte on a processor like the one that made them (reports/records/mini/environment.json names it). Another
processor may pick other kernels and round otherwise, and training amplifies the last bit; there the numbers of
reports/metrics.json must agree within TOLERANCE.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from src.errors import UserError, run_command
from src.files import read_json
from src.machine import machine
from src.parity import differences, numbers
from src.strict_json import parse_json

METRICS = "reports/metrics.json"
MADE_ON = Path("reports/records/mini/environment.json")
# Twice the widest difference seen between instruction sets and numbers of threads (docs/reproducibility.md).
TOLERANCE = 0.08


def main(_: list[str]) -> None:
    """Print how the results compare. Raises UserError where they do not agree."""
    changed = git("diff", "--name-only", "--", "reports", "dvc.lock").split()
    if not changed:
        print("reproduced byte for byte: reports and dvc.lock are as in git")
        return
    here, there = machine()["cpu"], read_json(MADE_ON)["machine"]["cpu"]
    if here == there:
        raise UserError(f"not reproduced on a like processor ({here}): {', '.join(changed[:5])} differ")
    committed: Any = parse_json(git("show", f"HEAD:{METRICS}"), METRICS)
    found = read_json(METRICS)
    lines = differences(committed, found, TOLERANCE)
    if lines:
        print("\n".join(lines))
        raise UserError(f"{len(lines)} numbers of {METRICS} differ by more than {TOLERANCE}")
    count = len(dict(numbers(found)))
    print(f"reproduced within {TOLERANCE} on another processor ({here}; in git: {there}): {count} numbers")


def git(*arguments: str) -> str:
    """What a git command prints. Raises UserError where it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    run_command(main)

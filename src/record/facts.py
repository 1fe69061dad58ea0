"""What a record says of the machine: packages, commit, and what each training cost."""

from __future__ import annotations

import statistics
import subprocess
from pathlib import Path

from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.machine import Machine, machine, versions
from src.strict_json import JsonObject

TAIL = 20  # lines of a log


class Environment(TypedDict):
    """environment.json: machine, packages and the commit, None outside git."""

    machine: Machine
    packages: dict[str, str]
    commit: str | None


class Cost(TypedDict):
    """What a training cost, in cost.json by its name.

    Seconds in optimizer steps and the most memory held; medians of the steps' speed, share of the device's measured
    matrix peak, padding computed per token, and share of tokens that were encoded once instead of twice.
    """

    steps: int
    seconds: float
    pairs_per_second: float
    tokens_per_second: float
    share_of_peak: float
    padding_waste: float
    encoded_once: float
    peak_memory_mb: int


def environment(root: Path) -> Environment:
    """Of this machine and the repository at `root`."""
    return {"machine": machine(), "packages": versions(), "commit": commit(root)}


def commit(root: Path) -> str | None:
    """The commit that the run was made on; None outside git."""
    command = ["git", "-C", str(root), "rev-parse", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None if done.returncode == 0 else None


def cost(log: list[JsonObject]) -> Cost | None:
    """Of the last training in a log, which grows with each; None where no step is in it."""
    every = [line for line in log if "seconds" in line]
    if not every:
        return None
    steps = every[max((number for number, line in enumerate(every) if line["step"] == 1), default=0) :]

    def median(key: str, digits: int | None = None) -> float:
        return round(statistics.median(line[key] for line in steps), digits)

    return {
        "steps": steps[-1]["step"],
        "seconds": round(sum(line["seconds"] for line in steps), 1),
        "pairs_per_second": median("pairs_per_second", 1),
        "tokens_per_second": median("tokens_per_second"),
        "share_of_peak": median("share_of_peak", 4),
        "padding_waste": median("padding_waste", 4),
        "encoded_once": median("encoded_once", 4),
        "peak_memory_mb": max(line["peak_memory_mb"] for line in steps),
    }


def tail(text: str) -> str:
    """The last lines of a log."""
    return "\n".join(text.splitlines()[-TAIL:]) + "\n"

"""What a record says of the machine: packages, commit, and what each training cost."""

from __future__ import annotations

import statistics

from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.git import git
from src.machine import Machine, machine, versions
from src.strict_json import JsonObject

TAIL = 20  # lines of a log
DIGITS = {"pairs_per_second": 1, "tokens_per_second": None, "share_of_peak": 4, "padding_waste": 4, "encoded_once": 4}


class Environment(TypedDict):
    """environment.json."""

    machine: Machine
    packages: dict[str, str]
    commit: str


def environment() -> Environment:
    """Of this machine and of the repository at hand."""
    return {"machine": machine(), "packages": versions(), "commit": git("rev-parse", "HEAD").strip()}


def cost(log: list[JsonObject]) -> dict[str, float]:
    """Of the last training in a log, which grows with each; empty where no step is in it.

    Seconds in optimizer steps and the most memory held; medians of the steps' speed, share of the device's measured
    matrix peak, padding computed per token, and share of tokens that were encoded once instead of twice.
    """
    every = [line for line in log if "seconds" in line]
    if not every:
        return {}
    steps = every[max((number for number, line in enumerate(every) if line["step"] == 1), default=0) :]
    medians = {key: round(statistics.median(line[key] for line in steps), kept) for key, kept in DIGITS.items()}
    return {
        "steps": steps[-1]["step"],
        "seconds": round(sum(line["seconds"] for line in steps), 1),
        **medians,
        "peak_memory_mb": max(line["peak_memory_mb"] for line in steps),
    }


def tail(text: str) -> str:
    """The last lines of a log."""
    return "\n".join(text.splitlines()[-TAIL:]) + "\n"

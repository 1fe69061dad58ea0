"""environment.json of a record: the machine, its packages, and the commit."""

from __future__ import annotations

from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.git import git
from src.machine import Machine, machine, versions


class Environment(TypedDict):
    """environment.json."""

    machine: Machine
    packages: dict[str, str]
    commit: str


def environment() -> Environment:
    """Of this machine and of the repository at hand."""
    return {"machine": machine(), "packages": versions(), "commit": git("rev-parse", "HEAD").strip()}

"""Give DVC the variants' figures that git holds: `make repro` in a fresh clone.

What git has under reports/ablation is what stage `ablate` left in data/ablation, which DVC keeps and a clone lacks.
With it, a variant trains only where its inputs come out otherwise than they did. What is not as dvc.lock says is left
out.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from dvc.output import Output
from dvc.repo import Repo

from src.errors import run_command

KNOWN = Path("reports/ablation")
FOLDER = Path("data/ablation")


def main(_: list[str]) -> None:
    """Copy every known variant to its place and into DVC's cache."""
    with Repo() as repo:
        outs = {Path(out.def_path): out for stage in repo.index.stages for out in stage.outs}
        missing = [(place, out) for place, out in outs.items() if place.parent == FOLDER and not place.exists()]
        given = [place.name for place, out in missing if (KNOWN / place.name).is_dir() and give(out, place)]
    if given:
        print(
            f"{FOLDER}: {len(given)} variants from {KNOWN}; they train anew only where their inputs come out otherwise"
        )


def give(out: Output, place: Path) -> bool:
    """Copy the folder and let DVC keep it, if it has the hash of dvc.lock; whether it has."""
    locked = out.hash_info
    shutil.copytree(KNOWN / place.name, place)
    out.save()
    if out.hash_info != locked:
        shutil.rmtree(place)
        return False
    out.commit()
    return True


if __name__ == "__main__":
    run_command(main)

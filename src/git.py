"""What git says of the repository."""

from __future__ import annotations

import subprocess

from src.errors import UserError


def git(*arguments: str) -> str:
    """What a git command prints. Raises UserError where it fails."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout

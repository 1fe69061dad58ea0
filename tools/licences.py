"""`python -m tools.licences` writes docs/licences.md: the licence of every package that requirements.txt pins."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from src.errors import run_command

PAGE = Path("docs/licences.md")
PINNED = Path("requirements.txt")
_HEAD = """# Licences of what is installed

Made by `python -m tools.licences` from the packages' own metadata; `tests/unit/test_supply_chain.py` holds it to
requirements.txt. To look for known weaknesses: `pip install pip-audit && pip-audit -r requirements.txt` (it asks a
public database, so it is no part of the tests).

| package | version | licence |
|---|---|---|
"""


def pins(path: Path = PINNED) -> dict[str, str]:
    """{package: version} of a requirements file. Raises ValueError for a line that pins nothing."""
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    versions = {}
    for line in filter(None, lines):
        name, equal, version = line.partition("==")
        if not equal or not re.fullmatch(r"[0-9][0-9A-Za-z.+!-]*", version):
            raise ValueError(f"{path}: {line!r} pins no version; expected name==version")
        versions[name] = version
    return versions


def licence(package: str) -> str:
    """What an installed package says of itself: an expression, else classifiers, else the first line of a text."""
    try:
        stated_by = metadata(package).json
    except PackageNotFoundError:
        return "not installed on this system"
    classifiers = [line.split(" :: ")[-1] for line in stated_by.get("classifier", []) if line.startswith("License")]
    stated = [line.strip() for line in str(stated_by.get("license", "")).splitlines() if line.strip()]
    text = str(stated_by.get("license_expression", "")) or ", ".join(classifiers) or next(iter(stated), "not stated")
    return text.replace("|", "/")[:80]


def page() -> str:
    """The text of docs/licences.md."""
    return _HEAD + "".join(f"| {name} | {version} | {licence(name)} |\n" for name, version in pins().items())


def main(_: list[str]) -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE}: {len(pins())} packages")


if __name__ == "__main__":
    run_command(main)

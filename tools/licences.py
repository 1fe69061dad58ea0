"""`python -m tools.licences` writes docs/licences.md: the licence of every package that requirements.txt pins."""

from __future__ import annotations

import re
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from textwrap import fill

from src.errors import run_command

PAGE = Path("docs/licences.md")
PINNED = Path("requirements.txt")
_HEAD = """# Licences of what is installed

Made by `python -m tools.licences` from the metadata of the packages that requirements.txt pins, in their own words. To
look for known weaknesses: `pip install pip-audit && pip-audit -r requirements.txt`, which asks a public database.

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
    return text[:80].strip()


def page() -> str:
    """The text of docs/licences.md."""
    packages: dict[str, list[str]] = defaultdict(list)
    for name, version in pins().items():
        packages[licence(name)].append(f"{name} {version}")
    lines = [f"- **{stated}**: {', '.join(packages[stated])}" for stated in sorted(packages)]
    return _HEAD + "".join(f"{_wrapped(line)}\n" for line in lines)


def _wrapped(line: str) -> str:
    return fill(line, 138, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def main(_: list[str]) -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE}: {len(pins())} packages")


if __name__ == "__main__":
    run_command(main)

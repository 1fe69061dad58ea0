"""What is installed is pinned and its licence listed; nothing runs foreign code, unpickles, or tells a secret."""

import json
import re
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from src.machine import machine, versions
from src.record.facts import environment
from tests.checkout import ROOT
from tools.licences import PAGE, pins

SOURCES = [path for folder in ("src", "bench", "tools") for path in sorted((ROOT / folder).rglob("*.py"))]
GPU = ("nvidia-", "triton", "cuda-")  # torch pins its own
FORBIDDEN = {
    "code of a repository": r"trust_remote_code\s*=\s*True|[\"']trust_remote_code[\"']:\s*True",
    "pickle": r"\bimport (c?[Pp]ickle|joblib|dill|shelve|marshal)\b|torch\.(load|save)\(|allow_pickle\s*=\s*True",
    "text as code": r"(?<![\w.])(eval|exec)\(|yaml\.(unsafe|full)_load|(Unsafe|Full)Loader|typ=.unsafe",
    "a shell": r"shell\s*=\s*True|os\.system",
    "a download past the Hub's client": r"\burllib\.request|\brequests\.(get|post)|\bwget\b|\bcurl\b",
}


def test_every_requirement_is_pinned_and_none_is_missing():
    """The closure: what an installed pinned package needs here is pinned too, at the installed version."""
    pinned = pins(ROOT / "requirements.txt")
    missing = set()
    for package in pinned:
        for line in requires_of(package):
            need = Requirement(line)
            name = canonicalize_name(need.name)
            if need.marker and not need.marker.evaluate({"extra": ""}):
                continue
            if name not in pinned and not name.startswith(GPU) and installed(name):
                missing.add(f"{name} (of {package})")
    assert not missing
    assert {name for name in pinned if installed(name) and installed(name).split("+")[0] != pinned[name]} == set()


def requires_of(package: str) -> list[str]:
    try:
        return requires(package) or []
    except PackageNotFoundError:
        return []


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@pytest.mark.parametrize("name", ["requirements-dev.txt", "requirements-export.txt"])
def test_further_requirements_are_pinned(name):
    lines = (ROOT / name).read_text().splitlines()
    assert all(re.match(r"#|-r requirements(-export)?\.txt$|[\w.-]+==[\w.+]+$", line) for line in lines)


def test_the_page_of_licences_is_of_these_packages():
    page = " ".join((ROOT / PAGE).read_text(encoding="utf-8").split())
    packages = re.findall(r"(?:\*\*:|,) (\S+) ([0-9][^\s,]*)", page)
    assert dict(packages) == pins(ROOT / "requirements.txt")
    assert "not stated" not in page


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_sources_are_free_of(what):
    pattern = re.compile(FORBIDDEN[what])
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line.split("  #")[0])
    ]
    assert lines == []


def test_a_record_holds_nothing_of_the_environment(monkeypatch):
    secret = "hf_" + "s3cret" * 5
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "DVC_STUDIO_TOKEN"):
        monkeypatch.setenv(name, secret)
    recorded = json.dumps([environment(), machine(), versions()])
    assert secret not in recorded
    assert Path.home().name not in json.loads(recorded)[1].values()

"""What all tests share."""

import os

# Read when torch is imported; a second thread gains nothing on such sizes, and one that waits must not spin.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.checkout import ROOT, SECRET, TINY, Checkout, clone, make_checkout

# A test is as right on a busy machine: two processes share it.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Two processes share the tests and take whole modules in this order: what takes longest must not be the last.
ORDER = ("/test_hub_paper.py", "/test_ablate.py", "/test_own_data.py", "/faults/", "/chain/", "/unit/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: next((place for place, part in enumerate(ORDER) if part in item.nodeid), -1))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Checkout:
    """The tiny chain, run once for all the tests that look at it, in whichever process the first of them is."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    checkout, whole = Checkout(folder / "tiny" / "repo"), folder / "tiny" / "whole"
    with FileLock(folder / "tiny.lock"):
        if not whole.exists():
            run_tiny(make_checkout(checkout.path))
            whole.touch()
    return checkout


def run_tiny(checkout: Checkout) -> None:
    settings = [part for override in TINY for part in ("-S", override)]
    variables = {"HF_TOKEN": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET}
    audit = {"PYTHONPATH": str(ROOT / "tests/audit"), "READS_LOG": str(checkout.reads)}
    checkout.run("dvc", "exp", "run", *settings, timeout=900, **variables, **audit)
    checkout.git("add", "-A")
    checkout.git("commit", "-q", "-m", "tiny")
    filled = clone(checkout, checkout.filled)
    filled.run("dvc", "config", "--local", "cache.dir", str(checkout.path / ".dvc/cache"))
    filled.run("dvc", "checkout", "dvc.yaml")

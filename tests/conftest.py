"""What all tests share."""

import pytest

from tests.checkout import ROOT, SECRET, TINY, Checkout, make_checkout


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Checkout:
    """The tiny chain, run once for all the tests that look at it."""
    checkout = make_checkout(tmp_path_factory.mktemp("tiny") / "repo")
    settings = [part for override in TINY for part in ("-S", override)]
    variables = {"HF_TOKEN": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET}
    audit = {"PYTHONPATH": str(ROOT / "tests/audit"), "READS_LOG": str(checkout.reads)}
    checkout.run("dvc", "exp", "run", *settings, timeout=900, **variables, **audit)
    checkout.git("add", "-A")
    checkout.git("commit", "-q", "-m", "tiny")
    return checkout

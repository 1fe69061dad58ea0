"""What all tests share."""

import pytest

from tests.checkout import SECRET, TINY, Checkout, make_checkout


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Checkout:
    """The tiny chain, run once for all the tests that look at it."""
    checkout = make_checkout(tmp_path_factory.mktemp("tiny") / "repo")
    settings = [part for override in TINY for part in ("-S", override)]
    checkout.run("dvc", "exp", "run", *settings, timeout=900, HF_TOKEN=SECRET, AWS_SECRET_ACCESS_KEY=SECRET)
    checkout.git("add", "-A")
    checkout.git("commit", "-q", "-m", "tiny")
    return checkout

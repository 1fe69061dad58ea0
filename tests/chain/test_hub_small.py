"""The profile `small` from the Hub to the forgetting check: an encoder that is no GTE, and seeded subsets."""

import json
import sys

import pytest

from src.model.prompts import Prompts, read_prompts
from tests import hub_models, hub_sets
from tests.chain.test_hub_paper import REDUCED, flags
from tests.checkout import make_checkout
from tests.hub_server import HubServer, use_in_stages

pytestmark = pytest.mark.chain

SAMPLED = ["data.nli.max_rows=100", "data.retrieval.max_rows=110"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    root = tmp_path_factory.mktemp("hub")
    hub_sets.build(root, rows=160, documents=60, judged=10)
    hub_models.e5(root)
    checkout = make_checkout(tmp_path_factory.mktemp("small") / "repo")
    with pytest.MonkeyPatch.context() as patch, HubServer(root) as server:
        use_in_stages(server, root / "home", patch)
        profile = checkout.run(sys.executable, "-m", "src.profile", "small").stdout.split()
        checkout.run(sys.executable, "-m", "src.hub", "fetch", "small")
        server.gated = {"emrecan/all-nli-tr", "intfloat/multilingual-e5-small"}  # what is fetched serves without them
        server.listed_if_gated = True
        checkout.run("dvc", "exp", "run", "check_sts_forgetting", *profile, *flags(REDUCED + SAMPLED), timeout=600)
        yield checkout, server


def test_the_chain_trains_an_encoder_that_is_no_gte(small):
    checkout, server = small
    found = json.loads((checkout.path / "reports/eval/sts.json").read_text(encoding="utf-8"))
    assert found["set"] == "stsb_tr"
    assert set(found["forgetting"]) >= {"before", "after", "drop"}
    config = json.loads((checkout.path / "models/retrieval/config.json").read_text(encoding="utf-8"))
    assert (config["model_type"], config["hidden_size"]) == ("bert", 384)
    assert "onnx/model.onnx" not in server.sent
    for name in ("base", "retrieval"):
        assert read_prompts(checkout.path / f"models/{name}") == Prompts("query: ", "passage: ")


def test_the_sample_is_of_the_size_and_stated(small):
    checkout, _ = small
    for name, rows in (("nli", 100), ("retrieval", 90)):  # 20 of the retrieval rows go to dev
        card = json.loads((checkout.path / f"data/prepared/{name}/card.json").read_text(encoding="utf-8"))
        assert card["sampling"] == f"{rows + (20 if name == 'retrieval' else 0)} rows drawn with seed 42"
        assert card["splits"]["train"]["kept"] <= rows
        assert card["splits"]["train"]["dropped"]["not sampled (max_rows)"] > 0

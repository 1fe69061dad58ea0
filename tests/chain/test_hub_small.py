"""The profile `small` from the Hub to the forgetting check: an encoder that is no GTE, and seeded subsets."""

import pytest

from src.files import read_json
from src.hub import __main__ as hub
from src.model.prompts import Prompts, read_prompts
from tests import hub_models, hub_sets
from tests.chain.test_hub_paper import REDUCED
from tests.checkout import make_checkout
from tests.hub_server import HubServer, use_in_process
from tests.pipelines import run_pipeline, set_profile

pytestmark = pytest.mark.chain

SAMPLED = ["data.nli.max_rows=100", "data.retrieval.max_rows=110"]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The checkout after the run, and the server that it used."""
    root = tmp_path_factory.mktemp("hub")
    hub_sets.build(root, rows=160, documents=60, judged=10)
    hub_models.e5(root)
    checkout = make_checkout(tmp_path_factory.mktemp("small") / "repo")
    with pytest.MonkeyPatch.context() as patch, HubServer(root) as server:
        use_in_process(server, root / "home", patch)
        patch.setenv("DVC_ROOT", str(checkout.path))
        set_profile(checkout, "small", REDUCED + SAMPLED)
        hub.main(["fetch", "small"])
        server.gated = {"emrecan/all-nli-tr", "intfloat/multilingual-e5-small"}  # what is fetched serves without them
        server.listed_if_gated = True
        run_pipeline(checkout, "check_sts_forgetting")
        yield checkout.path, server


def test_the_chain_trains_an_encoder_that_is_no_gte(small):
    folder, server = small
    similarity = read_json(folder / "reports/eval/sts.json")
    assert similarity["set"] == "stsb_tr"
    assert set(similarity["forgetting"]) >= {"before", "after", "drop"}
    config = read_json(folder / "models/retrieval/config.json")
    assert (config["model_type"], config["hidden_size"]) == ("bert", 384)
    assert "onnx/model.onnx" not in server.sent
    for name in ("base", "retrieval"):
        assert read_prompts(folder / f"models/{name}") == Prompts("query: ", "passage: ")


def test_the_sample_is_of_the_size_and_stated(small):
    folder, _ = small
    for name, rows in (("nli", 100), ("retrieval", 90)):  # 20 of the retrieval rows go to dev
        card = read_json(folder / f"data/prepared/{name}/card.json")
        assert card["sampling"] == f"{rows + (20 if name == 'retrieval' else 0)} rows drawn with seed 42"
        assert card["splits"]["train"]["kept"] <= rows
        assert card["splits"]["train"]["dropped"]["not sampled (max_rows)"] > 0

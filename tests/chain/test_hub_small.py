"""The profile `small` from the Hub to the forgetting check: an encoder that is no GTE, and seeded subsets."""

import shutil

import pytest
from dvc.utils.hydra import apply_overrides
from dvc.utils.serialize import dump_yaml

from src.files import read_json
from src.hub import __main__ as hub
from src.model.prompts import Prompts, read_prompts
from src.profile import PARAMS, complete
from tests import hub_models, hub_sets
from tests.chain.test_hub_paper import REDUCED
from tests.checkout import ROOT
from tests.hub_server import HubServer, use_in_process
from tests.stages import run_stage

pytestmark = pytest.mark.chain

SAMPLED = ["data.nli.max_rows=100", "data.retrieval.max_rows=110"]
STAGES = [
    ("prepare", "nli"),
    ("prepare", "sts"),
    ("prepare", "retrieval"),
    ("base_model",),
    ("train", "nli"),
    ("train", "sts"),
    ("train", "retrieval"),
    ("check_sts_forgetting",),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The folder of the run, whose stages ran here one after the other, and the server that it asked."""
    root, folder = tmp_path_factory.mktemp("hub"), tmp_path_factory.mktemp("small")
    hub_sets.build(root, rows=160, documents=60, judged=10)
    hub_models.e5(root)
    shutil.copytree(ROOT / "params", folder / "params")
    dump_yaml(folder / PARAMS, complete("small", ROOT / "params")[PARAMS])
    apply_overrides(folder / PARAMS, REDUCED + SAMPLED)
    with pytest.MonkeyPatch.context() as patch, HubServer(root) as server:
        use_in_process(server, root / "home", patch)
        patch.setenv("DVC_ROOT", str(folder))
        patch.chdir(folder)
        hub.main(["fetch", "small"])
        server.gated = {"emrecan/all-nli-tr", "intfloat/multilingual-e5-small"}  # what is fetched serves without them
        server.listed_if_gated = True
        for stage in STAGES:
            run_stage(*stage)
        yield folder, server


def test_the_chain_trains_an_encoder_that_is_no_gte(small):
    folder, server = small
    found = read_json(folder / "reports/eval/sts.json")
    assert found["set"] == "stsb_tr"
    assert set(found["forgetting"]) >= {"before", "after", "drop"}
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

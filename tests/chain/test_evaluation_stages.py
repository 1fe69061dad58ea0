"""The evaluation stages from files to files, on the tiny run: what is written, that it adds up, that it repeats."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from dvc.utils.serialize import modify_yaml

from src.errors import UserError
from src.evaluation import encode, late
from src.files import read_json
from tests.checkout import filled_clone
from tests.stages import run_stage

pytestmark = pytest.mark.chain

NAME = "scifact_tr_synthetic"
STEPS = ["base", "nli", "sts", "retrieval"]
DESCRIPTOR = """
source: models/nli
revision:
kind: dense
query_prompt: "su "
document_prompt: ""
pooling: cls
lowercase: turkish
max_length: 32
"""


@pytest.fixture(scope="module")
def project(tiny, tmp_path_factory):
    """The stages run again with a published model beside the tiny run's own."""
    folder = filled_clone(tiny, tmp_path_factory.mktemp("project") / "clone").path
    with modify_yaml(folder / "params.yaml") as params:
        params["eval"]["published"] = ["ours"]
        params["runtime"]["instruction_set"] = "native"
        params["nli"]["epochs"] = params["sts"]["epochs"] = 0
    (folder / "params/models/ours.yaml").write_text(DESCRIPTOR)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DVC_ROOT", str(folder))
        run_stage("train", "nli")
        run_stage("train", "sts")
        run_stage("eval_published", NAME)
        run_stage("eval_retrieval", NAME)
        run_stage("check_sts_forgetting")
        yield folder


@pytest.fixture
def evaluation(project) -> dict:
    return read_json(project / f"reports/eval/{NAME}.json")


def test_every_row_is_there_with_its_protocol(project, evaluation):
    rows = ["bm25", "bm25_stem", "bm25_lemma", "colbert", *STEPS, "hybrid", "hybrid_z", "ours"]
    assert list(evaluation["models"]) == list(evaluation["intervals"]) == rows
    assert list(evaluation["matryoshka"]) == list(evaluation["quantisation"]) == ["32", "16"]
    assert (evaluation["protocol"]["name"], evaluation["protocol"]["synthetic"]) == ("full", True)
    assert evaluation["settings"]["published"]["ours"]["source"] == "models/nli"
    assert list(evaluation["settings"]["truncation"]) == ["colbert", *STEPS, "ours"]
    for cut in evaluation["settings"]["truncation"].values():
        assert 4 <= cut["document_tokens"] <= 180 and 0 <= cut["documents_cut"] <= evaluation["protocol"]["documents"]
    assert len(evaluation["significance"]["pairs"]["nDCG@10"]) == len(rows) * (len(rows) - 1) // 2


def test_a_step_of_no_epochs_hands_its_model_on(project, evaluation):
    base, nli = (project / "models" / name for name in ("base", "nli"))
    names = {path.relative_to(base) for path in base.rglob("*")}
    assert names == {path.relative_to(nli) for path in nli.rglob("*")}
    assert all((nli / name).read_bytes() == (base / name).read_bytes() for name in names if (base / name).is_file())
    assert (project / "reports/training/nli.csv").read_text() == "step,epoch,loss,learning_rate,grad_norm\n"
    pairs = evaluation["significance"]["pairs"]["nDCG@10"]
    (same,) = [pair for pair in pairs if {pair["a"], pair["b"]} == {"base", "nli"}]
    assert (same["difference"], same["interval"], same["p_holm"]) == (0.0, [0.0, 0.0], 1.0)


def test_smaller_vectors_have_their_size_and_the_whole_one_loses_nothing(evaluation):
    whole = evaluation["matryoshka"]["32"]
    assert (whole["bytes_per_document"], whole["loss"]) == (128, 0.0)
    sizes = {name: form["bytes_per_document"] for name, form in evaluation["quantisation"]["32"].items()}
    assert sizes == {"float32": 128, "int8": 32, "binary": 4, "binary_rescored": 4}


def test_per_query_files_hold_what_the_means_are_made_of(project, evaluation):
    lines = (project / f"reports/per_query/{NAME}/retrieval.tsv").read_text().splitlines()
    column = lines[0].split("\t").index("nDCG@10")
    mean = np.mean([float(line.split("\t")[column]) for line in lines[1:]])
    assert mean == pytest.approx(evaluation["models"]["retrieval"]["nDCG@10"], abs=1e-5)


def reports(project: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((project / "reports").rglob("*")) if path.is_file()}


@pytest.mark.parametrize("cold", [False, True])
def test_a_second_run_writes_the_same_bytes_and_encodes_nothing_unless_the_cache_is_gone(project, cold, monkeypatch):
    before = reports(project)
    if cold:
        shutil.rmtree(project / ".cache")
    else:
        monkeypatch.setattr(encode, "encode_into", lambda *_, **__: pytest.fail("encoded again"))
        monkeypatch.setattr(late, "search_late", lambda *_, **__: pytest.fail("encoded again"))
    run_stage("eval_retrieval", NAME)
    run_stage("check_sts_forgetting")
    assert reports(project) == before


def test_similarity_and_forgetting(project):
    similarity = read_json(project / "reports/eval/sts.json")
    assert set(similarity["models"]) == set(similarity["protocol"]["truncation"]) == set(STEPS)
    assert set(similarity["dims"]["sts"]["16"]) == {"cosine", "dot", "euclidean", "manhattan"}
    drop = similarity["forgetting"]
    assert drop["before"] == similarity["models"]["sts"]["spearman"]
    assert drop["after"] == similarity["models"]["retrieval"]["spearman"]
    assert drop["drop"] == pytest.approx(drop["before"] - drop["after"], abs=2e-6)
    assert drop["interval"][0] <= drop["drop"] <= drop["interval"][1]
    assert 0 <= similarity["nli"]["accuracy"]["nli"]["32"] <= 1


def test_a_fault_leaves_the_previous_results(project):
    before = reports(project)
    run = project / f"data/bm25/{NAME}/bm25.trec"
    text = run.read_text()
    first = text.split()[2]
    run.unlink()  # a link into DVC's cache may be read alone
    run.write_text(text.replace(f" {first} ", " unknown ", 1))
    with pytest.raises(UserError, match=r"bm25\.trec: document unknown is not in .*; the run belongs to another"):
        run_stage("eval_retrieval", NAME)
    assert reports(project) == before

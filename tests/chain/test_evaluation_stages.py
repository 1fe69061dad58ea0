"""The evaluation stages from files to files, on untrained models: what is written, that it adds up, that it repeats."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
import torch
from dvc.utils.serialize import dump_yaml

from bench.common import build_gte
from src.errors import UserError
from src.evaluation import encode, late
from src.evaluation.beir import read_qrels
from src.evaluation.runs import read_run
from src.files import read_json, read_yaml, write_json, write_jsonl
from tests.beir import write_set
from tests.checkout import ROOT
from tests.stages import run_stage

pytestmark = pytest.mark.chain

NAME = "toy"
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


def text(generator: np.random.Generator, low: int, high: int) -> str:
    words = ["ısı", "su", "taş", "göl", "dağ", "yol", "ev", "ağaç", "kuş", "balık", "deniz", "güneş", "toprak", "orman"]
    return " ".join(generator.choice(words, size=generator.integers(low, high)))


def write_params(folder: Path) -> None:
    params = read_yaml(ROOT / "params.yaml")
    one = {"path": f"data/synthetic/eval/{NAME}", "protocol": "full", "title": True, "drop_self_hits": False}
    params["eval"] |= {"sets": {NAME: one}, "dims": [32, 16], "bootstrap_resamples": 200, "published": ["ours"]}
    params["runtime"] |= {"instruction_set": "native"}
    params["nli"]["epochs"] = 0
    params["colbert"] |= {"dim": 8, "batch_size": 16, "max_length": 32}
    dump_yaml(folder / "params.yaml", params)
    shutil.copy(ROOT / "expected.yaml", folder)
    (folder / "params" / "models").mkdir(parents=True)
    (folder / "params" / "models" / "ours.yaml").write_text(DESCRIPTOR)


def write_data(folder: Path) -> None:
    generator = np.random.default_rng(0)
    prepared = folder / "data" / "prepared"
    documents = [{"_id": f"d{n}", "title": "Başlık", "text": text(generator, 4, 20)} for n in range(150)]
    queries = {f"q{n}": text(generator, 2, 6) for n in range(20)}
    write_set(prepared / NAME, documents, queries, [(f"q{n}", f"d{7 * n}", 1) for n in range(20)])
    card = {"name": NAME, "source": "a test", "licence": "CC0-1.0", "synthetic": True}
    write_json(prepared / NAME / "card.json", card | {"files": {}, "splits": {}, "words": {}})
    pairs = [{"anchor": text(generator, 2, 5), "positive": text(generator, 3, 12)} for _ in range(64)]
    write_jsonl(prepared / "retrieval" / "train.jsonl", pairs)
    scored = [
        {"sentence1": text(generator, 2, 6), "sentence2": text(generator, 2, 6), "score": n % 6} for n in range(60)
    ]
    write_jsonl(prepared / "sts" / "test.jsonl", scored)
    triplets = [{name: text(generator, 2, 6) for name in ("anchor", "positive", "negative")} for _ in range(30)]
    write_jsonl(prepared / "nli" / "dev.jsonl", triplets)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Every stage run once in a folder of its own."""
    folder = tmp_path_factory.mktemp("project")
    write_params(folder)
    write_data(folder)
    size = {"vocab_size": 90, "hidden_size": 32, "layers": 1, "heads": 2, "intermediate_size": 32, "max_length": 32}
    generator = np.random.default_rng(1)
    for seed, name in enumerate(("base", "sts", "retrieval")):
        torch.manual_seed(seed)
        build_gte(folder / "models" / name, [text(generator, 3, 9) for _ in range(100)], size)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DVC_ROOT", str(folder))
        run_stage("train", "nli")
        run_stage("train_colbert")
        run_stage("bm25", NAME)
        run_stage("eval_published", NAME)
        run_stage("eval_retrieval", NAME)
        run_stage("check_sts_forgetting")
        yield folder


def summary(project: Path) -> dict:
    return read_json(project / "reports" / "eval" / f"{NAME}.json")


def test_every_row_is_there_with_its_protocol(project):
    evaluation = summary(project)
    chain = ["base", "nli", "sts", "retrieval"]
    rows = ["bm25", "bm25_stem", "bm25_lemma", "colbert", *chain, "hybrid", "hybrid_z", "ours"]
    assert list(evaluation["models"]) == list(evaluation["intervals"]) == rows
    assert list(evaluation["matryoshka"]) == list(evaluation["quantisation"]) == ["32", "16"]
    assert evaluation["protocol"]["name"] == "full"
    assert evaluation["protocol"]["synthetic"] is True
    assert evaluation["settings"]["published"]["ours"]["source"] == "models/nli"
    assert list(evaluation["settings"]["truncation"]) == ["colbert", "base", "nli", "sts", "retrieval", "ours"]
    for cut in evaluation["settings"]["truncation"].values():
        assert 4 <= cut["document_tokens"] <= 32 and 0 <= cut["documents_cut"] <= evaluation["protocol"]["documents"]
    sentences = read_json(project / "reports" / "eval" / "sts.json")["protocol"]["truncation"]
    assert {name: cut["texts"] for name, cut in sentences.items()} == dict.fromkeys(sentences, 2 * 60 + 3 * 30)
    assert len(evaluation["significance"]["pairs"]["nDCG@10"]) == len(rows) * (len(rows) - 1) // 2


def test_a_step_of_no_epochs_hands_its_model_on(project):
    base, nli = (project / "models" / name for name in ("base", "nli"))
    names = {path.relative_to(base) for path in base.rglob("*")}
    assert names == {path.relative_to(nli) for path in nli.rglob("*")}
    assert all((nli / name).read_bytes() == (base / name).read_bytes() for name in names if (base / name).is_file())
    assert (project / "reports/training/nli.csv").read_text() == "step,epoch,loss,learning_rate,grad_norm\n"
    pairs = summary(project)["significance"]["pairs"]["nDCG@10"]
    (same,) = [pair for pair in pairs if {pair["a"], pair["b"]} == {"base", "nli"}]
    assert (same["difference"], same["interval"], same["p_holm"]) == (0.0, [0.0, 0.0], 1.0)


def test_the_numbers_are_pytrec_evals_from_the_saved_runs(project):
    qrels = read_qrels(project / "data" / "prepared" / NAME / "qrels" / "test.tsv")
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"P_1", "recall_100", "ndcg_cut_10", "map"})
    evaluation = summary(project)
    runs = {row: (f"reports/runs/{NAME}/{row}.trec", values) for row, values in evaluation["models"].items()}
    runs["16"] = (f"data/runs/{NAME}/retrieval-16.trec", evaluation["matryoshka"]["16"])
    for file, values in runs.values():
        run = {query: dict(hits) for query, hits in read_run(project / file).items()}
        theirs = evaluator.evaluate(run).values()
        for ours, name in (("P@1", "P_1"), ("R@100", "recall_100"), ("nDCG@10", "ndcg_cut_10"), ("MAP", "map")):
            assert values[ours] == pytest.approx(sum(v[name] for v in theirs) / len(qrels), abs=1e-6), (file, ours)


def test_the_whole_vector_is_the_models_own_row(project):
    evaluation = summary(project)
    first = evaluation["matryoshka"]["32"]
    assert {name: first[name] for name in evaluation["models"]["retrieval"]} == evaluation["models"]["retrieval"]
    assert (first["bytes_per_document"], first["loss"]) == (128, 0.0)


def test_smaller_forms_have_their_size_and_their_run(project):
    forms = summary(project)["quantisation"]["32"]
    assert {name: form["bytes_per_document"] for name, form in forms.items()} == {
        "float32": 128,
        "int8": 32,
        "binary": 4,
        "binary_rescored": 4,
    }
    for form in ("int8", "binary", "binary_rescored"):
        assert read_run(project / "data" / "runs" / NAME / f"retrieval-32.{form}.trec")


def test_per_query_files_hold_what_the_means_are_made_of(project):
    lines = (project / "reports" / "per_query" / NAME / "retrieval.tsv").read_text().splitlines()
    column = lines[0].split("\t").index("nDCG@10")
    mean = np.mean([float(line.split("\t")[column]) for line in lines[1:]])
    assert mean == pytest.approx(summary(project)["models"]["retrieval"]["nDCG@10"], abs=1e-5)


def reports(project: Path) -> dict[str, bytes]:
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in sorted((project / "reports").rglob("*"))
        if path.is_file()
    }


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
    evaluation = read_json(project / "reports" / "eval" / "sts.json")
    assert set(evaluation["models"]) == {"base", "nli", "sts", "retrieval"}
    assert set(evaluation["dims"]["sts"]["16"]) == {"cosine", "dot", "euclidean", "manhattan"}
    drop = evaluation["forgetting"]
    assert drop["before"] == evaluation["models"]["sts"]["spearman"]
    assert drop["after"] == evaluation["models"]["retrieval"]["spearman"]
    assert drop["drop"] == pytest.approx(drop["before"] - drop["after"], abs=2e-6)
    assert drop["interval"][0] <= drop["drop"] <= drop["interval"][1]
    assert 0 <= evaluation["nli"]["accuracy"]["nli"]["32"] <= 1


def test_a_fault_leaves_the_previous_results(project):
    before = reports(project)
    run = project / "data" / "bm25" / NAME / "bm25.trec"
    kept = run.read_text()
    run.write_text(kept.replace(" d", " unknown", 1))
    with pytest.raises(UserError, match=r"bm25\.trec: document unknown.* is not in toy; the run belongs to another"):
        run_stage("eval_retrieval", NAME)
    run.write_text(kept)
    assert reports(project) == before


@pytest.mark.parametrize("stage", ["bm25", "eval_published", "eval_retrieval"])
def test_an_unknown_set_is_refused(project, stage):
    with pytest.raises(UserError, match="expected one set of eval.sets: toy"):
        run_stage(stage, "toys")

"""The mini run's results in git, over prepared data of a few queries, for the tests of what is made of results."""

import shutil
from pathlib import Path
from typing import Any

from src.ablation.origin import code, origins
from src.ablation.variants import variant
from src.evaluation.metrics import SHOWN as MEASURES
from src.files import read_json, read_yaml, write_json, write_jsonl, write_text
from src.params import Params, load_ablations
from src.params.load import validate
from src.reporting.inputs import Inputs, read_inputs
from src.table_files import write_table
from tests.beir import write_set
from tests.checkout import ROOT

SET, STS = "scifact_tr_synthetic", "stsb_tr_synthetic"
CHAIN = ("base", "nli", "sts", "retrieval")
MODELS = ("bm25", "bm25_stem", "bm25_lemma", "colbert", *CHAIN, "hybrid", "hybrid_z")
QUERIES = 12
MINI = ROOT / "reports"
TRAIN_ROWS = {
    "text": {"text": "Su kaynar."},
    "nli": {"anchor": "Su kaynar.", "positive": "Su ısınır.", "negative": "Su donar."},
    "sts": {"sentence1": "Su kaynar.", "sentence2": "Su ısınır.", "score": 3.5},
    "retrieval": {"anchor": "Su ne zaman kaynar?", "positive": "Su yüz derecede kaynar."},
}


def make_params(sets) -> Params:
    """The repository's params.yaml with these evaluation sets."""
    values = read_yaml(ROOT / "params.yaml")
    (options,), path = values["eval"]["sets"].values(), values["eval"]["path"]
    values["eval"]["sets"] = {name: {**options, "path": f"{path}/{name}"} for name in sets}
    return validate(values, "params.yaml")


def make_run(root: Path, sets=(SET,), synthetic: bool = True) -> Params:
    """Write the files of a run under `root`; returns its params."""
    params = make_params(sets)
    root.mkdir(parents=True, exist_ok=True)
    for name in ("expected.yaml", "requirements.txt"):
        shutil.copy(ROOT / name, root)
    for name in ("src", "ablations"):
        (root / name).symlink_to(ROOT / name)
    for name in ("training", "bench"):
        shutil.copytree(MINI / name, root / "reports" / name)
    for name in CHAIN[:-1]:
        write_text(root / "models" / name / "model.safetensors", name)
    prepared, reports = root / "data/prepared", root / "reports"
    for key, row in TRAIN_ROWS.items():
        write_json(prepared / key / "card.json", card(getattr(params.data, key).name, synthetic))
        write_jsonl(prepared / key / "train.jsonl", [row])
    for name in sets:
        write_json(reports / "eval" / f"{name}.json", evaluation(name, synthetic))
        write_json(prepared / name / "card.json", card(name, synthetic) | {"protocol": "full"})
        write_queries(root, name)
    write_json(reports / "eval/sts.json", similarity(params.data.sts.name))
    errors = read_json(MINI / "forgetting_errors.json")
    write_json(reports / "forgetting_errors.json", of_sets(errors, sets))
    write_json(reports / "ablation/comparison.json", ablation(sets, params, root))
    return params


def inputs_of(root: Path, *arguments, **options) -> Inputs:
    """What the report reads of such a run."""
    return read_inputs(make_run(root, *arguments, **options), root)


def evaluation(name: str = SET, synthetic: bool = True) -> dict[str, Any]:
    value = read_json(MINI / "eval" / f"{SET}.json")
    value["protocol"] |= {"synthetic": synthetic}
    return value | {"set": name}


def similarity(name: str = STS) -> dict[str, Any]:
    return read_json(MINI / "eval/sts.json") | {"set": name}


def latency() -> dict[str, Any]:
    return read_json(MINI / "bench/eval_dims.json")["latency"]


def card(name: str, synthetic: bool) -> dict[str, Any]:
    facts = {"name": name, "source": "a test | with a bar", "licence": "CC0-1.0", "synthetic": synthetic}
    splits = {"train": {"read": 5, "kept": 4, "dropped": {"empty": 1}, "noted": {}}}
    words = {"text": {"p5": 1, "p50": 2, "p95": 3, "max": 4}}
    return facts | {"files": {"train.jsonl": "0" * 64}, "splits": splits, "words": words}


def of_sets(value: Any, sets) -> Any:
    """A result in which what is said of the mini set is said of each of these."""
    if isinstance(value, list):
        return [of_sets(part, sets) for part in value]
    if not isinstance(value, dict):
        return value
    if SET in value:
        return dict.fromkeys(sets, value[SET])
    return {key: of_sets(part, sets) for key, part in value.items()}


def ablation(sets, params: Params, root: Path) -> dict[str, Any]:
    table = of_sets(read_json(MINI / "ablation/comparison.json"), sets) | {"sets": list(sets)}
    table["left_out"] = {"batch_2048": "its retrieval batch of 2048 is larger than the 1024 rows"}
    given, trained_by = load_ablations(params, root / "ablations/params.yaml"), code(root)
    table["protocol"] |= {"resamples": params.eval.bootstrap_resamples, "seed": params.eval.seed}
    return table | {"origins": origins((variant(name, params, given, trained_by) for name in given.variants), root)}


def write_queries(root: Path, name: str) -> None:
    """Queries, documents, judgements, runs and values of every query: the first gains, the second loses."""
    ids = [f"q{number:02d}" for number in range(QUERIES)]
    documents = {f"d{number}": f"Belge <script>{number}</script> | İstanbul" for number in range(QUERIES)}
    qrels = [(id_, f"d{number}", 1) for number, id_ in enumerate(ids)]
    write_set(root / "data/prepared" / name, documents, {id_: f"Soru {id_}?" for id_ in ids}, qrels)
    values = {"sts": [0.0, 1.0] + [0.5] * (QUERIES - 2), "retrieval": [1.0, 0.63] + [0.5] * (QUERIES - 2)}
    for row, of_row in values.items():
        lines = [[id_, *[value] * len(MEASURES)] for id_, value in zip(ids, of_row, strict=True)]
        write_table(root / f"reports/per_query/{name}/{row}.tsv", ["query-id", *MEASURES], lines)
        shift = row == "sts"
        hits = [f"{id_} Q0 d{(number + shift) % QUERIES} 1 0.9 {row}\n" for number, id_ in enumerate(ids)]
        write_text(root / f"reports/runs/{name}/{row}.trec", "".join(hits))
    header, *points = (MINI / f"forgetting_errors/{SET}.csv").read_text(encoding="utf-8").splitlines()
    points = [f"{id_},{point.partition(',')[2]}" for id_, point in zip(ids, points, strict=False)]
    write_text(root / f"reports/forgetting_errors/{name}.csv", "\n".join([header, *points, ""]))

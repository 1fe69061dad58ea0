"""A small run's files, as earlier stages write them, for the tests of the report."""

import json
from itertools import combinations

from src.ablation.origin import code, origins
from src.ablation.variants import variant
from src.evaluation.metrics import SHOWN as MEASURES
from src.files import read_yaml
from src.params import load_ablations
from src.params.load import validate
from tests.beir import write_set
from tests.checkout import ROOT

SET, STS = "scifact_tr_synthetic", "stsb_tr_synthetic"
CHAIN = ("base", "nli", "sts", "retrieval")
MODELS = ("bm25", "bm25_stem", "bm25_lemma", "colbert", *CHAIN, "hybrid", "hybrid_z")
QUERIES = 12


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def make_params(sets=(SET,)):
    """The repository's params.yaml with these evaluation sets and few dimensions."""
    values = read_yaml(ROOT / "params.yaml")
    options = next(iter(values["eval"]["sets"].values()))
    path = values["eval"]["path"]
    values["eval"]["sets"] = {name: {**options, "path": f"{path}/{name}"} for name in sets}
    values["eval"]["dims"] = [128, 64, 16]
    return validate(values, "params.yaml")


def make_run(root, sets=(SET,), synthetic=True):
    """Write the files of a run under `root`; returns its params."""
    for name in ("expected.yaml", "requirements.txt"):
        write(root / name, (ROOT / name).read_text(encoding="utf-8"))
    params = make_params(sets)
    for name in sets:
        write(root / "reports" / "eval" / f"{name}.json", evaluation(name, synthetic))
        write_queries(root, name)
    write(root / "reports" / "eval" / "sts.json", similarity(params.data.sts.name))
    for key in ("text", "nli", "sts", "retrieval"):
        write(root / "data" / "prepared" / key / "card.json", card(getattr(params.data, key).name, synthetic))
        write(root / "data" / "prepared" / key / "train.jsonl", json.dumps(TRAIN_ROW[key]) + "\n")
    for name in sets:
        write(root / "data" / "prepared" / name / "card.json", card(name, synthetic) | {"protocol": "full"})
    points = "".join(f"{step},{step / 9},{9 - step},0.001,1\n" for step in range(1, 9))
    for name in ("mlm", "nli", "sts", "retrieval", "colbert"):
        head = "step,epoch,loss,learning_rate,grad_norm\n"
        write(root / "reports" / "training" / f"{name}.csv", head if name == "mlm" else head + points)
    for name in ("src", "ablations"):
        (root / name).symlink_to(ROOT / name)
    for name in ("base", "nli", "sts"):
        write(root / "models" / name / "model.safetensors", name)
    write(root / "reports" / "ablation" / "comparison.json", ablation(sets, params, root))
    write(root / "reports" / "forgetting_errors.json", errors(sets))
    write(root / "reports" / "bench" / "eval_dims.json", {"latency": latency()})
    return params


TRAIN_ROW = {
    "text": {"text": "Su kaynar."},
    "nli": {"anchor": "Su kaynar.", "positive": "Su ısınır.", "negative": "Su donar."},
    "sts": {"sentence1": "Su kaynar.", "sentence2": "Su ısınır.", "score": 3.5},
    "retrieval": {"anchor": "Su ne zaman kaynar?", "positive": "Su yüz derecede kaynar."},
}


def score(name, measure):
    """A value that differs by model and measure; the retrieval model's P@1 is 0.7."""
    if measure == "P@1":
        return round(0.1 * MODELS.index(name), 6)
    return round(0.1 + 0.0833 * MODELS.index(name) + 0.01 * MEASURES.index(measure), 6)


def evaluation(name, synthetic=True):
    scores = {model: {measure: score(model, measure) for measure in MEASURES} for model in MODELS}
    whole = scores["retrieval"]
    dims = {
        str(dim): {
            **whole,
            "nDCG@10": whole["nDCG@10"] - loss,
            "bytes_per_document": 4 * dim,
            "loss": loss,
            "loss_interval": [loss - 0.01 * bool(loss), loss + 0.01 * bool(loss)],
            "loss_relative": loss / whole["nDCG@10"],
            "loss_p_holm": 0.01 if loss else 1.0,
        }
        for dim, loss in ((128, 0.0), (64, 0.01), (16, 0.1))
    }
    forms = {"float32": 4, "int8": 1, "binary": 0.125, "binary_rescored": 0.125}
    return {
        "set": name,
        "protocol": {
            "name": "full",
            "queries": QUERIES,
            "documents": 40,
            "title": True,
            "self_hits": "kept",
            "source": "a test",
            "synthetic": synthetic,
        },
        "dropped": {},
        "models": scores,
        "intervals": {
            model: {measure: [value - 0.05, value + 0.05] for measure, value in values.items()}
            for model, values in scores.items()
        },
        "matryoshka": dims,
        "quantisation": {
            dim: {
                form: {
                    **{key: measured[key] - 0.01 * number for key in ("P@1", "R@10", "MRR@10", "nDCG@10")},
                    "bytes_per_document": int(int(dim) * size),
                }
                for number, (form, size) in enumerate(forms.items())
            }
            for dim, measured in dims.items()
        },
        "significance": {
            "interval": "paired bootstrap, 100 resamples",
            "test": "paired randomisation, 100 sign flips; Holm over 28 pairs of each measure",
            "p_floor": 1e-05,
            "seed": 13,
            "pairs": {
                measure: [
                    {
                        "a": a,
                        "b": b,
                        "difference": scores[a][measure] - scores[b][measure],
                        "interval": [-0.2, -0.1],
                        "p": 0.01,
                        "p_holm": 0.04,
                        "significant": abs(scores[a][measure] - scores[b][measure]) > 0.2,
                    }
                    for a, b in combinations(MODELS, 2)
                ]
                for measure in ("P@1", "MRR@10", "nDCG@10")
            },
        },
        "settings": {
            "depth": 100,
            "max_length": 64,
            "backend": "torch",
            "truncation": {
                "retrieval": {"query_tokens": 64, "document_tokens": 64, "queries_cut": 0, "documents_cut": 7},
                "colbert": {"query_tokens": 32, "document_tokens": 180, "queries_cut": 1, "documents_cut": 2},
            },
            "scores": "float32; ties by document id",
            "relevant": "judgement of 1 or more",
            "bm25": "Lucene's form",
            "bm25_stem": "stemmed",
            "bm25_lemma": "lemmatised",
            "hybrid": "reciprocal rank fusion",
            "hybrid_z": "sum of z-scores",
            "binary_rescored": "best 4 × 10",
            "quantised_depth": 10,
            "published": {},
        },
    }


def similarity(name):
    kinds = ("cosine", "dot", "euclidean", "manhattan")
    values = {"base": 0.4, "nli": 0.8, "sts": 0.85, "retrieval": 0.81}
    dims = {"128": 0.0, "64": 0.01, "16": 0.03}
    forgotten = {
        dim: {"before": 0.85 - lost, "after": 0.81 - lost, "drop": 0.04, "interval": [0.02, 0.06], "verdict": "fell"}
        for dim, lost in dims.items()
    }
    return {
        "set": name,
        "protocol": {
            "pairs": 50,
            "split": "test",
            "backend": "torch",
            "vectors": "cut",
            "interval": "paired bootstrap",
            "seed": 13,
            "truncation": {},
        },
        "models": {model: {"spearman": value, "pearson": value - 0.01} for model, value in values.items()},
        "dims": {
            model: {
                dim: {kind: {"spearman": value - lost, "pearson": value - lost - 0.01} for kind in kinds}
                for dim, lost in dims.items()
            }
            for model, value in values.items()
        },
        "nli": {
            "set": "nli_tr_synthetic",
            "triplets": 30,
            "accuracy": {model: dict.fromkeys(dims, value) for model, value in values.items()},
        },
        "forgetting": {**forgotten["128"], "from": "sts", "to": "retrieval", "dims": forgotten},
    }


def card(name, synthetic):
    return {
        "name": name,
        "source": "a test | with a bar",
        "licence": "CC0-1.0",
        "synthetic": synthetic,
        "files": {"train.jsonl": "0" * 64},
        "splits": {"train": {"read": 5, "kept": 4, "dropped": {"empty": 1}, "noted": {}}},
        "words": {"text": {"p5": 1, "p50": 2, "p95": 3, "max": 4}},
    }


def write_queries(root, name):
    """Queries, documents, judgements, runs and values of every query: the first gains, the second loses."""
    ids = [f"q{number:02d}" for number in range(QUERIES)]
    folder = root / "data" / "prepared" / name
    documents = {f"d{number}": f"Belge <script>{number}</script> | İstanbul" for number in range(QUERIES)}
    qrels = [(id_, f"d{number}", 1) for number, id_ in enumerate(ids)]
    write_set(folder, documents, {id_: f"Soru {id_}?" for id_ in ids}, qrels)
    change = {"sts": [0.0, 1.0] + [0.5] * (QUERIES - 2), "retrieval": [1.0, 0.63] + [0.5] * (QUERIES - 2)}
    for row, values in change.items():
        head = "\t".join(["query-id", *MEASURES])
        cells = "".join(
            "\t".join([id_, *[str(value)] * len(MEASURES)]) + "\n" for id_, value in zip(ids, values, strict=True)
        )
        write(root / "reports" / "per_query" / name / f"{row}.tsv", f"{head}\n{cells}")
        shift = 0 if row == "retrieval" else 1
        hits = "".join(f"{id_} Q0 d{(number + shift) % QUERIES} 1 0.9 {row}\n" for number, id_ in enumerate(ids))
        write(root / "reports" / "runs" / name / f"{row}.trec", hits)
    header = "query-id,ndcg_before,ndcg_change,margin_change,query_shift,positive_shift,match_change,local_forgetting\n"
    points = "".join(
        f"{id_},0.5,{(n % 3 - 1) / 2},{n / 100},{n / 50},0.1,0.2,{n / 90 - 0.05}\n" for n, id_ in enumerate(ids)
    )
    write(root / "reports" / "forgetting_errors" / f"{name}.csv", header + points)


def ablation(sets, params, root):
    chain = ["nli", "sts", "retrieval"]
    rows = {
        "full": {"path": chain, "interpolations": [0.5]},
        "full@0.5": {"path": chain, "interpolations": [0.5]},
        "batch_256": {"path": chain, "train": {"batch_size": 256}},
        "retrieval_only": {"path": ["retrieval"]},
        "no_matryoshka": {"path": chain, "matryoshka": False},
        "replay": {"path": chain, "train": {"anti_forgetting": {"replay_share": 0.25}}},
        "mix": {"path": chain, "mix": {"inverse_cloze": 1.0}},
    }
    tested = {
        "difference": -0.02,
        "interval": [-0.04, 0.0],
        "p": 0.01,
        "p_holm": 0.03,
        "significant": True,
        "p_seeds": 0.2,
    }
    table = {}
    for number, (name, row) in enumerate(rows.items()):
        further = tested if number else {}
        measured = {"mean": 0.7 - 0.02 * number, "sd": 0.01} | further
        sts = {"mean": 0.8 + 0.01 * number, "sd": 0.01, "before": 0.85, "drop": 0.05 - 0.01 * number} | further
        table[name] = {
            "path": row["path"],
            "row": row,
            "pairs": 6144,
            "updates": 20,
            **({"against": "full"} if number else {}),
            "retrieval": dict.fromkeys(sets, measured),
            "sts": sts,
        }
    given, trained_by = load_ablations(params, root / "ablations/params.yaml"), code(root)
    return {
        "reference": "full",
        "settings": {"seeds": [1, 2]},
        "protocol": {
            "retrieval": "nDCG@10",
            "retrieval_test": dict.fromkeys(sets, "paired randomisation"),
            "retrieval_interval": dict.fromkeys(sets, "paired bootstrap"),
            "sts": "Spearman's correlation",
            "sts_test": "paired bootstrap",
            "p_seeds": "Welch's t-test",
            "resamples": params.eval.bootstrap_resamples,
            "seed": params.eval.seed,
        },
        "left_out": {"batch_2048": "its retrieval batch of 2048 is larger than the 1024 rows"},
        "origins": origins((variant(name, params, given, trained_by) for name in given.variants), root),
        "sets": list(sets),
        "sts_set": params.data.sts.name,
        "rows": table,
        "pareto": [
            {"share": share, "retrieval": dict.fromkeys(sets, 0.5 + share / 5), "spearman": 0.85 - share / 20}
            for share in (0.0, 0.5, 1.0)
        ],
    }


def errors(sets):
    value = {"spearman": -0.2, "interval": [-0.4, -0.1], "partial": -0.1, "partial_interval": [-0.3, 0.1]}
    shifts = ("query_shift", "positive_shift", "match_change", "local_forgetting")
    of_set = {
        "queries": QUERIES,
        "better": 1,
        "worse": 1,
        "correlations": {target: dict.fromkeys(shifts, value) for target in ("ndcg_change", "margin_change")},
    }
    interval = dict.fromkeys(sets, "bootstrap")
    rules = {"from": "sts", "to": "retrieval", "sts_set": STS, "nearest_pairs": 20, "interval": interval}
    rules |= {"partial": "nDCG@10 before held fixed", "seed": 13}
    return {"protocol": rules, "sets": dict.fromkeys(sets, of_set)}


def latency():
    names = ("float32", "int8", "binary", "binary_rescored")
    forms = {
        form: {"batch_1": _times(1.0 + number), "batch_32": _times(0.5 + number)} for number, form in enumerate(names)
    }
    counts = {"documents": 1000, "k": 10, "batch": 32, "threads": 1}
    return {**counts, "encoding": {"batch_1": _times(4.0)}, "dims": {"128": forms, "64": forms}}


def _times(median):
    return {"median": median, "low": 0.9 * median, "high": 1.2 * median}

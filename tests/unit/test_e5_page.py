"""The tables of docs/e5.md: results of the record e5, seeds and search of the records of variants."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow.parquet
import pytest
from scipy.stats import ttest_ind

from src.ablation.record import over_seeds, read_queries
from src.evaluation import metrics
from src.evaluation.beir import read_qrels
from src.evaluation.fusion import z_score_sum
from src.evaluation.packed import score_runs
from src.evaluation.significance import clusters_of
from src.files import read_json
from tests.pages import RECORDS, change_of, page, rows_of, short, spread

PAGE = page("e5.md")
SYSTEMS = {
    "base": "base",
    "nli": "NLI",
    "sts": "NLI → STS",
    "retrieval": "NLI → STS → retrieval",
    "colbert": "ColBERT from the same base and pairs",
    "bm25_lemma": "BM25 (lemmas)",
    "hybrid_z": "hybrid, z-scores",
}
ALONE = {
    "base": "base",
    "retrieval": "retrieval alone",
    "colbert": "ColBERT from the same base and pairs",
    "bm25_lemma": "BM25 (lemmas)",
    "hybrid_z": "hybrid, z-scores",
}
SETS = ("pairs_dev", "xquad_tr_mteb", "thquad_dev", "turhistquad_mteb")
VARIANTS = {}
VARIANTS["e5_seeds"] = {
    "retrieval_only@0": "base",
    "retrieval_only": "retrieval alone",
    "retrieval_only@0.5": "retrieval alone, half of its weights and half of the base's",
    "full": "NLI → STS → retrieval",
    "full@0.5": "the same, half of its weights and half of those before retrieval",
    "whole_vector@0": "base",
    "whole_vector": "retrieval alone, no Matryoshka",
    "whole_vector@0.5": "the same, half of its weights and half of the base's",
    "hard_negatives": "retrieval alone, one mined negative a pair",
    "replay": "NLI → STS → retrieval with replay of STS, a quarter of the steps",
}
VARIANTS["e5_all_pairs"] = {
    "all_pairs@0": "base",
    "all_pairs": "retrieval alone, no Matryoshka, all pairs",
    "all_pairs@0.5": "half of its weights and half of the base's",
}
VARIANTS["e5_test"] = {
    "whole_vector@0": "base",
    "whole_vector": "retrieval alone, no Matryoshka",
    "whole_vector@0.5": "half of its weights and half of the base's",
}
VARIANTS["e5_dev_search"] = {
    "half_frozen@0": "base",
    "rate_1e4": "rate 1e-4, batch 64, temperature .02, half frozen, no dropout, Matryoshka",
    "half_frozen": "rate 3e-5",
    "half_frozen@0.5": "rate 3e-5, half of its weights and half of the base's",
    "rate_3e4": "rate 3e-4",
    "none_frozen": "no layer frozen",
    "temperature_05": "temperature .05, the paper's",
    "whole_vector": "no Matryoshka",
    "batch_16": "batch 16, rate 5e-5",
    "batch_256": "batch 256, rate 2e-4",
    "hard_negatives": "one mined negative a pair",
    "replay": "replay of STS, a quarter of the steps",
    "distillation": "similarity distillation, weight 10",
    "dropout": "dropout .1",
    "shallow@0": "every second layer kept, untrained",
    "shallow": "every second layer kept",
}


@pytest.mark.parametrize(("record", "labels"), [("e5", SYSTEMS), ("e5_alone", ALONE)])
def test_the_results_of_a_run_are_the_records(record, labels):
    measured = read_json(RECORDS / record / "metrics.json")
    lines = []
    for system, label in labels.items():
        similarity = measured["external_sts"].get(system, {}).get("spearman")
        cells = [*(short(measured[name][system]["nDCG@10"]) for name in SETS), short(similarity) if similarity else "–"]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    assert "\n".join(lines) in PAGE


def values(qrels, run):
    return metrics.per_query(qrels, run)["nDCG@10"]


def runs_of(record, name, *systems):
    """The named runs of a record's set."""
    path = RECORDS / record / f"evidence/data/runs/{name}.parquet"
    columns = pyarrow.parquet.read_table(path, filters=[("system", "in", systems)]).to_pydict()
    runs = {system: {} for system in systems}
    for system, query, *hit in zip(*columns.values(), strict=True):
        runs[system].setdefault(query, []).append(tuple(hit))
    return [runs[system] for system in systems]


@pytest.mark.parametrize("place", range(len(SETS)))
def test_what_training_adds_to_the_hybrid_is_the_records(place):
    name = SETS[place]
    qrels = read_qrels(RECORDS / f"e5/evidence/data/prepared/{name}/qrels/test.tsv")
    *parts, alone = runs_of("e5_alone", name, "bm25_lemma", "base", "hybrid_z")
    untrained, *trained = (
        values(qrels, run) for run in (z_score_sum(parts, 100), *runs_of("e5", name, "hybrid_z"), alone)
    )
    cells = [short(untrained.mean())]
    for of_run in trained:
        cells.append(f"{short(of_run.mean())} ({change_of(of_run - untrained, clusters_of(qrels))})")
    head = PAGE.index("| hybrid, z-scores, with |")
    rows = [line.split(" | ") for line in PAGE[head:].splitlines()[2:5]]
    assert [row[place + 1].removesuffix(" |") for row in rows] == cells


WINDOWS = {
    "base": "base",
    "base-64": "base, windows of 64",
    "retrieval": "retrieval alone",
    "retrieval-64": "retrieval alone, windows of 64",
    "hybrid_z of retrieval": "hybrid of BM25 and retrieval alone",
    "hybrid_z of retrieval-64": "the same, windows of 64",
}


def of_windows(name):
    """{system: nDCG@10 of every query} of a set, and the clusters of its queries."""
    runs, clusters = read_queries(RECORDS / f"e5_alone/windows/{name}.tsv")
    return {label: values[name] for label, values in runs.items()}, clusters[name]


@pytest.mark.parametrize("place", range(len(SETS)))
def test_what_windows_gain_is_the_records(place):
    values, clusters = of_windows(SETS[place])
    section = PAGE.partition("## Long documents in windows")[2].partition("\n## ")[0]
    lines = [line.split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    shown = {line[0].removeprefix("| "): line[place + 1].removesuffix(" |") for line in lines}
    for system, label in WINDOWS.items():
        whole = system.partition("-")[0]
        gain = f" ({change_of(values[system] - values[whole], clusters)})" if whole != system else ""
        assert shown[label] == short(values[system].mean()) + gain
    assert change_of(values["retrieval-64"] - values["base-64"], clusters) in " ".join(section.split())


@pytest.mark.parametrize("place", range(len(SETS)))
def test_windows_against_bm25_are_the_records(place):
    name = SETS[place]
    qrels = read_qrels(RECORDS / f"e5/evidence/data/prepared/{name}/qrels/test.tsv")
    ours, clusters = of_windows(name)
    (lemmas, whole) = runs_of("e5_alone", name, "bm25_lemma", "retrieval")
    assert ours["retrieval"] == pytest.approx(values(qrels, whole), abs=1e-6)
    assert change_of(ours["retrieval-64"] - values(qrels, lemmas), clusters) in " ".join(PAGE.split())


def test_the_size_of_windows_is_the_best_on_dev():
    ours, _ = of_windows("pairs_dev")
    sizes = ", ".join(short(ours[f"retrieval-{size}"].mean()) for size in (64, 128, 256))
    assert f"(retrieval alone: {sizes})" in PAGE and sizes == ", ".join(sorted(sizes.split(", "), reverse=True))


@pytest.mark.parametrize(("record", "name"), [(record, name) for record, labels in VARIANTS.items() for name in labels])
def test_a_row_of_variants_is_the_records(record, name):
    row = rows_of(record)[name]
    cells = [*(spread(values) for values in row["retrieval"].values()), spread(row["sts"])]
    if record == "e5_dev_search":
        cells.insert(0, "–" if name.endswith("@0") else str(row["updates"]))
    assert f"| {VARIANTS[record][name]} | {' | '.join(cells)} |" in PAGE


@pytest.mark.parametrize("record", VARIANTS)
def test_the_page_shows_every_row_of_a_record(record):
    assert set(rows_of(record)) == set(VARIANTS[record])


@pytest.mark.parametrize(
    ("run", "nearby"), [("colbert_2e5", "2e-5 gives"), ("colbert_1e4", "1e-4, the rate of retrieval training,")]
)
def test_colberts_rates_are_scored_again(run, nearby):
    qrels = read_qrels(RECORDS / "e5/evidence/data/prepared/pairs_dev/qrels/test.tsv")
    scores = score_runs(RECORDS / "e5_dev_search/colbert.parquet", qrels)
    assert f"{nearby} {short(scores[run]['nDCG@10'].mean())}" in PAGE


def test_colbert_over_seeds_is_the_records():
    seeds, _ = read_queries(RECORDS / "e5_seeds/colbert.tsv")
    cells = [
        spread(over_seeds([run[name].mean() for run in seeds.values()])) for name in ("pairs_dev", "xquad_tr_mteb")
    ]
    assert f"| ColBERT, {len(seeds)} seeds of its training | {' | '.join(cells)} | – |" in PAGE


@pytest.mark.parametrize(("name", "label"), [("pairs_dev", "pairs_dev"), ("xquad_tr_mteb", "XQuAD")])
def test_the_chain_against_colbert_over_seeds_is_the_records(name, label):
    chain, _ = read_queries(RECORDS / "e5_seeds/full/queries.tsv")
    colbert, clusters = read_queries(RECORDS / "e5_seeds/colbert.tsv")
    ours, theirs = ([run[name] for key, run in runs.items() if "@" not in key] for runs in (chain, colbert))
    difference = np.mean(ours, axis=0) - np.mean(theirs, axis=0)
    between = ttest_ind([run.mean() for run in ours], [run.mean() for run in theirs], equal_var=False).pvalue
    p = short(between, ".3f") if between > 0.001 else f"{between:.0e}".replace("e-0", "e-")
    claim = f"{change_of(difference, clusters[name])} (between seeds p {p})"
    assert f"{label} {claim}" in " ".join(PAGE.split())


@pytest.mark.parametrize(("name", "label"), [("pairs_dev", "pairs_dev"), ("xquad_tr_mteb", "XQuAD")])
def test_colbert_against_its_base_over_seeds_is_the_records(name, label):
    base, _ = read_queries(RECORDS / "e5_seeds/whole_vector/queries.tsv")
    colbert, clusters = read_queries(RECORDS / "e5_seeds/colbert.tsv")
    difference = np.mean([run[name] for run in colbert.values()], axis=0) - base["42@0"][name]
    assert f"{label} {change_of(difference, clusters[name])}" in " ".join(PAGE.split())


# Documents of pairs_dev that overlap one of THQuAD's or TurHistQuad's.
COPIES = {"d00006", "d00111", "d00120", "d00169"}


def test_what_near_copies_in_the_dev_set_change_is_the_records():
    qrels = read_qrels(RECORDS / "e5/evidence/data/prepared/pairs_dev/qrels/test.tsv")
    kept = np.array([not COPIES & set(judged) for judged in qrels.values()])
    runs: dict[str, dict[str, list]] = {"e5_seeds": {}, "e5": {}}
    for row in ("full", "retrieval_only", "whole_vector", "hard_negatives", "replay"):
        for run, of_sets in read_queries(RECORDS / f"e5_seeds/{row}/queries.tsv")[0].items():
            runs["e5_seeds"].setdefault(row + "".join(run.partition("@")[1:]), []).append(of_sets["pairs_dev"])
    scores = score_runs(RECORDS / "e5/evidence/data/runs/pairs_dev.parquet", qrels)
    runs["e5"] = {system: [scores[system]["nDCG@10"]] for system in SYSTEMS}
    moved = {}
    for record, values in runs.items():
        means = {name: np.mean(of_row) for name, of_row in values.items()}
        without = {name: np.mean(of_row, axis=0)[kept].mean() for name, of_row in values.items()}
        for one, other in combinations(means, 2):
            same_order = (means[one] - means[other]) * (without[one] - without[other]) > 0
            assert same_order or abs(means[one] - means[other]) < 0.0001
        changes = [without[name] - mean for name, mean in means.items()]
        moved[record] = [short(end) for end in (min(changes), max(changes))]
    text = " ".join(PAGE.split())
    low, high = (end.removeprefix("−") for end in moved["e5_seeds"])
    assert f"the means of `e5_seeds` on pairs_dev are {high} to {low} lower" in text
    low, high = moved["e5"]
    assert f"of the systems of `e5` {low.removeprefix('−')} lower to {high} higher" in text
    assert f"Without their {(~kept).sum()} of {len(kept):,} queries" in text


@pytest.mark.parametrize("name", ["pairs_dev", "xquad_tr_mteb"])
def test_colberts_first_seed_is_that_of_the_record_of_the_chain(name):
    seeds, _ = read_queries(RECORDS / "e5_seeds/colbert.tsv")
    qrels = read_qrels(RECORDS / f"e5/evidence/data/prepared/{name}/qrels/test.tsv")
    scores = score_runs(RECORDS / f"e5/evidence/data/runs/{name}.parquet", qrels)
    assert seeds["42"][name] == pytest.approx(scores["colbert"]["nDCG@10"], abs=1e-6)

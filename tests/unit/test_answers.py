"""The tables of answers in docs/ablations.md, made again from the records."""

from __future__ import annotations

import numpy as np
import pytest

from src.ablation.compare import read_rows, read_summaries, retrieval_tests, sts_tests
from src.ablation.record import read_queries
from src.files import read_json
from src.record.variants import compared
from src.reporting.retrieval import pair
from tests.pages import RECORDS, change, change_of, page, rows_of, short, spread

PAGE = page("ablations.md")
SETS = {
    "pairs_dev": "pairs_dev",
    "xquad_tr_mteb": "XQuAD-tr",
    "thquad_dev": "THQuAD dev",
    "turhistquad_mteb": "TurHistQuad",
}


def difference(measured) -> str:
    return change(measured["difference"], measured["interval"])


def values(row) -> list:
    return [*row["retrieval"].values(), row["sts"]]


def evaluation(name: str):
    return read_json(RECORDS / f"e5/evidence/reports/eval/{name}.json")


def line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def path_rows():
    rows = rows_of("e5_seeds")
    yield line("retrieval alone", *map(spread, values(rows["retrieval_only"])))
    yield line("NLI → STS → retrieval", *map(spread, values(rows["full"])))
    yield line("difference", *map(difference, values(rows["retrieval_only"])))


def batch_rows():
    batches = {
        "batch_64": "64, rate 1e-4",
        "batch_256": "256, rate 2e-4",
        "batch_1024": "1,024, rate 4e-4",
        "updates_128": "128, rate 1.4e-4",
    }
    for name, batch in batches.items():
        row = rows_of("e5_batches")[name]
        cells = [f"{short(v['mean'])} ({difference(v)})" if "difference" in v else spread(v) for v in values(row)]
        yield line(batch, f"{row['pairs']:,}", str(row["updates"]), *cells)


def source_rows():
    rows = rows_of("e5_sources")
    labels = {
        "natural@0": "base",
        "natural": "natural",
        "translated": "translated",
        "synthetic": "made by inverse cloze",
    }
    for name, label in labels.items():
        yield line(label, *map(spread, values(rows[name])))
    laws, _, sts = values(rows["translated"])
    yield line("translated − natural", difference(laws), "–", difference(sts))
    yield line("inverse cloze − natural", *map(difference, values(rows["synthetic"])))


def dimension_rows():
    for name, label in SETS.items():
        dims = evaluation(name)["matryoshka"]
        yield line(label, short(dims["384"]["nDCG@10"]), lost(dims["192"]), lost(dims["96"]))


def lost(dim) -> str:
    interval = sorted(-end for end in dim["loss_interval"])
    return f"{100 * dim['loss_relative']:.1f} % ({change(-dim['loss'], interval)})"


def forgetting_rows():
    for name, row in read_json(RECORDS / "e5/evidence/reports/forgetting_errors.json")["sets"].items():
        tested = row["correlations"]["ndcg_change"]["local_forgetting"]
        yield line(SETS[name], f"{row['queries']:,}", change(tested["spearman"], tested["interval"], 3))


def passage_rows():
    alone = rows_of("e5_test")["whole_vector@0"]["retrieval"]
    for name in ("xquad_tr_mteb", "thquad_dev", "turhistquad_mteb"):
        tested = pair(evaluation(name), "nDCG@10", "retrieval", "base")
        chain = change(tested["difference"], tested["interval"])
        of_alone = change(-alone[name]["difference"], sorted(-end for end in alone[name]["interval"]))
        yield line(SETS[name], chain, of_alone)


def remedy_rows():
    rows = rows_of("e5_seeds")
    drop = rows["full"]["sts"]["drop"]
    for name, label in (("full", "none"), ("full@0.5", "half of the weights"), ("replay", "replay of STS")):
        row = rows[name]
        share = "–" if name == "full" else f"{100 * (1 - row['sts']['drop'] / drop):.0f} %"
        changes = [difference(v) if "difference" in v else spread(v) for v in row["retrieval"].values()]
        yield line(label, short(row["sts"]["drop"]), share, *changes)


TABLES = (path_rows, batch_rows, source_rows, dimension_rows, forgetting_rows, passage_rows, remedy_rows)


@pytest.mark.parametrize(
    ("name", "label"), [("natural", "natural"), ("translated", "translated"), ("synthetic", "made")]
)
def test_what_training_costs_on_statutes_is_the_records(name, label):
    record = RECORDS / "e5_sources"
    (untrained, clusters), (trained, _) = (read_queries(record / row / "queries.tsv") for row in ("natural", name))
    before, after = (
        np.mean([run["laws"] for key, run in runs.items() if ("@" in key) == start], axis=0)
        for runs, start in ((untrained, True), (trained, False))
    )
    assert f"{label} {change_of(after - before, clusters['laws'], 'e5_sources')}" in " ".join(PAGE.split())


@pytest.mark.parametrize("table", TABLES)
def test_a_table_of_answers_is_the_records(table):
    assert "\n".join(table()) in PAGE


def test_interpolation_against_replay_is_the_records():
    ablations, draws = compared(RECORDS / "e5_seeds")
    trained, _ = read_summaries(RECORDS / "e5_seeds", ablations.variants)
    rows = {
        row.name: row for row in read_rows(RECORDS / "e5_seeds", {name: trained[name] for name in ("full", "replay")})
    }
    replay, half = rows["replay"], rows["full@0.5"]
    text = " ".join(PAGE.split())
    (sts,) = sts_tests(replay, [half], draws)
    p = f"(p {short(sts['p'], '.3f')}, between seeds {short(sts['p_seeds'], '.3f')})"
    assert f"more of the STS drop than replay, {difference(sts)} of Spearman {p}" in text
    dev, other = (retrieval_tests(replay, [half], name, draws)[0] for name in ("pairs_dev", "xquad_tr_mteb"))
    assert f"pairs_dev {difference(dev)}, XQuAD {difference(other)} (interpolation less replay" in text

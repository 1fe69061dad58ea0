"""Ablations: rows of params become variants, figures become files, and rows are compared with the reference."""

import copy

import numpy as np
import pytest

from src.ablation import compare, record, train, variants
from src.ablation.measure import Benchmarks, Measured
from src.ablation.table import markdown
from src.errors import UserError
from src.evaluation.beir import EvalSet
from src.evaluation.significance import Draws
from src.evaluation.similarity import Pairs, resampled_spearman, spearman
from src.files import read_json, read_yaml, write_json
from src.params import load_params
from src.params.load import validate, validate_ablations
from src.params.variant import read_variant
from tests.checkout import ROOT

PARAMS = load_params(ROOT / "params.yaml")
VALUES = read_yaml(ROOT / "ablations/params.yaml")


def ablations(**rows):
    values = copy.deepcopy(VALUES)
    values["variants"] |= rows
    return validate_ablations(values, PARAMS, "ablations/params.yaml")


def variant(name, params=PARAMS, **rows):
    return variants.variant(name, params, ablations(**rows), "code")


CHAIN = ["nli", "sts", "retrieval"]


def test_every_committed_row_makes_a_variant_that_reads_back(tmp_path):
    for name in ablations().variants:
        resolved = variant(name)
        assert resolved.trained[-1] == "retrieval"
        write_json(tmp_path / f"{name}.json", resolved.model_dump(mode="json"))
        assert read_variant(name, tmp_path) == resolved


def test_a_row_changes_what_it_names_and_nothing_else():
    row = {"path": CHAIN, "train": {"batch_size": 64, "anti_forgetting": {"replay_share": 0.5}}}
    blocks = variant("small", small=row).blocks
    expected = PARAMS.train.model_dump() | {"batch_size": 64, "epochs": VALUES["epochs"]}
    expected["anti_forgetting"] = expected["anti_forgetting"] | {"replay_share": 0.5}
    assert blocks["retrieval"].model_dump() == expected
    assert blocks["sts"] == PARAMS.sts and "nli" not in blocks  # it replays STS alone


def test_without_matryoshka_the_whole_vector_is_trained_alone():
    block = variant("plain", plain={"path": CHAIN, "matryoshka": False}).blocks["retrieval"]
    assert block.dims == PARAMS.train.dims[:1] and block.dim_weights is None


def test_a_changed_key_changes_those_variants_alone_that_use_it():
    def changed(**blocks):
        given = PARAMS.model_copy(
            update={key: getattr(PARAMS, key).model_copy(update=values) for key, values in blocks.items()}
        )
        return {name for name in ablations().variants if variant(name) != variant(name, given)}

    own_batch = {"batch_256", "batch_512", "batch_2048"}
    assert changed(train={"batch_size": 512}) == set(VALUES["variants"]) - own_batch
    assert changed(train={"epochs": 9}) == set()  # all variants train for `epochs` of their own
    assert changed(sts={"epochs": 2}) == {"replay", "sts_retrieval", "sts_nli_retrieval"}
    assert changed(nli={"epochs": 2}) == {"sts_nli_retrieval"}
    assert changed(colbert={"epochs": 2}, eval={"dims": [8], "bootstrap_resamples": 300}) == set()


@pytest.mark.parametrize(
    ("row", "start", "trained"),
    [
        ({"path": CHAIN}, "sts", ("retrieval",)),
        ({"path": ["nli", "retrieval"]}, "nli", ("retrieval",)),
        ({"path": ["sts", "retrieval"]}, "base", ("sts", "retrieval")),
        ({"path": CHAIN, "sts": {"epochs": 2}}, "nli", ("sts", "retrieval")),
        ({"path": CHAIN, "nli": {"batch_size": 64}}, "base", ("nli", "sts", "retrieval")),
    ],
)
def test_what_the_chain_has_trained_is_taken_from_it(row, start, trained):
    resolved = variant("row", row=row)
    assert (resolved.start, resolved.trained) == (start, trained)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"path": ["retrieval", "nli"]}, "ablations/params.yaml: variants.row: path .* must end in retrieval"),
        ({"path": ["nli", "nli", "retrieval"]}, "name each step once"),
        ({}, "variants.row: path: missing"),
        ({"path": CHAIN, "train": {"batch_size": 0}}, "variants.row.train: batch_size: 0 is not allowed"),
        (
            {"path": CHAIN, "train": {"anti_forgetting": {"replay": 0.1}}},
            "variants.row.train: anti_forgetting.replay: no such key",
        ),
        ({"path": CHAIN, "mix": {"a": 0.5}}, "variants.row: mix .* adds up to 0.5; expected 1"),
        ({"path": CHAIN, "updates": 9, "full_budget": True}, "variants.row: updates say how long it trains"),
        ({"path": CHAIN, "against": "none"}, "variants.row.against: 'none' is no variant"),
    ],
)
def test_a_wrong_row_is_named(row, message):
    with pytest.raises(UserError, match=message) as caught:
        ablations(row=row)
    assert "\n" not in str(caught.value)


def test_an_unknown_variant_or_reference_is_named(tmp_path):
    with pytest.raises(UserError, match=r"expected one variant of ablations/params.yaml: full"):
        variant("nothing")
    with pytest.raises(UserError, match=r"expected one variant of .*: none"):
        read_variant("nothing", tmp_path)
    with pytest.raises(UserError, match="reference 'nothing' is none of the variants"):
        validate_ablations({**VALUES, "reference": "nothing"}, PARAMS, "ablations/params.yaml")


def test_variants_are_measured_on_the_sets_that_params_name(tmp_path):
    name = next(iter(PARAMS.eval.sets))
    values = PARAMS.model_dump()
    values["eval"]["sets"] |= {"dev": values["eval"]["sets"][name]}
    params = validate(values, "params.yaml")

    def measured_sets(sets):
        ablations = validate_ablations({**VALUES, "sets": sets}, params, "ablations/params.yaml")
        return list(variants.variant("full", params, ablations, "code").measuring.sets)

    assert measured_sets(None) == [name, "dev"] and measured_sets(["dev"]) == ["dev"]
    with pytest.raises(UserError, match="sets: 'other' is none of eval.sets: "):
        measured_sets(["dev", "other"])
    for wrong in ([], ["dev", "dev"]):
        with pytest.raises(UserError, match="ablations/params.yaml: .*sets"):
            measured_sets(wrong)


SCORES = np.linspace(0, 5, 40)
QRELS = {f"q{number}": {f"d{number // 2}": 1} for number in range(30)}
SET = EvalSet("set", [], [], list(QRELS), [], QRELS, {}, {}, False)
BENCHMARKS = Benchmarks({"set": SET}, Pairs([], [], SCORES))


def measured(level, noise, seed):
    random = np.random.default_rng(seed)
    values = np.clip(level + 0.1 * random.standard_normal(30), 0, 1)
    return Measured({"set": {"nDCG@10": values}}, SCORES / 5 + noise * random.standard_normal(40))


def file_variant(folder, resolved, runs):
    record.write_runs(folder / resolved.name, runs, BENCHMARKS)
    write_json(folder / resolved.name / record.SUMMARY, record.summary(resolved, runs, SCORES, {"code": "1"}))


STEPS = [{"step": "retrieval", "rows": 10, "batch_size": 5, "epochs": 1.5, "optimizer_steps": 7}]


def seeds(level, noise, mixtures=None):
    return [
        record.SeedRun(seed, measured(level, noise, seed), SCORES / 5, STEPS, (mixtures or {}) if seed == 1 else {})
        for seed in (1, 2, 3)
    ]


@pytest.fixture
def filed(tmp_path):
    rows = {"better": {"path": CHAIN}, "same": {"path": ["nli", "retrieval"]}}
    mixtures = {0.0: measured(0.2, 0.01, 9), 0.5: measured(0.4, 0.1, 8)}
    runs = {"full": seeds(0.5, 0.3, mixtures), "better": seeds(0.8, 0.01), "same": seeds(0.5, 0.3)}
    for name, of_variant in runs.items():
        file_variant(tmp_path, variant(name, **rows), of_variant)
    return tmp_path


def compared(folder):
    rows = {"variants": {name: {"path": CHAIN} for name in ("better", "full", "same")}}
    return compare.compare_all(folder, ablations().model_copy(update=rows), Draws(resamples=200, seed=3))


def test_the_files_read_back(filed):
    queries, clusters = record.read_queries(filed / "full" / "queries.tsv")
    assert clusters["set"].tolist() == np.arange(15).repeat(2).tolist()
    assert list(queries) == ["1", "2", "3", "1@0", "1@0.5"]
    assert np.allclose(queries["2"]["set"], measured(0.5, 0.3, 2).queries["set"]["nDCG@10"], atol=1e-5)
    scores, cosines = record.read_pairs(filed / "full" / "pairs.tsv")
    assert np.allclose(scores, SCORES, atol=1e-5) and np.allclose(
        cosines["1@0"], measured(0.2, 0.01, 9).cosines, atol=1e-5
    )


def test_tests_and_intervals_draw_the_clusters_that_were_filed(filed):
    protocol = compared(filed)["protocol"]
    assert "all 32768 sign flips of 15 clusters of the 30 queries" in protocol["retrieval_test"]["set"]
    assert "200 resamples of 15 clusters" in protocol["retrieval_interval"]["set"]


def test_rows_are_compared_with_the_reference(filed):
    rows = compared(filed)["rows"]
    assert list(rows) == ["full", "full@0", "full@0.5", "better", "same"], "the reference first"
    assert {(row["pairs"], row["updates"]) for row in rows.values()} == {(15, 7)}
    assert {row["sts"]["before"] for row in rows.values()} == {1.0}, "recomputed from the pairs"
    better, same = rows["better"], rows["same"]
    assert better["retrieval"]["set"]["significant"] and better["retrieval"]["set"]["difference"] > 0.2
    assert better["sts"]["significant"] and better["sts"]["difference"] > 0
    low, high = better["retrieval"]["set"]["interval"]
    assert low <= better["retrieval"]["set"]["difference"] <= high
    assert same["retrieval"]["set"]["difference"] == 0 and not same["retrieval"]["set"]["significant"]
    assert not same["sts"]["significant"] and same["sts"]["p"] == 1
    assert "difference" not in rows["full"]["retrieval"]["set"] and "sd" in rows["full"]["retrieval"]["set"]
    assert better["retrieval"]["set"]["p_seeds"] < 0.05


def test_a_row_is_compared_with_the_variant_that_it_names(tmp_path):
    rows = {"better": {"path": CHAIN}, "same": {"path": CHAIN, "against": "better"}}
    for name, runs in {"full": seeds(0.5, 0.3), "better": seeds(0.8, 0.01), "same": seeds(0.8, 0.01)}.items():
        file_variant(tmp_path, variant(name, **rows), runs)
    table = compared(tmp_path)["rows"]
    against = {name: row.get("against") for name, row in table.items()}
    assert against == {"full": None, "better": "full", "same": "better"}
    assert table["better"]["retrieval"]["set"]["difference"] > 0.2
    assert table["same"]["retrieval"]["set"]["difference"] == 0 and table["same"]["sts"]["difference"] == 0
    assert table["same"]["retrieval"]["set"]["p_holm"] == 1


def test_a_row_trains_so_many_updates_or_the_full_budget_where_it_says_so():
    short = variant("row", row={"path": CHAIN, "train": {"batch_size": 64}, "updates": 200})
    for rows, epochs in ((6400, 2.0), (6401, 200 / 101)):
        assert train.for_updates(short.blocks["retrieval"], rows, short.updates).epochs == epochs
    full = variant("row", row={"path": CHAIN, "full_budget": True})
    assert (full.rows, full.blocks["retrieval"].epochs) == (None, PARAMS.train.epochs)
    assert train.for_updates(full.blocks["retrieval"], 5, full.updates) == full.blocks["retrieval"]


def test_a_variant_shows_what_share_of_the_drop_is_left(filed):
    rows = compared(filed)["rows"]
    drop = rows["full"]["sts"]["drop"]
    assert drop > 0 and rows["better"]["sts"]["drop_share"] == pytest.approx(
        rows["better"]["sts"]["drop"] / drop, abs=1e-4
    )
    assert rows["better"]["sts"]["drop_share"] < 0.5


def test_the_pareto_curve_ends_at_the_trained_model(filed):
    points = compared(filed)["pareto"]
    full = read_json(filed / "full" / record.SUMMARY)
    assert [point["share"] for point in points] == [0.0, 0.5, 1.0]
    assert points[-1]["retrieval"]["set"] == full["retrieval"]["set"]["nDCG@10"]["mean"]


def test_the_table_marks_what_is_significant(filed):
    lines = markdown(compared(filed)).splitlines()
    assert lines[0].startswith("| variant | updates | set nDCG@10 | STS Spearman |") and len(lines) == 7
    assert "*" in next(line for line in lines if line.startswith("| better "))
    assert "*" not in next(line for line in lines if line.startswith("| same "))


@pytest.mark.parametrize("other", [{"settings": {"seeds": [2]}}, {"sets": []}])
def test_rows_of_other_settings_or_sets_are_refused(filed, other):
    summary = read_json(filed / "same" / record.SUMMARY)
    write_json(filed / "same" / record.SUMMARY, summary | other)
    with pytest.raises(UserError, match=r"same/summary.json: other settings, sets or pairs than full's"):
        compared(filed)


def test_a_variant_that_the_data_are_too_few_for_is_left_out_but_not_the_reference(filed):
    left_out = record.left_out(variant("batch_2048"), "its batch is larger", {})
    write_json(filed / "same" / record.SUMMARY, left_out)
    comparison = compared(filed)
    assert "same" not in comparison["rows"] and comparison["left_out"] == {"same": "its batch is larger"}
    assert list(comparison["origins"]) == ["better", "full", "same"]
    write_json(filed / "full" / record.SUMMARY, left_out)
    with pytest.raises(UserError, match="the reference 'full' was left out, since its batch is larger"):
        compared(filed)


def test_a_resampled_spearman_is_centred_on_the_observed():
    cosines = np.stack([measured(0.5, 0.3, seed).cosines for seed in (1, 2)])
    observed = [spearman(row, SCORES) for row in cosines]
    assert resampled_spearman(cosines, SCORES, Draws(300, 5)).mean() == pytest.approx(np.mean(observed), abs=0.03)

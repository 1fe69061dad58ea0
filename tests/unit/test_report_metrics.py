"""reports/metrics.json and summary.json."""

import pytest

from src.errors import UserError
from src.reporting import metrics
from src.reporting.inputs import read_inputs
from src.reporting.run import versions
from src.reporting.training import read_curve
from tests.unit.reporting_run import SET, STS, make_run


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    root = tmp_path_factory.mktemp("run")
    return read_inputs(make_run(root), root)


def test_metrics_hold_exactly_the_keys_that_others_read(inputs):
    merged = metrics.merge(inputs)
    assert set(merged) == {SET, STS, "forgetting", "matryoshka", "protocol"}
    assert merged[SET] == inputs.evaluations[SET]["models"]
    assert set(merged[STS]["retrieval"]) == {"spearman", "pearson"}
    assert set(merged["forgetting"]) == {"before", "after", "drop"}
    assert list(merged["matryoshka"]) == ["128", "64", "16"]
    assert merged["matryoshka"]["16"]["spearman"] == pytest.approx(0.78)
    assert merged["protocol"][SET]["synthetic"] and merged["protocol"][STS]["pairs"] == 50


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_the_summary_has_few_columns_each_under_its_set(tmp_path, count):
    sets = [f"set_{number}" for number in range(count)]
    summary = metrics.summary(read_inputs(make_run(tmp_path, sets), tmp_path))
    assert sum(len(values) for values in summary.values()) <= metrics.COLUMNS
    assert summary[STS] == {"spearman": 0.81, "spearman_drop": 0.04}
    assert all("nDCG@10" in values for name, values in summary.items() if name != STS)


@pytest.mark.parametrize(("dims", "expected"), [(["768", "512", "256"], "256"), (["128", "64"], "64"), (["8"], None)])
def test_half_is_the_largest_dimension_within_half(dims, expected):
    assert metrics.half(dict.fromkeys(dims)) == expected


def test_a_missing_evaluation_is_named(tmp_path):
    params = make_run(tmp_path)
    (tmp_path / "reports" / "eval" / f"{SET}.json").unlink()
    with pytest.raises(UserError, match=rf"{SET}\.json: no such file"):
        read_inputs(params, tmp_path)


def test_a_curve_that_is_no_table_of_numbers_is_refused(tmp_path):
    path = tmp_path / "nli.csv"
    path.write_text("step,loss\n1,x\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"nli\.csv: expected numbers"):
        read_curve(path)


def test_a_curve_of_a_dev_split_has_gaps_and_other_columns_none(tmp_path):
    path = tmp_path / "retrieval.csv"
    path.write_text("step,loss,dev_loss\n1,2,\n2,1,3\n", encoding="utf-8")
    assert str(read_curve(path)) == "{'step': [1.0, 2.0], 'loss': [2.0, 1.0], 'dev_loss': [nan, 3.0]}"
    path.write_text("step,loss,dev_loss\n1,,3\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"retrieval\.csv: expected numbers"):
        read_curve(path)


def test_pinned_versions_are_read_without_comments_and_markers():
    assert versions("# a\nbm25s==0.3 ; python_version < '4'\ntorch==2.13.0  # x\ndvc>=2\n") == "torch 2.13.0, bm25s 0.3"

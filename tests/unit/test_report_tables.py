"""Tables as Markdown and CSV, curves of training, reports/metrics.json and summary.json."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from src.errors import UserError
from src.evaluation.expected import read_expected, unmeasured
from src.reporting import dimensions, metrics, retrieval, style
from src.reporting.tables import Marked, Table, percent, plain, starred
from src.reporting.training import last_loss, read_curve, running_mean, steps
from tests.unit.reporting_run import SET, STS, evaluation, inputs_of, latency, similarity

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def test_numbers_stand_right_and_keep_four_digits_and_cells_their_column():
    rows = [["a | b\nc", Marked(0.5, "†"), 1200, "0.5 [0.4, 0.6]\\*"], ["b", None, 3, "0.5 [0.4, 0.6]"]]
    table = Table("t", ["name", "score", "n", "interval"], rows, "caption", "notes")
    assert table.markdown().splitlines() == [
        "*caption*",
        "",
        "| name | score | n | interval |",
        "| --- | ---: | ---: | ---: |",
        "| a \\| b c | 0.5000† | 1,200 | 0.5 [0.4, 0.6]\\* |",
        "| b | – | 3 | 0.5 [0.4, 0.6] |",
        "",
        "notes",
    ]
    assert Table("t", ["a"], [["0.5, 0.6"]]).markdown().splitlines()[1] == "| --- |"


def test_the_csv_holds_plain_numbers_and_no_marks(tmp_path):
    Table("t", ["name", "score"], [["a", starred(1 / 3, significant=True)], ["b", None]]).write(tmp_path)
    assert (tmp_path / "t.csv").read_text() == "name,score\na,0.333333\nb,\n"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=80))
def test_quoted_text_means_itself_in_markdown(text):
    """Whatever a data set holds, a reader sees it as it stands, and it makes no markup."""
    table = Table("t", ["text"], [[plain(text)]]).markdown()
    tokens = [token for token in MARKDOWN.parse(table) if token.type == "inline"]
    assert len(tokens) == 2
    children = [child.type for child in tokens[1].children or []]
    assert set(children) <= {"text", "text_special"}
    assert "".join(child.content for child in tokens[1].children or []) == " ".join(text.split())


def test_long_text_is_cut():
    assert plain("a" * 200).endswith("a…") and len(plain("a" * 200)) == 160


def test_gains_are_taken_over_the_papers_baseline_where_it_is_measured():
    evaluated = evaluation()
    assert retrieval.baseline(evaluated) == "colbert"
    evaluated["models"]["turkish-colbert"] = evaluated["models"]["nli"]
    table = retrieval.table_1(evaluated)
    gains = {row[0]: row[5] for row in table.rows}
    assert gains["turkish-colbert"] is None
    ours, theirs = (evaluated["models"][name]["P@1"] for name in ("retrieval", "nli"))
    assert gains["NLI → STS → retrieval"] == percent(ours / theirs - 1)


def test_a_comparison_reads_the_same_from_both_sides():
    evaluated = evaluation()
    there = retrieval.pair(evaluated, "nDCG@10", "bm25", "retrieval")
    back = retrieval.pair(evaluated, "nDCG@10", "retrieval", "bm25")
    assert there["difference"] == -back["difference"]
    assert back["interval"] == [-bound for bound in reversed(there["interval"])]
    assert retrieval.pair(evaluated, "MAP", "bm25", "retrieval") is None


def test_search_times_stand_beside_what_they_buy_where_they_were_measured():
    taken = latency()
    taken["dims"] = {
        "64": {"int8": {"batch_1": {"median": 2, "low": 1.8, "high": 2.4}, "batch_32": taken["encoding"]["batch_32"]}}
    }
    taken["encoding"]["batch_1"] = {"median": 4.0, "low": 3.6, "high": 4.8}
    table = dimensions.indexes(evaluation(), taken)
    assert table.header[-2:] == ["ms, one query", "ms a query, 32 at once"]
    times = {tuple(row[:3]): row[-2:] for row in table.rows}
    assert times[64, "int8", 64][0] == "2.00 [1.80, 2.40]" and times[16, "int8", 16] == [None, None]
    assert "Encoding the query comes on top, 4.00 [3.60, 4.80] ms" in table.notes


def test_published_rows_of_models_that_were_not_run_stand_below_ours_under_the_same_protocol(tmp_path):
    evaluated = evaluation()
    evaluated["protocol"] = {**evaluated["protocol"], "name": "mteb", "title": True, "synthetic": False}
    row = 'set: scifact_tr, protocol: {name: %s, title: true}, model: %s, tolerance: 0.001, values: {"nDCG@10": 0.9229}'
    entries = [row % ("mteb", "theirs"), row % ("mteb", "base"), row % ("full", "other")]
    lines = ["sources: {s: {title: T, url: U}}", "published:", *(f"  - {{source: s, {entry}}}" for entry in entries)]
    (tmp_path / "expected.yaml").write_text("\n".join(lines), encoding="utf-8")
    others = unmeasured(read_expected(tmp_path / "expected.yaml"), SET, evaluated)
    assert [entry.model for entry in others] == ["theirs"]
    table = retrieval.models(evaluated, others)
    assert len(table.rows) == len(evaluated["models"]) + 1
    last = dict(zip(table.header, table.rows[-1], strict=True))
    assert (last["model"], last["nDCG@10"], last["P@1"]) == ("theirs (published)", 0.9229, None)
    assert "(published): not run here" in table.notes
    evaluated["protocol"]["synthetic"] = True
    assert unmeasured(read_expected(tmp_path / "expected.yaml"), SET, evaluated) == []


def test_notes_name_altered_weights_and_what_was_left_out_of_a_set():
    evaluated = evaluation()
    assert "4-bit" not in (notes := retrieval.models(evaluated).notes) and "Left out" not in notes
    evaluated["settings"] |= {"published": {"small-q4": {"weights": "4-bit weights, read to float32"}}}
    evaluated["settings"] |= {"base_weights": "4-bit weights"}
    evaluated["dropped"] = {"empty_documents": 2, "queries_without_judgement": 150}
    notes = retrieval.models(evaluated).notes
    assert "small-q4: 4-bit weights, read to float32." in notes
    assert "base encoder and what was trained from it: 4-bit weights." in notes
    assert notes.endswith(" Left out: 2 empty documents.")


def test_metrics_hold_exactly_the_keys_that_others_read(tmp_path):
    inputs = inputs_of(tmp_path)
    merged = metrics.merge(inputs)
    assert set(merged) == {SET, STS, "forgetting", "matryoshka", "protocol"}
    assert merged[SET] == evaluation()["models"]
    assert set(merged[STS]["retrieval"]) == {"spearman", "pearson"}
    assert set(merged["forgetting"]) == {"before", "after", "drop"}
    assert list(merged["matryoshka"]) == [str(dim) for dim in inputs.params.eval.dims]
    assert merged["matryoshka"]["16"]["spearman"] == similarity()["dims"]["retrieval"]["16"]["cosine"]["spearman"]
    assert (
        merged["protocol"][SET]["synthetic"] and merged["protocol"][STS]["pairs"] == similarity()["protocol"]["pairs"]
    )


@pytest.mark.parametrize("count", [1, 8])
def test_the_summary_has_few_columns_each_under_its_set(tmp_path, count):
    summary = metrics.summary(inputs_of(tmp_path, [f"set_{number}" for number in range(count)]))
    assert sum(len(values) for values in summary.values()) <= metrics.COLUMNS
    change = similarity()["forgetting"]
    assert summary[STS] == pytest.approx({"spearman": change["after"], "spearman_drop": change["drop"]}, abs=1e-4)
    assert all("nDCG@10" in values for name, values in summary.items() if name != STS)


@pytest.mark.parametrize(("dims", "expected"), [(["768", "512", "256"], "256"), (["128", "64"], "64"), (["8"], None)])
def test_half_is_the_largest_dimension_within_half(dims, expected):
    assert metrics.half(dict.fromkeys(dims)) == expected


def test_a_curve_of_a_dev_split_has_gaps_and_other_columns_none(tmp_path):
    path = tmp_path / "retrieval.csv"
    path.write_text("step,loss,dev_loss\n1,2,\n2,1,3\n", encoding="utf-8")
    assert str(read_curve(path)) == "{'step': [1.0, 2.0], 'loss': [2.0, 1.0], 'dev_loss': [nan, 3.0]}"
    for wrong in ("1,,3", "1,x,3"):
        path.write_text(f"step,loss,dev_loss\n{wrong}\n", encoding="utf-8")
        with pytest.raises(UserError, match=r"retrieval\.csv: expected numbers"):
            read_curve(path)


def test_a_long_training_counts_its_steps_and_the_loss_of_its_last_epoch():
    curve = {"step": [50.0, 100.0, 150.0, 200.0], "epoch": [0.5, 1.0, 1.5, 2.0], "loss": [8.0, 4.0, 2.0, 1.0]}
    assert (steps(curve), last_loss(curve)) == (200, 1.5)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=50), st.integers(0, 10))
def test_running_mean_stays_within_the_values(values, width):
    smooth = running_mean(np.array(values), width)
    assert len(smooth) == len(values)
    assert smooth.min() >= min(values) - 1e-6 and smooth.max() <= max(values) + 1e-6
    assert running_mean(np.array([1.0, 2.0, 3.0]), 1) == pytest.approx([1.5, 2.0, 2.5])


def test_a_chart_leaves_matplotlib_as_it_was(tmp_path):
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    with style.chart(tmp_path / "x.svg", "title", "note") as (axes,):
        axes.plot([1, 2], [3, 4])
    assert dict(mpl.rcParams) == before

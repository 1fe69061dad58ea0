"""Tables as Markdown and CSV."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from src.evaluation.expected import read_expected, unmeasured
from src.reporting import dimensions, retrieval
from src.reporting.tables import Marked, Table, plain, starred
from tests.unit.reporting_run import SET, evaluation, latency

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
    evaluated = evaluation(SET)
    assert retrieval.baseline(evaluated) == "colbert"
    evaluated["models"]["turkish-colbert"] = evaluated["models"]["nli"]
    table = retrieval.table_1(evaluated)
    gains = {row[0]: row[5] for row in table.rows}
    assert gains["turkish-colbert"] is None
    assert gains["NLI → STS → retrieval"] == "+40.0 %"  # P@1 0.7 over 0.5


def test_a_comparison_reads_the_same_from_both_sides():
    evaluated = evaluation(SET)
    there = retrieval.pair(evaluated, "nDCG@10", "bm25", "retrieval")
    back = retrieval.pair(evaluated, "nDCG@10", "retrieval", "bm25")
    assert there["difference"] == -back["difference"]
    assert back["interval"] == [0.1, 0.2]
    assert retrieval.pair(evaluated, "MAP", "bm25", "retrieval") is None


def test_search_times_stand_beside_what_they_buy_where_they_were_measured():
    table = dimensions.indexes(evaluation(SET), latency())
    assert table.header[-2:] == ["ms, one query", "ms a query, 32 at once"]
    times = {tuple(row[:3]): row[-2:] for row in table.rows}
    assert times[128, "float32", 512] == ["1.00 [0.90, 1.20]", "0.50 [0.45, 0.60]"]
    assert times[64, "int8", 64] == ["2.00 [1.80, 2.40]", "1.50 [1.35, 1.80]"]
    assert times[16, "float32", 64] == [None, None]
    assert "Encoding the query comes on top, 4.00 [3.60, 4.80] ms" in table.notes


def test_published_rows_of_models_that_were_not_run_stand_below_ours_under_the_same_protocol(tmp_path):
    evaluated = evaluation(SET)
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
    evaluated = evaluation(SET)
    assert "4-bit" not in (notes := retrieval.models(evaluated).notes) and "Left out" not in notes
    evaluated["settings"] |= {"published": {"small-q4": {"weights": "4-bit weights, read to float32"}}}
    evaluated["settings"] |= {"base_weights": "4-bit weights"}
    evaluated["dropped"] = {"empty_documents": 2, "queries_without_judgement": 150}
    notes = retrieval.models(evaluated).notes
    assert "small-q4: 4-bit weights, read to float32." in notes
    assert "base encoder and what was trained from it: 4-bit weights." in notes
    assert notes.endswith(" Left out: 2 empty documents.")

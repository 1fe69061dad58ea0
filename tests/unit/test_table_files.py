"""Tables that we write: any ids come back as they went, and a malformed file is named."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from src.data.evaluation_set import read_beir
from src.errors import UserError
from src.evaluation.beir import read_qrels
from src.evaluation.runs import read_run, write_run
from src.files import write_jsonl
from src.stages.prepare_eval import write_beir
from src.table_files import read_table, write_table
from tests.beir import read_set

IDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
AWKWARD = ['5"-boru', '"', '""', '"a"', "a,b", "#1", "İ\u0307", "'", "0100", "1e3", "\\t", "null"]


@pytest.mark.parametrize("suffix", ["csv", "tsv"])
@given(rows=st.lists(st.lists(IDS | st.sampled_from(AWKWARD), min_size=3, max_size=3)))
@example(rows=[AWKWARD[:3], AWKWARD[3:6], AWKWARD[6:9]])
@settings(max_examples=60, deadline=None)
def test_any_rows_come_back(tmp_path_factory, suffix, rows):
    path = tmp_path_factory.mktemp("tables") / f"table.{suffix}"
    write_table(path, ["a", "b", "c"], rows)
    assert read_table(path) == (["a", "b", "c"], rows)


@given(ids=st.lists(IDS | st.sampled_from(AWKWARD), min_size=2, unique=True, max_size=6), split=st.integers(1, 5))
@example(ids=AWKWARD, split=3)
@settings(max_examples=40, deadline=None)
def test_any_ids_pass_from_the_users_set_to_the_report(tmp_path_factory, ids, split):
    """Judgements are written by prepare_eval and read by each stage after it."""
    folder = tmp_path_factory.mktemp("set")
    queries, documents = ids[:split], ids
    write_jsonl(folder / "corpus.jsonl", ({"_id": id_, "text": "bir metin"} for id_ in documents))
    write_jsonl(folder / "queries.jsonl", ({"_id": id_, "text": "soru"} for id_ in queries))
    qrels = [(query, document, 1) for query in queries for document in documents]
    write_table(folder / "qrels" / "test.tsv", ("query-id", "corpus-id", "score"), qrels)
    if any(_looks_quoted(id_) for id_ in ids):
        with pytest.raises(UserError, match="quoted as in CSV"):
            read_beir(folder)
        return
    write_beir(folder / "prepared", read_beir(folder))
    stored = read_set(folder / "prepared", title=True)
    assert stored.qrels == {query: dict.fromkeys(documents, 1) for query in queries}
    write_run(folder / "x.trec", {query: [(id_, 1.0) for id_ in documents] for query in queries}, "x")
    assert list(read_run(folder / "x.trec")) == queries


def _looks_quoted(id_: str) -> bool:
    """Whether a .tsv with this id could have been meant to be read as CSV: such a file is refused."""
    return len(id_) > 3 and id_[0] == id_[-1] == '"' and '""' in id_[1:-1]


@pytest.mark.parametrize("cell", ["a\tb", "a\nb", "a\rb"])
def test_what_a_tsv_cannot_hold_is_refused(tmp_path, cell):
    with pytest.raises(UserError, match=r"x\.tsv: a field holds a tab or a line break"):
        write_table(tmp_path / "x.tsv", ["a", "b"], [[cell, "c"]])
    assert not (tmp_path / "x.tsv").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tb\n1\n", "x.tsv:2: 1 fields; the header has 2"),
        ("a\ta\n1\t2\n", "x.tsv: column 'a' stands twice"),
    ],
)
def test_a_malformed_table_is_named(tmp_path, content, message):
    (tmp_path / "x.tsv").write_text(content)
    with pytest.raises(UserError, match=message):
        read_table(tmp_path / "x.tsv")


@pytest.mark.parametrize("score", ["0.9", "nan", "1e3", "1_0", "", "٣", "9" * 30])
def test_a_judgement_that_is_no_whole_number_is_refused(tmp_path, score):
    path = tmp_path / "test.tsv"
    path.write_text(f"query-id\tcorpus-id\tscore\nq\td\t1\nq\te\t{score}\n")
    with pytest.raises(UserError, match=r"test\.tsv:3: score is .*; expected a whole number"):
        read_qrels(path)


@pytest.mark.parametrize(("text", "score"), [("1", 1), ("1.0", 1), ("0", 0), ("-1", -1), ("3.", 3)])
def test_a_whole_number_may_be_written_as_a_float(tmp_path, text, score):
    (tmp_path / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\nq\td\t{text}\n")
    assert read_qrels(tmp_path / "test.tsv") == {"q": {"d": score}}

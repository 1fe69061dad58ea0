"""Readers: every kind of file gives the same rows, and every damaged one a line that names it."""

import gzip
import json

import pyarrow
import pyarrow.parquet
import pytest

from src.data.columns import KINDS, check_row
from src.data.readers import batches, find_split, read_rows
from src.errors import UserError
from src.files import write_jsonl

ROWS = [
    {"anchor": "Isı, nem", "positive": 'Iğdır "düz"'},
    {"anchor": '"Ah, Leylâ" dedi', "positive": "çok\u00a0satır"},
    {"anchor": '5"-boru', "positive": '"'},
]


def as_jsonl(path):
    write_jsonl(path, ROWS)


def as_csv(path):
    quoted = [{key: '"' + value.replace('"', '""') + '"' for key, value in row.items()} for row in ROWS]
    lines = ["anchor,positive", *(",".join(row.values()) for row in quoted)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")


def as_tsv(path):
    lines = ["anchor\tpositive", *("\t".join(row.values()) for row in ROWS)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")


def as_parquet(path):
    table = pyarrow.Table.from_pylist(ROWS)
    pyarrow.parquet.write_table(table, path, row_group_size=1)


WRITERS = {
    "train.jsonl": as_jsonl,
    "train.csv": as_csv,
    "train.tsv": as_tsv,
    "train.parquet": as_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_kind_gives_the_same_rows(tmp_path, name):
    WRITERS[name](tmp_path / name)
    path = find_split(tmp_path, "train", required=True)
    assert [row for _, row in read_rows(path)] == ROWS


@pytest.mark.parametrize("name", ["train.jsonl", "train.csv", "train.tsv"])
def test_text_files_may_be_compressed(tmp_path, name):
    WRITERS[name](tmp_path / name)
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress((tmp_path / name).read_bytes()))
    (tmp_path / name).unlink()
    assert [row for _, row in read_rows(find_split(tmp_path, "train", required=True))] == ROWS


def test_plain_text_is_one_text_a_line(tmp_path):
    (tmp_path / "train.txt").write_text("bir\n\niki\n", encoding="utf-8")
    assert list(read_rows(tmp_path / "train.txt")) == [(1, {"text": "bir\n"}), (3, {"text": "iki\n"})]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.jsonl", b'{"anchor": "a"}\n{"anch', r"train.jsonl:2: not JSON"),
        ("train.jsonl", b"[1, 2]\n", r"train.jsonl:1: a JSON list; expected an object"),
        ("train.jsonl", "ığ".encode("iso-8859-9"), r"train.jsonl: not UTF-8"),
        ("train.jsonl", b"[" * 100_000, r"train.jsonl:1: not JSON"),
        ("train.csv", b"", r"train.csv: empty; expected a header"),
        ("train.csv", b'a,b\n"1,2\n', r"train.csv:2: malformed"),
        ("train.csv", b"a,b,a\n1,2,3\n", r"train.csv: column 'a' stands twice"),
        ("train.tsv", b'"a"\t"b"\n"1"\t"2"\n', r"train.tsv:1: \"a\" is quoted as in CSV; a .tsv has no quoting"),
        ("train.tsv", b'a\tb\n"1\n2"\t3\n', r"train.tsv:2: 1 fields; the header has 2; a .tsv has no quoting"),
        ("train.jsonl", b'\n{"a": 1, "b": 2, "a": 3}\n', r"train.jsonl:2: key 'a' stands twice"),
        ("train.json", b'[{"a": 1},\n{"b": {"a": 2,\n"a": 3}}]', r"train.json:3: key 'a' stands twice"),
        ("train.jsonl", b'\n{"a": "\\ud83d\\ude00 \\ud800"}\n', r"train.jsonl:2: holds the lone surrogate '.ud800'"),
        ("train.txt", b"a\x00b\n", r"train.txt:1: holds NUL bytes"),
        ("train.parquet", b"PAR1 and no more", r"train.parquet: no readable Parquet"),
        ("train.jsonl.gz", b"no gzip", r"train.jsonl.gz: damaged or truncated gzip"),
        ("train.xml", b"<a/>", r"train.xml: unknown kind of file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        list(read_rows(path))
    assert "\n" not in str(caught.value)


def test_a_parquet_column_twice_is_refused(tmp_path):
    table = pyarrow.Table.from_arrays([pyarrow.array(["a"]), pyarrow.array(["b"])], ["anchor", "anchor"])
    pyarrow.parquet.write_table(table, tmp_path / "train.parquet")
    with pytest.raises(UserError, match=r"train.parquet: column 'anchor' stands twice"):
        list(read_rows(tmp_path / "train.parquet"))
    with pytest.raises(UserError, match=r"train.parquet: column 'anchor' stands twice"):
        list(batches(tmp_path / "train.parquet", {"anchor": "anchor"}))


@pytest.mark.parametrize("value", [["b"], {}])
def test_a_column_of_texts_and_lists_is_refused(tmp_path, value):
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps({"query": text}) + "\n" for text in ("a", value)))
    with pytest.raises(UserError, match=r"train.jsonl: column `query` holds .* among others; expected text or numbers"):
        list(batches(path, {"anchor": "query"}))


def test_a_column_of_texts_and_numbers_is_one_of_texts(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps({"query": value}) + "\n" for value in ("a", 1, 2.5, 10**30, None, float("nan"))))
    (batch,) = batches(path, {"anchor": "query"})
    assert batch["anchor"].to_pylist() == ["a", "1", "2.5", str(10**30), None, None]


def test_a_missing_split_says_what_would_do(tmp_path):
    with pytest.raises(UserError, match=r"no such folder; expected a data set with train.jsonl"):
        find_split(tmp_path / "nli", "train", required=True)
    with pytest.raises(UserError, match=r"no train file; expected one of train.jsonl, train.csv"):
        find_split(tmp_path, "train", required=True)
    assert find_split(tmp_path, "dev", required=False) is None


def test_two_files_of_one_split_are_refused(tmp_path):
    as_jsonl(tmp_path / "train.jsonl")
    as_parquet(tmp_path / "train.parquet")
    with pytest.raises(UserError, match=r"both train.jsonl and train.parquet"):
        find_split(tmp_path, "train", required=True)


@pytest.mark.parametrize(
    ("kind", "row", "message"),
    [
        ("retrieval", {"query": "a"}, r"no column `anchor`; expected anchor, positive; found query"),
        ("retrieval", {"anchor": 3, "positive": "b"}, r"anchor is a int; expected text"),
        ("sts", {"sentence1": "a", "sentence2": "b", "score": 5.5}, r"score is 5.5; expected a number from 0 to 5"),
        ("sts", {"sentence1": "a", "sentence2": "b", "score": True}, r"score is True"),
        ("sts", {"sentence1": "a", "sentence2": "b", "score": "٣"}, r"score is '٣'"),
        ("sts", {"sentence1": "a", "sentence2": "b", "score": 10**400}, r"score is 1000"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, kind, row, message):
    with pytest.raises(UserError, match=message):
        check_row(KINDS[kind], "x", 7, row)


def test_a_score_may_be_text_as_csv_has_it():
    row = {"sentence1": "a", "sentence2": "b", "score": "4.25"}
    check_row(KINDS["sts"], "x", 1, row)
    assert row["score"] == 4.25


def test_json_lines_of_a_json_file_are_read_one_at_a_time(tmp_path):
    path = tmp_path / "train.json"
    path.write_text('\n{"a": 1}\n{"a": 2}\nno JSON\n', encoding="utf-8")
    rows = read_rows(path)
    assert [next(rows), next(rows)] == [(2, {"a": 1}), (3, {"a": 2})]
    with pytest.raises(UserError, match=r"train\.json:4"):
        next(rows)

"""Malformed and hostile input to every reader: one line that names the file, and nothing run or taken for whole.

The corpus is made here, case by case. What is odd but valid (formulas, emoji, right-to-left marks) must come through.
"""

import copy
import gzip
import io
import json
import pickle
import re

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.data import readers
from src.data.card import origin
from src.data.columns import KINDS
from src.data.evaluation_set import read_beir
from src.data.hub_descriptor import read_descriptor
from src.data.training_set import Split, clean_rows, count_unjoined
from src.errors import UserError
from src.evaluation import published
from src.evaluation.expected import read_expected
from src.evaluation.runs import read_run
from src.files import read_json, read_jsonl, read_yaml
from src.model.prompts import Prompts
from src.params import load_params
from src.params.load import validate, validate_ablations
from src.record import __main__ as record
from src.search.__main__ import read_documents
from src.training import dataset
from tests.checkout import ROOT
from tests.unit.test_params import changed

MINI = read_yaml(ROOT / "params.yaml")


def leaves(values, prefix=""):
    for key, value in values.items():
        yield f"{prefix}{key}"
        if isinstance(value, dict):
            yield from leaves(value, f"{prefix}{key}.")


LEAVES = list(leaves(MINI))
GOOD = '{"anchor": "a b", "positive": "c d", "negative": "e f"}\n'
SCORED = '{"sentence1": "a b", "sentence2": "c d", "score": %s}\n'


def parquet(**columns) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), sink)
    return sink.getvalue()


# (kind of set, name of the file, its bytes, what the message must hold)
TRAINING = [
    ("nli", "a.jsonl", b"", "no rows"),
    ("nli", "d.jsonl", GOOD.encode() + b"null\n", "d.jsonl:2: a JSON NoneType"),
    ("nli", "f.jsonl", b"{}\n", "f.jsonl:1: no column `anchor`"),
    ("nli", "g.jsonl", b"\x00\x00\x00\x00\n", "g.jsonl:1: holds NUL"),
    ("nli", "h.jsonl", GOOD.encode("utf-16"), "not UTF-8"),
    ("nli", "k.jsonl", b'{"anchor": 1, "positive": "b", "negative": "c"}\n', "anchor is a int"),
    ("nli", "m.jsonl", b'{"anchor": {"a": 1}, "positive": "b", "negative": "c"}\n', "anchor is a dict"),
    ("nli", "s.csv", b"anchor;positive;negative\na;b;c\n", "no column `anchor`"),
    ("nli", "w.csv", b"\xff\xfea\x00,\x00", "not UTF-8"),
    ("nli", "yy.parquet", parquet(anchor=pyarrow.array([2**31 - 1], pyarrow.date32())), "no readable Parquet"),
    ("nli", "z.parquet", parquet(anchor=["a"], positive=["b"], negative=["c"])[:-9], "no readable Parquet"),
    ("nli", "ab.parquet", parquet(anchor=[b"a"], positive=["b"], negative=["c"]), "anchor is a bytes"),
    ("nli", "ad.parquet", parquet(anchor=pyarrow.array([], pyarrow.string())), "no rows"),
    ("nli", "ag.jsonl.gz", gzip.compress(GOOD.encode() * 500)[:-30], "damaged or truncated gzip"),
    ("nli", "ah.jsonl.gz", gzip.compress(b"x" * 100)[:-8] + b"\x00" * 8, "damaged or truncated gzip"),
    ("nli", "ai.jsonl", pickle.dumps({"anchor": "a"}), "not UTF-8"),
    ("sts", "al.jsonl", (SCORED % "NaN").encode(), "score is nan"),
    ("sts", "am.jsonl", (SCORED % "Infinity").encode(), "score is inf"),
    ("sts", "aq.jsonl", (SCORED % "null").encode(), "score is None"),
    ("sts", "at.csv", b"sentence1,sentence2,score\na,b,\n", "score is ''"),
    ("text", "ax.txt", "İğ".encode("cp1254"), "not UTF-8"),
    ("retrieval", "az.jsonl", b'{"anchor": "a", "positive": "b", "negative": 3}\n', "negative is a int"),
]

CORPUS = '{"_id": "d1", "title": "", "text": "bir"}\n'
QUERIES = '{"_id": "q1", "text": "iki"}\n'
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\n"

# (corpus.jsonl, queries.jsonl, qrels/test.tsv; None: missing), what the message must hold
BEIR = [
    ((None, QUERIES, QRELS), "corpus.jsonl: no such file"),
    ((CORPUS, QUERIES, None), "test.tsv: no such file"),
    (("", QUERIES, QRELS), "corpus.jsonl: no rows"),
    ((CORPUS, QUERIES, ""), "test.tsv: empty"),
    ((CORPUS, QUERIES, "query-id\tcorpus-id\tscore\n"), "no judgement above 0"),
    ((CORPUS, QUERIES, QRELS.replace("\t1\n", "\t0\n")), "no judgement above 0"),
    ((CORPUS, QUERIES, QRELS.replace("d1", "d2")), "no judgement above 0"),
    ((CORPUS, QUERIES, QRELS.replace("\t1\n", "\tyes\n")), "score is 'yes'"),
    ((CORPUS, QUERIES, QRELS.replace("\t", " ")), "no column 'query-id'"),
    ((CORPUS, QUERIES, QRELS + "q1\td1\n"), "2 fields"),
    ((CORPUS * 2, QUERIES, QRELS), "id 'd1' occurs twice"),
    ((CORPUS.replace("d1", ""), QUERIES, QRELS), "_id is ''"),
    ((CORPUS.replace("d1", "d\\n1"), QUERIES, QRELS), "_id is 'd\\n1'"),
    ((CORPUS.replace('"d1"', "true"), QUERIES, QRELS), "_id is True"),
    ((CORPUS.replace('"bir"', "null"), QUERIES, QRELS), "no column `text`"),
    ((CORPUS.replace('"title": ""', '"title": 3'), QUERIES, QRELS), "title is a int"),
]

RUNS = [
    ("q1 Q0 d1 1 0.5\n", "x.trec:1: 5 columns"),
    ("q1 Q0 d1 1 nan tag\n", "x.trec:1: score 'nan' is no finite number"),
    ("q1 Q0 d1 1 high tag\n", "'high' is no finite number"),
    ("q1 Q0 d1 1 0.5 tag\nq1 Q0 d1 2 0.4 tag\n", "x.trec:2: document d1 occurs twice for query q1"),
]

PARAMS = [
    ("", "expected blocks"),
    ("seed: !!python/object/apply:os.system ['touch OWNED']", "not YAML"),
    ("a: &a [*a]", "Circular reference"),
    ("train: 3", "train"),
    ("seed: 42", "missing"),
]


def refused(call, *arguments) -> str:
    """The one line with which a call refuses."""
    with pytest.raises(UserError) as caught:
        call(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("kind", "name", "content", "expected"), TRAINING, ids=[case[1] for case in TRAINING])
def test_a_training_set(tmp_path, kind, name, content, expected):
    path = tmp_path / name
    path.write_bytes(content)
    message = refused(clean_rows, KINDS[kind], [path], 1000, True)
    assert expected in message
    assert name in message


@pytest.mark.parametrize(("files", "expected"), BEIR, ids=[case[1] for case in BEIR])
def test_an_evaluation_set(tmp_path, files, expected):
    (tmp_path / "qrels").mkdir()
    for name, content in zip(("corpus.jsonl", "queries.jsonl", "qrels/test.tsv"), files, strict=True):
        if content is not None:
            (tmp_path / name).write_text(content, encoding="utf-8")
    assert expected in refused(read_beir, tmp_path)


@pytest.mark.parametrize(("content", "expected"), RUNS, ids=[case[1] for case in RUNS])
def test_a_run_file(tmp_path, content, expected):
    (tmp_path / "x.trec").write_text(content)
    assert expected in refused(read_run, tmp_path / "x.trec")


@pytest.mark.parametrize(("content", "expected"), PARAMS, ids=[case[1] + str(i) for i, case in enumerate(PARAMS)])
def test_params(tmp_path, monkeypatch, content, expected):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(content, encoding="utf-8")
    assert expected in refused(load_params, tmp_path / "params.yaml")
    assert not (tmp_path / "OWNED").exists()


PAIR = '{"anchor": "a%d", "positive": "p%d"%s}\n'


@pytest.mark.parametrize(
    ("negatives", "lacking", "having"),
    [
        ([', "negative": "n"'] * 7 + [""], 8, 1),
        ([', "negative": ""', ', "negative": "n"'], 1, 2),
    ],
)
def test_a_negative_in_some_rows_only_names_the_row(tmp_path, negatives, lacking, having):
    path = tmp_path / "train.jsonl"
    path.write_text("".join(PAIR % (number, number, negative) for number, negative in enumerate(negatives)))
    message = f"{path}:{lacking}: no `negative`, which {path}:{having} has; give every row one, or none"
    assert refused(clean_rows, KINDS["retrieval"], [path], 1000, True) == message
    assert f"{path}:{max(lacking, having)}: " in refused(dataset.read_rows, path, dataset.RANKED, Prompts())


@pytest.mark.parametrize("negative", ["", ', "negative": null', ', "negative": ""', ', "negative": " \\u200b"'])
def test_rows_without_any_negative_are_pairs(tmp_path, negative):
    path = tmp_path / "train.jsonl"
    path.write_text("".join(PAIR % (number, number, negative) for number in range(3)))
    assert [set(row) for row in clean_rows(KINDS["retrieval"], [path], 1000, True).rows] == [{"anchor", "positive"}] * 3


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
COLUMNS = ["anchor", "positive", "negative", "sentence1", "sentence2", "score", "_id", "text", "title", "source"]


@given(rows=st.lists(st.dictionaries(st.sampled_from(COLUMNS), VALUES), min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_rows_of_any_values_are_read_or_refused(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("any") / "corpus.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    reads = [lambda kind=kind: clean_rows(kind, [path], 1000, True) for kind in KINDS.values()]
    reads += [lambda: list(read_documents(path)), lambda: read_beir(path.parent)]
    reads += [
        lambda columns=columns: dataset.read_rows(path, columns, Prompts())
        for columns in (dataset.RANKED, dataset.SCORED)
    ]
    for read in reads:
        try:
            read()
        except UserError as error:
            assert str(path.parent) in str(error)


@given(value=VALUES)
@settings(max_examples=150, deadline=None)
def test_files_beside_the_data_of_any_value_are_read_or_refused(tmp_path_factory, value):
    folder = tmp_path_factory.mktemp("any")
    for name in ("source.json", "card.json", "hub.yaml", "params.yaml", "m.yaml", "expected.yaml"):
        (folder / name).write_text(json.dumps(value))
    reads = [
        lambda: origin(folder),
        lambda: count_unjoined(Split(), folder, "train"),
        lambda: read_descriptor(folder),
        lambda: load_params(folder / "params.yaml"),
        lambda: published.read_descriptor("m", folder),
        lambda: read_expected(folder / "expected.yaml"),
    ]
    for read in reads:
        try:
            read()
        except UserError as error:
            assert str(folder) in str(error)


@given(key=st.sampled_from(LEAVES), value=VALUES)
@settings(max_examples=150, deadline=None)
def test_any_value_of_a_parameter_is_taken_or_refused(key, value):
    try:
        validate(changed(key, value), "params.yaml")
    except UserError as error:
        assert "params.yaml: " in str(error)


NAMES = ["../up", "/etc/passwd", "a/b", "..", ".hidden", "", "a b", "a\nb", "-rf", "a;b", "$(x)", "ad\u0131"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_could_leave_its_folder(monkeypatch, tmp_path, name):
    """Of an evaluation set, a published model, a variant, a data set; and of a record."""
    values = read_yaml(ROOT / "params.yaml")
    uses = [
        (values["eval"]["sets"], name, next(iter(values["eval"]["sets"].values()))),
        (values["eval"], "published", [name]),
        (values["data"]["nli"], "name", name),
    ]
    for block, key, value in uses:
        before = copy.deepcopy(block)
        block[key] = value
        refused(validate, values, "params.yaml")
        block.clear()
        block.update(before)
    params = validate(values, "params.yaml")
    rows = read_yaml(ROOT / "ablations/params.yaml")
    rows["variants"][name] = {"path": ["retrieval"]}
    refused(validate_ablations, rows, params, "ablations/params.yaml")
    monkeypatch.chdir(tmp_path)
    assert re.search("usage|expected a name", refused(record.main, [name]))
    assert list(tmp_path.iterdir()) == []


def test_a_line_without_end_is_refused_and_a_long_one_is_read(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"text": "kelime " * 1_500_000}) + "\n")
    assert len(next(readers.read_rows(path))[1]["text"]) == 7 * 1_500_000
    path.write_bytes(b'{"text": "' + b"x" * (readers.MAX_LINE + 1) + b'"}\n')
    assert "train.jsonl:1: longer than" in refused(list, readers.read_rows(path))


def test_a_gzip_bomb(tmp_path):
    path = tmp_path / "train.jsonl.gz"
    line = b'{"text": "' + b"a" * 1_000_000 + b'"}\n'
    with gzip.open(path, "wb") as stream:
        for _ in range(100):
            stream.write(line)
    assert path.stat().st_size < 200_000
    assert "unpacks to more than" in refused(list, readers.read_rows(path))


@pytest.mark.parametrize("text", ["=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1", "-1", "👩🏽 uzay", "%s {0} $(x)"])
def test_odd_texts_are_texts(tmp_path, text):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"anchor": text, "positive": "b"}) + "\n")
    assert clean_rows(KINDS["retrieval"], [path], 1000, True).rows[0]["anchor"] == text


def test_a_loop_of_links(tmp_path):
    (tmp_path / "train.jsonl").symlink_to(tmp_path / "other.jsonl")
    (tmp_path / "other.jsonl").symlink_to(tmp_path / "train.jsonl")
    assert "no train file" in refused(readers.find_split, tmp_path, "train", True)
    (tmp_path / "loop").symlink_to(tmp_path)
    assert "no train file" in refused(readers.find_split, tmp_path / "loop" / "loop", "train", True)


@pytest.mark.parametrize(
    "name", ["train.jsonl", "train.csv", "train.tsv", "train.txt", "train.parquet", "train.jsonl.gz"]
)
@given(content=st.binary(max_size=300))
@settings(max_examples=40, deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path_factory, name, content):
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(content)
    try:
        list(readers.read_rows(path))
    except UserError as error:
        assert name in str(error)


@given(content=st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_run_or_params_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_text(content, encoding="utf-8", newline="")
    for read in (read_run, load_params, read_json, lambda file: list(read_jsonl(file))):
        try:
            read(path)
        except UserError as error:
            assert str(path) in str(error)

"""The descriptors of params/hub/, each read from a repository with the data set's own schema."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.data import hub
from src.data.evaluation_set import read_beir
from src.data.hub_descriptor import Part, choose, read_descriptor
from src.errors import UserError
from src.files import read_json, write_jsonl
from tests import hub_sets
from tests.hub_server import HubServer, use_in_process

PARAMS = Path(__file__).parents[2] / "params" / "hub"
ROWS, DOCUMENTS, JUDGED = 60, 30, 10


@pytest.fixture(scope="module")
def repositories(tmp_path_factory):
    return hub_sets.build(tmp_path_factory.mktemp("hub"), ROWS, DOCUMENTS, JUDGED)


@pytest.fixture
def server(repositories, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with HubServer(repositories) as hub_server:
        use_in_process(hub_server, tmp_path / "cache", monkeypatch)
        yield hub_server


def rows(folder: Path, split: str) -> list[dict]:
    return pq.read_table(folder / f"{split}.parquet").to_pylist()


@pytest.mark.parametrize(
    ("name", "columns", "counts"),
    [
        ("all_nli_tr", {"anchor", "positive", "negative"}, {"train": ROWS, "dev": 20, "test": 20}),
        ("stsb_tr", {"sentence1", "sentence2", "score"}, {"train": ROWS, "dev": 40, "test": 40}),
        ("stsb_mt_turkish", {"sentence1", "sentence2", "score"}, {"train": ROWS, "dev": 40, "test": 40}),
        ("msmarco_tr", {"anchor", "positive", "negative"}, {"train": ROWS * 9 // 10}),
        ("msmarco_tr_triplets", {"anchor", "positive", "negative"}, {"train": ROWS * 9 // 10}),
    ],
)
def test_a_training_set_becomes_a_plain_folder(server, name, columns, counts):
    folder = hub.local(PARAMS / name)
    assert {path.stem for path in folder.glob("*.parquet")} == set(counts)
    for split, count in counts.items():
        kept = rows(folder, split)
        assert len(kept) == count
        assert set(kept[0]) == columns
        assert all(isinstance(text, str) and text for row in kept for text in row.values())
    origin = read_json(folder / "source.json")
    used = [file for item in origin["repositories"] for file in item["files"]]
    assert len(used) > 2 or name == "msmarco_tr_triplets"
    assert not [file for file in used if file.endswith((".py", ".md"))]
    assert not [path for path in server.sent if path.endswith(".py")]
    assert origin["pinned"] is False
    assert origin["licence"] == read_descriptor(PARAMS / name).licence


def test_the_join_is_counted_and_equals_the_set_that_comes_joined(server):
    joined = hub.local(PARAMS / "msmarco_tr")
    assert read_json(joined / "source.json")["joined"] == {
        "train": {"rows": ROWS, "dropped": {"unknown pid_pos": ROWS // 10}, "noted": {}}
    }
    assert rows(joined, "train") == rows(hub.local(PARAMS / "msmarco_tr_triplets"), "train")
    assert sorted(path.name for path in joined.iterdir()) == ["source.json", "train.parquet"]


@pytest.mark.parametrize("name", sorted(path.name for path in (PARAMS / "eval").iterdir()))
def test_an_evaluation_set_becomes_a_beir_folder(server, name):
    beir = read_beir(hub.local(PARAMS / "eval" / name))
    corpus, queries, qrels = hub_sets.claims(DOCUMENTS, JUDGED)
    assert beir.documents == {row["_id"]: (row["title"], row["text"]) for row in corpus}
    assert len(beir.queries) == len(queries)
    assert beir.qrels["test"] == [(row["query-id"], row["corpus-id"], 1) for row in qrels]


@pytest.mark.parametrize("score", [0.9, True, float("nan")])
def test_a_judgement_that_is_no_whole_number_is_named_with_its_file(server, repositories, score):
    file = next((repositories / "datasets" / "trmteb" / "scifact-tr" / "qrels").iterdir())
    before = file.read_text(encoding="utf-8")
    try:
        changed = [json.loads(line) for line in before.splitlines()]
        changed[2]["score"] = score
        write_jsonl(file, changed)
        with pytest.raises(UserError, match=r"trmteb/scifact-tr@.*: qrels/test.jsonl: row 3: score is .*whole number"):
            hub.local(PARAMS / "eval" / "trmteb_scifact_tr")
        changed = [row | {"score": 1.0} for row in changed]
        write_jsonl(file, changed)
        folder = hub.local(PARAMS / "eval" / "trmteb_scifact_tr")
        assert {score for *_, score in read_beir(folder).qrels["test"]} == {1}
    finally:
        file.write_text(before, encoding="utf-8")


@pytest.mark.parametrize(("key", "value"), [("text", ["bir", "iki"]), ("title", True), ("_id", 7.0)])
def test_a_document_of_another_kind_than_text_is_named_with_its_file(value, key):
    batch = pa.RecordBatch.from_pylist([{"_id": 8, "text": "iki"} | {key: value}])
    ((where, row),) = hub.numbered([("a/b@1: corpus.parquet", [batch])])
    with pytest.raises(UserError, match=rf"a/b@1: corpus.parquet: row 1: {key} is a \w+; expected text"):
        hub.texts_of(row, where)


def test_every_part_is_recorded_with_commit_rows_and_checksum(server, repositories):
    folder = hub.local(PARAMS / "eval" / "scifact_tr")
    corpus, qrels = read_json(folder / "source.json")["repositories"]
    assert corpus["revision"] == server.commit("datasets", "AbdulkaderSaoud/scifact-tr")
    assert qrels["repository"] == "AbdulkaderSaoud/scifact-tr-qrels"
    assert sum(file["rows"] for file in qrels["files"].values()) == JUDGED
    for path, file in corpus["files"].items():
        from src.files import sha256

        assert file["sha256"] == sha256(repositories / "datasets" / corpus["repository"] / path)


def test_what_is_there_is_not_asked_for_again_and_a_new_commit_is_another_folder(server, repositories, tmp_path):
    described = tmp_path / "nli"
    shutil.copytree(PARAMS / "all_nli_tr", described)
    first = hub.local(described)
    commit = server.commit("datasets", "emrecan/all-nli-tr")
    pinned = (described / "hub.yaml").read_text(encoding="utf-8").replace("revision: ", f"revision: {commit} ", 1)
    (described / "hub.yaml").write_text(pinned, encoding="utf-8")
    second = hub.local(described)
    assert second != first
    assert read_json(second / "source.json")["pinned"] is True
    server.requests.clear()
    assert hub.local(described) == second
    assert not server.requests


def test_a_download_that_fails_leaves_no_folder_and_the_next_one_is_whole(server, tmp_path):
    server.faults["test-00001"] = ["503", 10**6]
    with pytest.raises(UserError, match="emrecan/all-nli-tr.*test-00001.*HTTP 503"):
        hub.local(PARAMS / "all_nli_tr")
    assert not [path for path in (tmp_path / ".cache" / "hub").iterdir() if path.is_dir()]
    server.faults.clear()
    server.sent.clear()
    assert len(rows(hub.local(PARAMS / "all_nli_tr"), "train")) == ROWS
    assert not [path for path in server.sent if "train" in path]


def descriptor(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "hub.yaml").write_text(text, encoding="utf-8")
    return folder


GOOD = "repository: emrecan/all-nli-tr\nrevision:\nlicence: x\ncolumns: {anchor: anchor}\nparts: {train: {split: a}}\n"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("licence: x", "licence: x\nlicense: y", "license: no such key"),
        ("revision:", "revision: main", "revision: .*pattern"),
        ("{split: a}", "{split: a, files: [b]}", "parts.train: expected either `files`, or"),
        ("{train: {split: a}}", "{train: {split: a}, corpus: {split: a}}", "expected train .* or corpus, queries"),
        ("licence: x", "licence: x\nscore_scale: [5, 0]", "score_scale"),
        ("{anchor: anchor}", "{}", "columns: missing; expected ours: theirs"),
    ],
)
def test_a_faulty_descriptor_is_one_line_with_file_and_key(tmp_path, old, new, says):
    folder = descriptor(tmp_path / "set", GOOD.replace(old, new))
    with pytest.raises(UserError, match=says) as caught:
        read_descriptor(folder)
    assert str(folder / "hub.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD, "no configuration '.*README.md declares pair-class, triplet"),
        (GOOD.replace("split: a", "config: triplet, split: a"), "no split 'a'.*declares train, dev, test"),
        (GOOD.replace("split: a", "files: [data/*.parquet]"), "no data file for data.*there are: pair-class/dev"),
        (
            GOOD.replace("split: a", "config: triplet, split: dev").replace("anchor: anchor", "anchor: query"),
            "triplet/dev-00000.*no column `query`; found anchor, positive, negative",
        ),
    ],
)
def test_what_the_repository_does_not_hold_is_one_line_that_says_what_it_holds(server, tmp_path, text, says):
    with pytest.raises(UserError, match=says):
        hub.local(descriptor(tmp_path / "set", text))


def test_scores_of_another_scale_are_brought_to_five(server, tmp_path):
    text = (PARAMS / "stsb_mt_turkish" / "hub.yaml").read_text(encoding="utf-8")
    plain = hub.local(descriptor(tmp_path / "plain", text))
    scaled = hub.local(descriptor(tmp_path / "scaled", text.replace("[0, 5]", "[-5, 5]")))
    for before, after in zip(rows(plain, "train"), rows(scaled, "train"), strict=True):
        assert float(after["score"]) == pytest.approx((float(before["score"]) + 5) / 2)


@pytest.mark.parametrize(
    ("part", "files", "chosen"),
    [
        ({"split": "train"}, ["data/train-0.parquet", "data/test-0.parquet"], ["data/train-0.parquet"]),
        ({"split": "dev"}, ["set_validation.csv", "set_train.csv"], ["set_validation.csv"]),
        ({"split": "train"}, ["train.csv", "train.jsonl"], ["train.jsonl"]),
        ({"config": "pair", "split": "train"}, ["pair-class/train.csv", "pair/train.csv"], ["pair/train.csv"]),
        ({"config": "corpus"}, ["corpus.jsonl", "queries.jsonl"], ["corpus.jsonl"]),
        ({"split": "train"}, ["train[1].csv", "train1.csv"], ["train1.csv", "train[1].csv"]),
    ],
)
def test_files_are_chosen_by_name_where_the_readme_is_silent(part, files, chosen):
    assert choose(Part(**part), files, "no front matter", "here") == chosen


def test_data_files_may_be_declared_in_every_form():
    forms = ['"train.csv"', '["train.csv"]', "{train: train.csv}", "[{split: train, path: [train.csv]}]"]
    for form in forms:
        readme = f"---\nconfigs:\n- config_name: default\n  data_files: {form}\n---\n"
        assert choose(Part(split="train"), ["train.csv", "other_train.csv"], readme, "here") == ["train.csv"]

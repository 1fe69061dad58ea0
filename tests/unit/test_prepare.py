"""Preparing: cleaning, duplicates, leakage, samples, BEIR sets and their protocols; every dropped row is counted."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from dvc.utils.serialize import dump_yaml

from src.data.columns import KINDS
from src.data.evaluation_set import BeirSet, full, read_beir, tr_mteb
from src.data.training_set import Split, clean_rows, sample
from src.errors import UserError
from src.files import read_json, read_jsonl, read_yaml, write_jsonl
from tests.beir import write_set
from tests.checkout import ROOT
from tests.stages import run_stage


def split_of(tmp_path, rows, kind="retrieval", unique=True, max_words=50) -> Split:
    path = tmp_path / "train.jsonl"
    write_jsonl(path, rows)
    return clean_rows(KINDS[kind], [path], max_words, unique)


def test_every_dropped_row_is_counted_by_its_reason(tmp_path):
    rows = [
        {"anchor": "bir soru", "positive": "bir yanıt", "source": "x"},
        {"anchor": "bir  soru", "positive": "bir yanıt"},
        {"anchor": " ", "positive": "yanıt"},
        {"anchor": "b", "positive": None},
        {"anchor": "uzun", "positive": "söz " * 60},
    ]
    split = split_of(tmp_path, rows)
    assert split.read == 5
    assert dict(split.dropped) == {"duplicate": 1, "empty text": 2}
    assert split.mended["over 50 words"] == 1
    assert split.rows[0] == {"anchor": "bir soru", "positive": "bir yanıt", "source": "x"}
    assert split_of(tmp_path, rows, unique=False).dropped == {"empty text": 2}, "a test split keeps what it repeats"


def test_a_sample_is_seeded_and_keeps_the_order():
    def drawn(seed):
        split = Split(rows=[{"text": str(i)} for i in range(100)], read=100)
        sample(split, 10, seed)
        return [int(row["text"]) for row in split.rows]

    assert drawn(1) == drawn(1) == sorted(drawn(1)) != drawn(2)


def beir(folder, corpus=None, queries=None, qrels=None):
    corpus = corpus or [{"_id": f"d{i}", "title": "T", "text": f"belge {i}"} for i in range(5)]
    qrels = qrels or ["q0 d0 1", "q0 d1 1", "q1 d2 1", "q9 d0 1", "q2 d9 1"]
    return write_set(folder, corpus, queries or {f"q{i}": f"soru {i}" for i in range(4)}, map(str.split, qrels))


def test_dangling_judgements_are_dropped_and_counted(tmp_path):
    read = read_beir(beir(tmp_path / "set"))
    cut = full(read)
    assert cut.qrels["test"] == [("q0", "d0", 1), ("q0", "d1", 1), ("q1", "d2", 1)]
    assert cut.counts["test judgements of unknown ids"] == 2
    assert read.first_unknown == {"test": ("q9", "d0", 1)}
    assert sorted(cut.queries) == ["q0", "q1"]
    assert len(cut.documents) == 5


def as_tr_mteb_does(documents, queries, qrels):
    """The reduction written out with `datasets`, step by step as TR-MTEB's tasks take it."""
    from datasets import Dataset

    columns = dict(zip(("query-id", "corpus-id", "score"), map(list, zip(*qrels, strict=True)), strict=True))
    chosen = Dataset.from_dict(columns).shuffle(seed=42)
    chosen = chosen.select(range(min(2048, len(chosen))))
    relevant: dict = {}
    for row in chosen:
        relevant[row["query-id"]] = {row["corpus-id"]: 1}
    corpus_ids, query_ids = set(chosen["corpus-id"]), set(chosen["query-id"])
    corpus = {id_: ("", text) for id_, (_, text) in documents.items() if id_ in corpus_ids}
    return corpus, {id_: text for id_, text in queries.items() if id_ in query_ids}, relevant


@pytest.mark.parametrize(("judgements", "queries", "documents"), [(339, 300, 283), (3000, 700, 900)])
def test_the_reduced_protocol_is_tr_mtebs(judgements, queries, documents):
    """At SciFact-TR's size, where all judgements stay, and at one where they are cut to 2048."""
    draw = np.random.default_rng(5)
    pairs = list(zip(draw.integers(0, queries, judgements), draw.integers(0, documents, judgements), strict=True))
    qrels = [(f"q{query}", f"d{document}", 1 + number % 2) for number, (query, document) in enumerate(pairs)]
    texts = {f"d{number}": ("Başlık", f"belge {number}") for number in range(documents)}
    queries_by_id = {f"q{number}": f"soru {number}" for number in range(queries)}
    reduced = tr_mteb(BeirSet(texts, queries_by_id, {"test": qrels}))
    expected_documents, expected_queries, relevant = as_tr_mteb_does(texts, queries_by_id, qrels)
    assert reduced.documents == expected_documents
    assert reduced.queries == expected_queries
    assert {query: {document: score} for query, document, score in reduced.qrels["test"]} == relevant
    assert len(reduced.qrels["test"]) == len(reduced.queries)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A working folder with small raw sets and params that point at them."""
    values = read_yaml(ROOT / "params.yaml")
    raw = tmp_path / "raw"
    for name in ("text", "nli", "sts", "retrieval"):
        (raw / name).mkdir(parents=True)
        values["data"][name]["path"] = f"raw/{name}"
    beir(raw / "eval" / "set", corpus=[{"_id": "d0", "text": "Bu bir belge metnidir."}], qrels=["q0 d0 1"])
    values["eval"]["path"] = "raw/eval"
    values["eval"]["sets"] = {
        "set": {"path": "raw/eval/set", "protocol": "full", "title": True, "drop_self_hits": False}
    }
    write_jsonl(raw / "text" / "train.jsonl", [{"text": "bir metin"}])
    write_jsonl(raw / "nli" / "train.jsonl", [{"anchor": "a b", "positive": "c d", "negative": "e f"}])
    pair = {"sentence1": "Üç kedi uyuyor.", "sentence2": "Kediler uyur.", "score": 4}
    write_jsonl(raw / "sts" / "train.jsonl", [pair, {"sentence1": "x y", "sentence2": "z", "score": 0}])
    write_jsonl(raw / "sts" / "test.jsonl", [pair])
    leak = {"anchor": "soru", "positive": "BU BİR BELGE METNİDİR"}
    write_jsonl(raw / "retrieval" / "train.jsonl", [leak, {"anchor": "soru", "positive": "başka"}])
    dump_yaml(tmp_path / "params.yaml", values)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_prepare_removes_what_stands_in_evaluation_sets(workspace):
    run_stage("prepare", "sts")
    assert [row["sentence1"] for row in read_jsonl("data/prepared/sts/train.jsonl")] == ["x y"]
    assert len(list(read_jsonl("data/prepared/sts/test.jsonl"))) == 1
    run_stage("prepare", "retrieval")
    assert [row["positive"] for row in read_jsonl("data/prepared/retrieval/train.jsonl")] == ["başka"]
    card = read_json("data/prepared/retrieval/card.json")
    assert card["splits"]["train"] == {"read": 2, "kept": 1, "dropped": {"stands in an evaluation set": 1}, "noted": {}}
    assert len(card["files"]["train.jsonl"]) == 64


@pytest.mark.parametrize(("wanted", "size"), [(4, "4 rows"), (3, "2 rows, the nearest to the 3 of dev_rows,")])
def test_the_card_says_how_dev_was_split_off(workspace, wanted, size):
    rows = [{"anchor": f"soru {n}", "positive": f"yanıt {n} {passage}"} for n in range(12) for passage in range(2)]
    write_jsonl("raw/retrieval/train.jsonl", rows)
    values = read_yaml("params.yaml")
    values["data"]["retrieval"]["dev_rows"] = wanted
    dump_yaml("params.yaml", values)
    run_stage("prepare", "retrieval")
    card = read_json("data/prepared/retrieval/card.json")
    assert card["carving"].startswith(f"dev: {size}") and card["splits"]["dev"]["kept"] == int(size[0])
    dev, train = (list(read_jsonl(f"data/prepared/retrieval/{split}.jsonl")) for split in ("dev", "train"))
    assert not {row["anchor"] for row in dev} & {row["anchor"] for row in train}


def test_prepare_eval_writes_the_set_and_its_card(workspace):
    run_stage("prepare_eval", "set")
    assert Path("data/prepared/set/qrels/test.tsv").read_text() == "query-id\tcorpus-id\tscore\nq0\td0\t1\n"
    card = read_json("data/prepared/set/card.json")
    assert (card["protocol"], card["splits"]["queries"]["kept"]) == ("full", 1)


def test_what_is_altered_in_an_evaluation_set_stands_on_its_card_and_is_told(workspace, capsys):
    corpus = [{"_id": "d0", "title": "“Ah Leylâ…” dedi", "text": "TÃ¼rk\u00adÃ§e"}, {"_id": "d1", "text": "\u2060"}]
    queries = [{"_id": "q0", "text": "Mollâ’nın i\u0307zi"}, {"_id": "q1", "text": "\u200b"}]
    shutil.rmtree("raw/eval/set")
    beir(Path("raw/eval/set"), corpus, queries, ["q0 d0 1", "q1 d0 1"])
    run_stage("prepare_eval", "set")
    splits = read_json("data/prepared/set/card.json")["splits"]
    assert splits["documents"]["noted"] == {"invisible characters": 2, "mojibake": 1, "without text": 1}
    assert splits["queries"]["noted"] == {"dot above i": 1, "invisible characters": 1, "without text": 1}
    assert "set: mended in texts of documents: invisible characters in 2, mojibake in 1" in capsys.readouterr().out
    assert next(read_jsonl("data/prepared/set/corpus.jsonl"))["title"] == "“Ah Leylâ…” dedi"


def test_a_failed_prepare_leaves_the_previous_result(workspace):
    run_stage("prepare", "nli")
    before = Path("data/prepared/nli/train.jsonl").read_bytes()
    Path("raw/nli/train.jsonl").write_text('{"anchor": "a"}\n')
    with pytest.raises(UserError, match=r"raw/nli/train.jsonl:1: no column `positive`"):
        run_stage("prepare", "nli")
    assert Path("data/prepared/nli/train.jsonl").read_bytes() == before


def test_a_set_of_leaks_alone_is_refused(workspace):
    write_jsonl("raw/retrieval/train.jsonl", [{"anchor": "s", "positive": "Bu bir belge metnidir"}])
    with pytest.raises(UserError, match="no row of train is left"):
        run_stage("prepare", "retrieval")

"""A prepared set is checked when it is read: what is wrong is named, what is dropped is counted."""

import pytest

from src.errors import UserError
from src.files import write_json
from tests import beir
from tests.beir import read_set


def write_set(folder, corpus=None, queries=None, qrels=None, card=None):
    corpus = corpus or [{"_id": "d1", "title": "Başlık", "text": "bir"}, {"_id": "d2", "title": "", "text": "iki"}]
    if card:
        write_json(folder / "card.json", card)
    return beir.write_set(folder, corpus, queries or {"q1": "bir?"}, qrels or [("q1", "d1", 1)])


def test_documents_stand_in_descending_order_of_id_with_or_without_title(tmp_path):
    folder = write_set(tmp_path / "s")
    assert read_set(folder, title=True).document_ids == ["d2", "d1"]
    assert read_set(folder, title=True).documents == ["iki", "Başlık bir"]
    assert read_set(folder).documents == ["iki", "bir"]


def test_the_protocol_says_what_a_number_stands_on(tmp_path):
    facts = {"name": "s", "source": "x", "licence": "CC0-1.0", "synthetic": True}
    folder = write_set(tmp_path / "s", card={**facts, "files": {}, "splits": {}, "words": {}})
    protocol = read_set(folder, title=True).protocol
    assert protocol == {
        "name": "full",
        "queries": 1,
        "documents": 2,
        "title": True,
        "self_hits": "kept",
        "source": "x",
        "synthetic": True,
    }


def test_what_is_empty_or_has_no_relevant_document_is_dropped_counted_and_named(tmp_path, capsys):
    folder = write_set(
        tmp_path / "s",
        corpus=[{"_id": "d1", "text": "bir"}, {"_id": "d2", "text": " "}],
        queries={"q0": "?", "q1": "?", "q2": "?", "q3": ""},
        qrels=[("q0", "d1", 1), ("q0", "d2", 1), ("q1", "d1", 0), ("q3", "d1", 1)],
    )
    data = read_set(folder)
    assert (data.query_ids, data.document_ids, data.protocol["queries"]) == (["q0"], ["d1"], 1)
    assert data.qrels == {"q0": {"d1": 1, "d2": 1}}, "a relevant document without text stays relevant"
    assert data.dropped == {
        "empty_documents": 1,
        "empty_queries": 1,
        "queries_without_relevant_document": 1,
        "queries_without_judgement": 1,
    }
    assert capsys.readouterr().out.splitlines() == [
        "s: dropped 1 empty documents: d2",
        "s: dropped 1 empty queries: q3",
        "s: dropped 1 queries without relevant document: q1",
    ]


@pytest.mark.parametrize("drop_self_hits", [False, True])
def test_queries_that_find_themselves_are_named_unless_such_hits_are_left_out(tmp_path, capsys, drop_self_hits):
    corpus = [{"_id": "a", "title": "T", "text": "savunma"}, {"_id": "b", "text": "karşı sav"}]
    queries = [{"_id": "a", "text": "savunma"}, {"_id": "b", "text": "başka"}]
    folder = write_set(tmp_path / "s", corpus=corpus, queries=queries, qrels=[("a", "b", 1), ("b", "a", 1)])
    read_set(folder, True, drop_self_hits)
    warning = "s: 1 queries are documents of the corpus, the first a, and find themselves; "
    assert capsys.readouterr().out.startswith(warning) is not drop_self_hits


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"qrels": [("q9", "d1", 1)]}, "query-id 'q9' is not in queries.jsonl"),
        ({"qrels": [("q1", "d9", 1)]}, "corpus-id 'd9' of query 'q1' is not in corpus.jsonl"),
        ({"qrels": [("q1", "d1")]}, "test.tsv:2: 2 fields; the header has 3"),
        ({"qrels": [("q1", "d1", 1), ("q1", "d1", 2)]}, "test.tsv:3: document 'd1' of query 'q1' is judged 1 and 2"),
        ({"queries": [{"_id": "q1", "text": " "}]}, "no query with text and a relevant document"),
        ({"corpus": [{"_id": "d1", "text": "a"}] * 2}, "corpus.jsonl:2: id 'd1' occurs twice"),
        ({"corpus": [{"_id": "d1", "text": " "}]}, "no document with text"),
    ],
)
def test_a_faulty_set_is_refused(tmp_path, parts, message):
    with pytest.raises(UserError, match=message):
        read_set(write_set(tmp_path / "s", **parts))

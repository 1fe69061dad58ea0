"""The comparison by which BM25's words were chosen: its sample, and its table."""

import pytest

from src.errors import UserError
from src.files import write_jsonl
from tools.lexical_dev import carve, main

PASSAGES = ["Kitaplar raflarda durur.", "Ankara'nın kışı soğuktur.", "Balıklar gölde yüzer."]
QUESTIONS = ["kitap nerede durur?", "Ankara soğuk mudur?", "balık nerede yüzer?"]


@pytest.fixture
def train(tmp_path):
    rows = [{"anchor": q, "positive": p, "source": "own"} for q, p in zip(QUESTIONS, PASSAGES, strict=True)]
    rows += [{"anchor": "rafta ne var?", "positive": PASSAGES[0], "source": "own"}]
    rows += [{"anchor": "başka", "positive": "Başka bir metin.", "source": "other"}]
    path = tmp_path / "train.jsonl"
    write_jsonl(path, rows)
    return path


def test_the_sample_is_of_one_source_and_every_query_has_its_passage(train):
    data = carve(train, "own", 100)
    assert sorted(data.documents) == sorted(PASSAGES)
    assert sorted(data.queries) == sorted([*QUESTIONS, "rafta ne var?"])
    assert data.document_ids == sorted(data.document_ids, reverse=True)
    texts = dict(zip(data.document_ids, data.documents, strict=True))
    first = data.query_ids[data.queries.index(QUESTIONS[0])]
    assert [texts[document] for document in data.qrels[first]] == [PASSAGES[0]]
    few = carve(train, "own", 1)
    assert len(few.documents) == 1
    assert len(few.queries) <= 2
    assert carve(train, "own", 1) == few


def test_the_table_has_a_line_for_each_way(train, capsys):
    main([str(train), "own", "3"])
    rows = [line.split("|")[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert {"bm25", "bm25_stem", "bm25_lemma", "bm25_lemma, k1 1.5"} <= set(rows)


@pytest.mark.parametrize(("source", "passages", "message"), [("none", "3", "no row of source"), ("own", "0", "from 1")])
def test_faults_are_named(train, source, passages, message):
    with pytest.raises(UserError, match=message):
        main([str(train), source, passages])

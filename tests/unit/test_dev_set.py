"""A dev set out of training pairs: no text of it stays in train, and every question has its passages."""

from __future__ import annotations

import pytest

from src.cli.dev_set import as_beir, main
from src.data.evaluation_set import read_beir
from src.errors import UserError
from src.files import write_jsonl

ROWS = [
    {"anchor": f"{question} {passage}?", "positive": f"Belge {passage} burada anlatılır."}
    for passage in range(20)
    for question in ("Nerede", "Ne zaman")
]


@pytest.fixture
def pairs(tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    write_jsonl(folder / "train.jsonl", ROWS)
    return folder


def test_rows_that_share_a_passage_go_together(pairs, tmp_path, capsys):
    main([str(pairs), str(tmp_path / "dev"), "10"])
    dev = read_beir(tmp_path / "dev")
    assert len(dev.documents) == 5
    assert len(dev.queries) == len(dev.qrels["test"]) == 10
    assert capsys.readouterr().out.endswith("10 queries, 5 documents; named in eval.sets, they leave train\n")
    for query, document, _ in dev.qrels["test"]:
        assert dev.queries[query].split()[-1].rstrip("?") == dev.documents[document][1].split()[1]


def test_a_text_that_stands_twice_is_one_query_with_two_documents():
    rows = [{"anchor": "İzmir nerede?", "positive": "Ege’de."}, {"anchor": "izmir nerede", "positive": "Batıda."}]
    documents, queries, qrels = as_beir([*rows, rows[0]])
    assert [document["text"] for document in documents] == ["Ege’de.", "Batıda."]
    assert [query["text"] for query in queries] == ["İzmir nerede?"]
    assert len(qrels) == 2


def test_a_dev_set_is_never_drawn_anew(pairs, tmp_path):
    main([str(pairs), str(tmp_path / "dev"), "4"])
    with pytest.raises(UserError, match="is there already"):
        main([str(pairs), str(tmp_path / "dev"), "4"])
    with pytest.raises(UserError, match="'0' rows; expected a whole number"):
        main([str(pairs), str(tmp_path / "dev2"), "0"])

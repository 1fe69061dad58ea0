"""Search in a file of one's own, at a chosen dimension, by a command and by conversation."""

import io
import json

import numpy as np
import pytest

from src.errors import UserError
from src.model.encoder import assemble, gte_config, save_encoder
from src.model.tokenizer import train_tokenizer, wrap
from src.params import load_params
from src.search import __main__ as search
from tests.checkout import ROOT

TEXTS = [
    "Su yüz derecede kaynar.",
    "Ankara'da trenler geç kalkar.",
    "Kediler gece daha iyi görür.",
    "Işık denizden hızlı gider.",
]


WAYS: list[list[str]] = [[], ["--lexical"]]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    import torch
    from transformers import GteModel

    torch.manual_seed(0)
    base = load_params(ROOT / "params.yaml").base_model
    base = base.model_copy(update={"hidden_size": 16, "layers": 1, "heads": 2, "intermediate_size": 32})
    tokenizer = train_tokenizer(TEXTS * 6, 120)
    encoder = assemble(GteModel(gte_config(base, tokenizer.get_vocab_size())), wrap(tokenizer, 32), "mean", 32)
    folder = tmp_path_factory.mktemp("model")
    save_encoder(encoder, folder)
    return str(folder)


@pytest.fixture
def file(tmp_path) -> str:
    path = tmp_path / "metin.txt"
    path.write_text("\n".join([TEXTS[0], "", *TEXTS[1:]]) + "\n", encoding="utf-8")
    return str(path)


def run(capsys, *arguments: str) -> list[str]:
    search.main(list(arguments))
    return capsys.readouterr().out.splitlines()


def test_a_text_finds_itself_by_line_number_in_any_case(capsys, file, model):
    lines = run(capsys, file, "--model", model, "--query", "IŞIK DENİZDEN HIZLI GİDER.", "--top", "2")
    assert len(lines) == 2
    assert lines[0].split() == ["1", "1.0000", "5", "Işık", "denizden", "hızlı", "gider."]


def test_fewer_dimensions_give_other_scores(capsys, file, model):
    whole, cut = (run(capsys, file, "--model", model, "--query", "trenler", *dims) for dims in ((), ("--dims", "4")))
    assert len(whole) == len(cut) == 4 and whole != cut


def test_json_lines_have_ids_and_titles(capsys, tmp_path, model):
    path = tmp_path / "metin.jsonl"
    rows = [{"_id": "a", "title": "Su", "text": "kaynar"}, {"text": "kediler"}]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    lines = run(capsys, str(path), "--model", model, "--query", "su kaynar")
    assert lines[0].split() == ["1", "1.0000", "a", "Su", "kaynar"]
    assert lines[1].split()[2:] == ["2", "kediler"]


def test_words_match_by_their_lemmas_without_an_encoder(capsys, file):
    lines = run(capsys, file, "--model", "models/none", "--lexical", "--query", "trenlerin KEDİSİ")
    assert sorted(line.split()[2] for line in lines) == ["3", "4"]
    assert not run(capsys, file, "--lexical", "--query", "zürafa")


def test_a_hybrid_is_the_sum_of_both_ways(capsys, file, model):
    arguments = (file, "--model", model, "--query", "denizin ışığı", "--top", "4")

    def scores(*way):
        return {line.split()[2]: float(line.split()[1]) for line in run(capsys, *arguments, *way)}

    fused = scores("--hybrid")
    assert len(fused) == 4
    expected = np.zeros(4)
    for one in (scores(*way) for way in WAYS):
        values = np.array([one.get(name, min(one.values())) for name in fused])
        expected += (values - values.mean()) / values.std() if len(set(one.values())) > 1 else 0
    assert list(fused.values()) == pytest.approx(expected.tolist(), abs=0.01)


def test_alike_documents_stand_as_in_the_file(capsys, tmp_path, model):
    path = tmp_path / "same.txt"
    path.write_text("su kaynar\nsu kaynar\nsu donar\n", encoding="utf-8")
    for way in (*WAYS, ["--hybrid"]):
        lines = run(capsys, str(path), "--model", model, *way, "--query", "su kaynar")
        assert [line.split()[2] for line in lines[:2]] == ["1", "2"]


def test_a_conversation_ends_with_an_empty_line(capsys, monkeypatch, file, model):
    typed = "kediler\n:top 1\nkediler\n:dims 99\n:hop 3\n:dims 8\nkediler\n\nnot asked\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    search.main([file, "--model", model])
    captured = capsys.readouterr()
    hits = [line for line in captured.out.splitlines() if line.strip()]
    assert sum("0." in line or "1.0" in line for line in hits) == 4 + 1 + 1
    assert "dims 99: expected 1 to 16" in captured.err
    assert "expected `:top N` or `:dims N`" in captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["FILE", "--query", "\u200b\u00ad"], "the query is empty"),
        (["FILE", "--query", "a", "--dims", "17"], "dims 17: expected 1 to 16"),
        (["FILE", "--query", "a", "--top", "0"], "--top 0: expected 1 or more"),
        (["FILE", "--top", "beş"], "invalid int value"),
        (["FILE", "--query", "a\udcff"], "the query 'a.udcff' is not UTF-8"),
        (["FILE", "--query", "a", "--lexical", "--hybrid"], "not allowed with argument"),
        (["FILE", "--query", "a", "--lexical", "--dims", "8"], "dims 8: expected none for BM25"),
        (["nothing.txt"], "nothing.txt: no such file"),
    ],
)
def test_faults_are_one_line(file, model, arguments, message):
    filled = [file if argument == "FILE" else argument for argument in arguments]
    with pytest.raises(UserError, match=message):
        search.main([*filled, "--model", model])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("unseen.jsonl", b'{"text": "\\u200b"}', "unseen.jsonl: document 1: no text"),
        ("title.jsonl", b'\n{"text": "a", "title": [1]}\n', ":2: title is a list; expected text"),
        ("null.jsonl", b'\n{"_id": null, "text": "a"}\n', ":2: _id is None; expected an id"),
        ("same.jsonl", b'{"_id": "a", "text": "b"}\n{"_id": "a", "text": "c"}\n', ":2: id 'a' occurs twice"),
    ],
)
def test_files_that_cannot_be_read_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        search.main([str(tmp_path / name)])


def test_a_missing_model_is_named_and_not_asked_of_the_hub(file):
    with pytest.raises(UserError, match=r"models/none: no such folder; `dvc repro` or `dvc pull` makes it"):
        search.main([file, "--model", "models/none", "--query", "a"])

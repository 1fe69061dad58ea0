"""Cutting a vocabulary: kept texts are cut as before and get the same vectors, whatever body has XLM-R's tokenizer."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoConfig, AutoModel

from src.errors import UserError
from src.files import fresh_dir, read_json, write_json, write_jsonl
from src.model import vocabulary
from src.model.encoder import assemble, save_encoder
from src.model.load import load_encoder
from src.model.tokenizer import post_processor, wrap
from tests.stages import run_stage
from tests.unit.test_model_base import write_params

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
LETTERS = "abcçdefgğhıijklmnoöprsştuüvyz"
TURKISH = ["kitap", "ev", "su", "lar", "ler", "dan", "den", "da", "ı", "i", "yol", "göl", "deniz"]
FOREIGN = ["the", "water", "дом", "вода", "und", "nicht"]
USED = ["Kitaplar evden çıkar.", "su göl deniz yol", "evler, yollar; denizden!", "d̈ 1 2 3"]


def unigram(pieces: dict[str, float]) -> Tokenizer:
    """A tokenizer as XLM-R's: special tokens first, the mask last, a normaliser of two steps, words marked."""
    scores = [(token, 0.0) for token in SPECIAL] + list(pieces.items()) + [("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=3))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex("[’‘]"), "'")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = post_processor(0, 2)
    tokenizer.add_special_tokens([*SPECIAL, AddedToken("<mask>", lstrip=True, special=True, normalized=False)])
    return tokenizer


def pieces() -> dict[str, float]:
    """Letters, words with and without a word start, scores by length and place; `ж` alone is of the lowest score."""
    single = {letter: -8.0 - place / 100 for place, letter in enumerate([*LETTERS, *"KE.,;!:'123дома"])}
    words = {word: -6.0 - place / 10 for place, word in enumerate([*TURKISH, *FOREIGN])}
    started = {f"▁{word}": score + 1 for word, score in words.items()}
    return {"▁": -4.0} | single | words | started | {"ж": -30.0, "▁query": -9.0, "▁passage": -9.5}


def body(kind: str, size: int) -> torch.nn.Module:
    shape = {"vocab_size": size, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    shape |= {"intermediate_size": 32, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    if kind == "bert":  # as multilingual-e5-small, whose rows are more than its pieces and whose padding is id 0
        shape |= {"vocab_size": size + 5, "pad_token_id": 0}
    torch.manual_seed(0)
    return AutoModel.from_config(AutoConfig.for_model(kind, **shape))


def write_encoder(folder: Path, kind: str, tokenizer: Tokenizer) -> None:
    with fresh_dir(folder) as target:
        save_encoder(assemble(body(kind, tokenizer.get_vocab_size()), wrap(tokenizer, 64), "mean", 64), target)


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_jsonl("data/prepared/text/train.jsonl", [{"text": text} for text in USED])
    write_params(tmp_path / "params.yaml", source="published", vocabulary="trim", pooling="mean")
    return tmp_path


def trimmed(kind: str) -> dict:
    write_encoder(Path("published"), kind, unigram(pieces()))
    run_stage("base_model")
    return read_json("models/base/origin.json")["vocabulary"]


@pytest.mark.parametrize("kind", ["bert", "xlm-roberta", "gte"])
def test_kept_texts_get_the_same_vectors(workspace, kind):
    record = trimmed(kind)
    before, after = load_encoder("published"), load_encoder("models/base")
    texts = [*USED, "evlerden yollar", "query: su", "passage: deniz", "ev <mask> göl’", "", "evж", "日本 su"]
    assert np.abs(before.encode(texts) - after.encode(texts)).max() <= 1e-6
    assert [after.tokenizer.tokenize(text) for text in texts] == [before.tokenizer.tokenize(text) for text in texts]
    model = after[0].model
    sizes = {model.get_input_embeddings().num_embeddings, model.config.vocab_size, len(after.tokenizer)}
    assert sizes == {record["pieces"]} and record["pieces"] < record["pieces_before"]
    assert "▁water" in before.tokenizer.get_vocab() and "▁water" not in after.tokenizer.get_vocab()
    parameters = sum(weight.numel() for weight in after.parameters())
    assert record["parameters"] == parameters < record["parameters_before"]
    assert record["cut_otherwise"] == 0.0  # threshold 1: whatever the text uses stays


def test_all_of_tokenizer_json_but_ids_stays(workspace):
    trimmed("gte")
    before, after = read_json("published/tokenizer.json"), read_json("models/base/tokenizer.json")
    same = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
    assert {key: after[key] for key in same} == {key: before[key] for key in same}
    scores = dict(map(tuple, before["model"]["vocab"]))
    assert all(scores[piece] == score for piece, score in after["model"]["vocab"])
    assert after["model"]["unk_id"] == 3
    last = len(after["model"]["vocab"]) - 1
    flags = [{key: value for key, value in token.items() if key != "id"} for token in before["added_tokens"]]
    assert after["added_tokens"] == [{"id": id_, **flag} for id_, flag in zip([0, 1, 2, 3, last], flags, strict=True)]
    config = read_json("models/base/tokenizer_config.json")
    assert (config["tokenizer_class"], config["mask_token"]) == ("PreTrainedTokenizerFast", "<mask>")


def test_the_threshold_counts_and_single_characters_stay():
    layout = json.loads(unigram(pieces()).to_str())
    counts = vocabulary.count_pieces(layout, ["su su", "ev", "д"])
    ids = {piece: place for place, (piece, _) in enumerate(layout["model"]["vocab"])}
    assert (counts[ids["▁su"]], counts[ids["▁ev"]], counts.sum()) == (2, 1, 5)
    stay = vocabulary.basic_pieces(layout, counts)
    kept = {piece for piece, place in ids.items() if stay[place]}
    assert kept == {*SPECIAL, "<mask>", "▁", *LETTERS, *"KE.,;!:'123", "▁ı", "▁i", "д", "ж"}


WORDS = st.text(alphabet="abж", min_size=1, max_size=4)


@given(
    scores=st.dictionaries(WORDS, st.integers(-40, -1).map(float), min_size=1, max_size=12),
    used=st.lists(st.lists(WORDS, max_size=4).map(" ".join), max_size=3),
    text=st.lists(WORDS, max_size=5).map(" ".join),
)
@example(scores={"жa": -12.0, "b": -12.0, "ab": -1.0, "bbb": -40.0}, used=["жab", "ab"], text="жab")  # <unk> + ab: -23
def test_a_text_whose_pieces_stay_is_cut_as_before(scores, used, text):
    """Whatever the scores, ties and unknown characters in it."""
    before = unigram({"▁": -2.0} | scores)
    layout = json.loads(before.to_str())
    counts = vocabulary.count_pieces(layout, used)
    ids = np.flatnonzero((counts > 0) | vocabulary.basic_pieces(layout, counts))
    after = vocabulary.cut_tokenizer(wrap(before, 64), layout, ids).backend_tokenizer
    tokens = before.encode(text).ids
    if set(tokens) <= set(ids.tolist()):
        assert [ids[id_] for id_ in after.encode(text).ids] == tokens
    assert all([ids[id_] for id_ in after.encode(seen).ids] == before.encode(seen).ids for seen in used)


def test_another_kind_of_tokenizer_is_refused_in_one_line(workspace):
    write_params(workspace / "params.yaml")
    run_stage("base_model")
    Path("models/base").rename("published")
    write_params(workspace / "params.yaml", source="published", vocabulary="trim")
    with pytest.raises(
        UserError, match=r"vocabulary: trim needs a SentencePiece unigram tokenizer; .* is BPE: use keep"
    ):
        run_stage("base_model")


def test_special_tokens_elsewhere_are_refused(workspace):
    write_encoder(Path("published"), "bert", unigram(pieces()))
    write_json("published/config.json", read_json("published/config.json") | {"pad_token_id": 90})
    with pytest.raises(UserError, match=r"trim needs the special tokens first, .*; pad_token_id is 90"):
        run_stage("base_model")

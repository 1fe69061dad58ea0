"""The embedding cache: named by content, whole or absent."""

import ast
from pathlib import Path

import numpy as np
import pytest
import torch

from src.evaluation import cache


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


class Module:
    def __init__(self, network=None, **config):
        self.network, self.config = network, config

    def get_submodule(self, name):
        assert name == "model"
        return self.network

    def get_config_dict(self):
        return self.config


class Encoder(list):
    device, max_seq_length = "cpu", 512


def encoder(pooling="mean", dtype=torch.float32, attention="sdpa", length=512, normalised=True):
    network = torch.nn.Linear(2, 2).to(dtype)
    network.config = type("config", (), {"_attn_implementation": attention})
    modules = [Module(network), Module(pooling_mode=pooling), *([Module()] if normalised else [])]
    loaded = Encoder(modules)
    loaded.max_seq_length = length
    return loaded


class Filler:
    def __init__(self, value: float = 1.0, fault: Exception | None = None) -> None:
        self.calls, self.value, self.fault = 0, value, fault

    def __call__(self, out: np.ndarray) -> None:
        self.calls += 1
        out[:] = self.value
        if self.fault:
            raise self.fault


def files() -> list[str]:
    return sorted(path.name for path in cache.folder().iterdir())


def test_the_same_key_is_filled_once():
    fill = Filler()
    first, second = (cache.cached({"model": "m"}, (2, 3), fill) for _ in range(2))
    assert fill.calls == 1
    np.testing.assert_array_equal(first, second)
    assert isinstance(second, np.memmap)
    assert not second.flags.writeable


@pytest.mark.parametrize("other", [({"model": "n"}, (2, 3)), ({"model": "m"}, (3, 3))])
def test_another_key_or_shape_is_another_array(other):
    cache.cached({"model": "m"}, (2, 3), Filler())
    fill = Filler(2.0)
    assert cache.cached(*other, fill).max() == 2.0
    assert fill.calls == 1


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_run_leaves_nothing(fault):
    with pytest.raises(type(fault)):
        cache.cached({"model": "m"}, (2, 3), Filler(fault=fault))
    assert files() == []


def test_a_damaged_file_is_made_again():
    cache.cached({"model": "m"}, (2, 3), Filler())
    path = cache.folder() / files()[0]
    path.write_bytes(path.read_bytes()[:100])
    assert cache.cached({"model": "m"}, (2, 3), Filler(5.0)).min() == 5.0


def test_a_model_is_known_by_its_files_but_not_by_its_documentation(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    first = cache.model_fingerprint(folder)
    (folder / "README.md").write_text("words")
    assert cache.model_fingerprint(folder) == first
    (folder / "config.json").write_text("{ }")
    assert cache.model_fingerprint(folder) != first


def test_texts_differ_by_order_and_boundary():
    variants = [["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"], ["ab", "c", ""]]
    assert len({cache.texts_fingerprint(texts) for texts in variants}) == len(variants)


@pytest.mark.parametrize(
    "change",
    [{"pooling": "cls"}, {"dtype": torch.bfloat16}, {"attention": "eager"}, {"length": 128}, {"normalised": False}],
)
def test_an_encoder_loaded_otherwise_gives_another_key(change):
    assert cache.settings(encoder()) == cache.settings(encoder()) != cache.settings(encoder(**change))


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (torch, "get_num_threads", lambda: 77),
        (torch, "get_float32_matmul_precision", lambda: "medium"),
        (cache, "version", lambda name: "0.0" if name == "tokenizers" else "1.0"),
        (cache, "code_fingerprint", lambda: "other"),
    ],
)
def test_machine_libraries_and_our_code_are_part_of_the_key(owner, name, value, monkeypatch):
    before = cache.settings(encoder())
    monkeypatch.setattr(owner, name, value)
    assert cache.settings(encoder()) != before


def test_the_code_in_the_key_is_all_that_loads_and_encodes():
    """What `encode`, `dense` and `late` import of the project, rankings and the cache itself aside."""
    source = Path(cache.__file__).parents[1]
    held = {path.relative_to(source).as_posix() for pattern in cache._CODE for path in source.glob(pattern)}
    assert {
        "model/load.py",
        "model/original.py",
        "model/positions.py",
        "evaluation/encode.py",
        "evaluation/topk.py",
    } <= held
    for name in ("encode", "dense", "late"):
        tree = ast.parse((source / "evaluation" / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("src.model."):
                assert node.module.removeprefix("src.").replace(".", "/") + ".py" in held

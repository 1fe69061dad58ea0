"""The embedding cache: found by content, whole or absent."""

import numpy as np
import pytest

from src.evaluation import cache


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


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


def test_texts_are_told_apart_by_order_and_boundary():
    variants = [["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"], ["ab", "c", ""]]
    assert len({cache.texts_fingerprint(texts) for texts in variants}) == len(variants)

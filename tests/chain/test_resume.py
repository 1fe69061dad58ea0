"""A run that is killed and started again ends with the same bits; another run's checkpoint is never taken."""

import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from bench.common import build_gte
from src.files import read_json, sha256, write_json, write_jsonl
from src.training.run import StageFiles, train_stage
from tests import forks
from tests.encoders import SIZE

pytestmark = pytest.mark.chain
SMALL = {"dims": [16, 8], "batch_size": 32, "epochs": 4, "max_length": 16, "learning_rate": 1e-3}
STAGE = forks.PARAMS.train.model_copy(update=SMALL | {"checkpoint_steps": 3, "dev_steps": 0})


def files(folder: Path) -> StageFiles:
    """A folder that holds `base` and `train.jsonl`, and takes the results."""
    names = ("train.jsonl", "base", "out", "curve.csv", "log.jsonl")
    return StageFiles("retrieval", *(folder / name for name in names))


def start(folder: Path, **changes: float) -> ForkServerProcess:
    stage = STAGE.model_copy(update=changes)
    return forks.start(train_stage, files(folder), stage, forks.RUNTIME, 1, DVC_ROOT=folder)


def finish(folder: Path, **changes: float) -> None:
    forks.finish(start(folder, **changes))


def checkpoints(folder: Path) -> list[Path]:
    return sorted((folder / ".checkpoints").glob("*/step-*"))


def kill_after(folder: Path, step: int, **changes: float) -> None:
    """SIGKILL as soon as the checkpoint of a step stands."""
    process = start(folder, **changes)
    deadline = time.monotonic() + 200
    while not any(path.name >= f"step-{step:08d}" for path in checkpoints(folder)):
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.join(60)
    assert not (folder / "out").exists() and not (folder / "curve.csv").exists()


def results(folder: Path) -> tuple[str, str]:
    return sha256(folder / "out" / "model.safetensors"), (folder / "curve.csv").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A tiny encoder with dropout, so that random numbers matter, and pairs to train it on."""
    folder = tmp_path_factory.mktemp("made")
    texts = [f"soru {n} metin {n % 7} su {n * n % 31}" for n in range(400)]
    build_gte(folder / "base", texts, SIZE)
    config = folder / "base" / "config.json"
    write_json(config, read_json(config) | {"hidden_dropout_prob": 0.1})
    write_jsonl(folder / "train.jsonl", [{"anchor": texts[n], "positive": texts[n + 200]} for n in range(200)])
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    for name in ("base", "train.jsonl"):
        (tmp_path / name).symlink_to(made / name)
    return tmp_path


@pytest.fixture(scope="module")
def uninterrupted(made) -> tuple[str, str]:
    finish(made)
    assert not checkpoints(made)
    return results(made)


def test_killed_twice_it_ends_with_the_same_bits(folder, uninterrupted):
    kill_after(folder, 3)
    kill_after(folder, 12)
    finish(folder)
    assert results(folder) == uninterrupted
    assert not checkpoints(folder), "checkpoints of a finished run are removed"


def test_the_best_weights_on_dev_outlive_a_kill(made, tmp_path):
    for name in ("killed", "whole"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "base").symlink_to(made / "base")
        for split in ("train", "dev"):
            (tmp_path / name / f"{split}.jsonl").symlink_to(made / "train.jsonl")
    # So high a learning rate does harm: the best weights are early ones, which only the checkpoint still holds.
    changes = {"dev_steps": 2, "learning_rate": 3e-1}
    finish(tmp_path / "whole", **changes)
    kill_after(tmp_path / "killed", 12, **changes)
    finish(tmp_path / "killed", **changes)
    assert results(tmp_path / "killed") == results(tmp_path / "whole")


def test_a_torn_checkpoint_costs_some_steps_and_no_bit(folder, uninterrupted):
    kill_after(folder, 9)
    torn = checkpoints(folder)[-1] / "model.safetensors"
    torn.write_bytes(torn.read_bytes()[: torn.stat().st_size // 2])
    finish(folder)
    assert results(folder) == uninterrupted


def test_other_params_start_afresh(folder, uninterrupted):
    kill_after(folder, 6)
    left = {path.parent for path in checkpoints(folder)}
    finish(folder, learning_rate=2e-3)
    assert {path.parent for path in checkpoints(folder)} == left
    assert len(results(folder)[1].splitlines()) == len(uninterrupted[1].splitlines())
    assert results(folder)[0] != uninterrupted[0]

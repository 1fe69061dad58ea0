"""Two processes (gloo) train as one does: the same losses, the same weights to rounding."""

import shutil
from pathlib import Path
from unittest.mock import patch

import pytest
from torch.distributed.elastic.utils.distributed import get_free_port

from src.errors import UserError
from src.files import read_json, write_json, write_jsonl
from src.training import launch
from src.training.run import StageFiles, train_stage
from tests import forks
from tests.checkout import filled_clone
from tests.encoders import curve_of, moved_alike, spread_gte, weights_of

pytestmark = pytest.mark.chain
CHANGES = {"dims": [16, 8], "batch_size": 30, "epochs": 2, "max_length": 16, "learning_rate": 1e-3}
CHANGES |= {"symmetric": True, "mini_batch_tokens": 100}
BLOCKS = {"mnrl": forks.PARAMS.train, "rest": forks.PARAMS.train, "cosent": forks.PARAMS.sts}


def train_one(name: str, folder: Path, out: Path, rank: int) -> None:
    """One process of a group; writes whether it showed its progress bar."""
    files = StageFiles(
        name, folder / f"{name}.jsonl", folder / "base", out / "model", out / "curve.csv", out / "log.jsonl"
    )
    with patch("tqdm.tqdm") as bars:
        train_stage(files, BLOCKS[name].model_copy(update=CHANGES), forks.RUNTIME, seed=1)
    shown = [not call.kwargs["disable"] for call in bars.call_args_list if call.kwargs["desc"] == name]
    write_json(out / f"shown-{rank}.json", shown)


def train(folder: Path, name: str, processes: int) -> tuple[list[list[float]], dict]:
    """So many processes, started as torchrun starts them."""
    out = folder / f"{name}-{processes}"
    out.mkdir()
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": get_free_port(), "WORLD_SIZE": processes, "DVC_ROOT": out}
    group |= {"LOCAL_WORLD_SIZE": processes}
    forks.finish(
        *(
            forks.start(train_one, name, folder, out, rank, **group, RANK=rank, LOCAL_RANK=rank)
            for rank in range(processes)
        )
    )
    shown = [read_json(out / f"shown-{rank}.json") for rank in range(processes)]
    assert shown == [[True]] + [[False]] * (processes - 1), "one process shows progress"
    return curve_of(out / "curve.csv"), weights_of(out / "model")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ranks")
    texts = [f"soru {n} metin {n % 7} su {n * n % 31} " + "uzun " * (n % 9) for n in range(300)]
    spread_gte(folder / "base", texts)
    ranking = [{"anchor": texts[n], "positive": texts[n + 100], "negative": texts[n + 200]} for n in range(100)]
    rated = [{"sentence1": texts[n], "sentence2": texts[n + 100], "score": n % 6} for n in range(100)]
    for name, rows in (("mnrl", ranking), ("cosent", rated), ("rest", ranking[:92])):
        write_jsonl(folder / f"{name}.jsonl", rows)
    return folder


@pytest.mark.parametrize("name", ["mnrl", "cosent"])
def test_two_processes_are_one(folder, name):
    one, weights = train(folder, name, 1)
    two, other = train(folder, name, 2)
    assert len(one) == len(two) > 4
    for ours, theirs in zip(one, two, strict=True):
        assert ours[:4] == pytest.approx(theirs[:4], rel=1e-4, abs=1e-6)
        assert ours[4] == pytest.approx(theirs[4], rel=1e-2)  # a norm of 1e-3 from parts that cancel
    assert moved_alike(weights_of(folder / "base"), weights, other)


def test_a_process_without_rows_waits_for_the_others(folder):
    """92 rows leave a last batch of two, less than the three processes."""
    one, three = train(folder, "rest", 1)[0], train(folder, "rest", 3)[0]
    assert [point[2] for point in three] == pytest.approx([point[2] for point in one], rel=1e-4)


def test_an_experiment_in_two_processes_learns_the_same(tiny, tmp_path):
    pair = filled_clone(tiny, tmp_path / "clone")
    shutil.rmtree(pair.path / "models/sts")
    pair.run("dvc", "exp", "run", "--single-item", "train_sts", "-S", "launch.processes=2")
    assert (pair.path / "models/sts/modules.json").is_file()
    curves = [run.path / "reports/training/sts.csv" for run in (tiny, pair)]
    assert curves[1].read_text(encoding="utf-8").startswith("step,epoch,loss,learning_rate,grad_norm\n")
    one, two = map(curve_of, curves)
    assert one != two, "other sums, other last bits"
    assert [point[2] for point in two] == pytest.approx([point[2] for point in one], rel=1e-2)


def test_a_fault_in_all_processes_is_one_line(capfd):
    with pytest.raises(SystemExit) as stopped:
        launch.launch(forks.stop, ["data/prepared/nli/train.jsonl"], 2, forks.RUNTIME)
    assert stopped.value.code == 1
    errors = capfd.readouterr().err
    assert errors.count("error:") == errors.count("error: data/prepared/nli/train.jsonl: no such file\n") == 1
    assert "Traceback" not in errors


def test_more_processes_than_gpus_is_one_line():
    runtime = forks.RUNTIME.model_copy(update={"device": "auto"})
    with pytest.raises(UserError, match="launch.processes is 64, but there are"):
        launch.check_devices(64, runtime)

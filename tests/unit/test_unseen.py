"""Texts that are cut, rows that are left out, and the speed of a step."""

import json

import numpy as np
import pytest
import torch

from src.params import load_params
from src.training.losses import Ranking
from src.training.matryoshka import Matryoshka
from src.training.speed import SpeedLog, step_flops
from src.training.tasks import report_unseen
from tests.tasks import pairs, rows_of, task_of, tokens_of

LOSS = Ranking(Matryoshka.of([2]), 0.1)


def task(lengths, cut=0, ids=None):
    ids = pairs(len(lengths) // 2) if ids is None else ids
    return task_of(rows_of(ids, lengths, path="train.jsonl"), LOSS, tokens_of(lengths, cut=cut), 2)


def test_texts_cut_and_rows_left_out_are_a_line_each(capsys, tmp_path):
    step = load_params("params.yaml").train
    speed = SpeedLog(tmp_path / "log.jsonl", torch.nn.Linear(2, 2), torch.device("cpu"))
    one_query = [[0, 1], [0, 2], [0, 3]]  # so that a row competes with none
    report_unseen("retrieval", step, task([3, 2, 3, 2], 1, one_query), speed.write)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("retrieval: 1 of 4 texts are longer than max_length 64 and are cut: ")
    assert lines[0].endswith("anchor 1 of 1, positive 0 of 3")
    assert lines[1].startswith("retrieval: 3 rows are left out of each epoch")
    logged = json.loads((tmp_path / "log.jsonl").read_text())
    assert logged == {"rows": 3, "texts": 4, "texts_cut": 1, "rows_left_out": 3}
    report_unseen("retrieval", step, task([3, 2, 2, 2]), speed.write)
    assert capsys.readouterr().err == ""


def test_a_step_logs_speed_share_of_the_peak_memory_and_padding(tmp_path):
    batch = task([4, 2, 4, 2]).batch(np.arange(2), 16)
    model = torch.nn.ModuleDict({"layers": torch.nn.ModuleList([torch.nn.Linear(10, 10)])})
    speed = SpeedLog(tmp_path / "log.jsonl", model, torch.device("cpu"))
    speed.begin()
    speed.step(7, batch, kept=8)
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert line["step"] == 7 and line["pairs_per_second"] > 0 and line["tokens_per_second"] > 0
    assert line["padding_waste"] == pytest.approx(16 / 12 - 1, abs=1e-4) and line["encoded_once"] == 0.5
    assert line["share_of_peak"] >= 0 and line["gflops"] >= 0 and line["peak_memory_mb"] > 1


def test_the_work_of_a_step_counts_parameters_per_real_token():
    model = torch.nn.ModuleDict({"layers": torch.nn.ModuleList([torch.nn.Linear(10, 10)])})
    assert step_flops(model, tokens=5, texts=2) == 6 * 110 * 5


@pytest.mark.parametrize(
    ("trained", "skipped", "factors"),
    [
        ((True, True, True), False, (6, 6)),
        ((False, False, True), False, (2, 6)),
        ((True, False, True), False, (4, 6)),
        ((False, False, True), True, (0, 6)),
    ],
)
def test_frozen_layers_cost_their_forward_alone_and_nothing_from_kept_outputs(trained, skipped, factors):
    layers = torch.nn.ModuleList([torch.nn.Linear(10, 10), torch.nn.Linear(10, 10)])
    model = torch.nn.ModuleDict({"embeddings": torch.nn.Embedding(7, 10), "layers": layers})
    for module, trains in zip((model["embeddings"], *layers), trained, strict=True):
        module.requires_grad_(trains)
    assert step_flops(model, tokens=5, texts=2, skipped=skipped) == sum(factors) * 110 * 5

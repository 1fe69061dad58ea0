"""Tiny encoders to train, and the pairs of a training file."""

from pathlib import Path

import torch

from bench.common import build_gte
from src.training.encoder import load_encoder

SIZE = {"vocab_size": 200, "hidden_size": 16, "layers": 2, "heads": 2, "intermediate_size": 32, "max_length": 32}


def spread_gte(folder: Path, texts: list[str], **size: int) -> Path:
    """A GTE whose texts differ from the start: fresh weights give all one vector; its gradients cancel to rounding."""
    model = load_encoder(build_gte(folder.with_name("plain"), texts, SIZE | size))
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(str(folder), create_model_card=False)
    return folder


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    """The transformer's parameters by their names in the model; files may name and pack them otherwise."""
    return dict(load_encoder(folder)[0].auto_model.state_dict())


def curve_of(path: Path) -> list[list[float]]:
    """The points of a training curve: step, epoch, loss, learning rate, gradient norm."""
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    return [[float(value) for value in line.split(",")] for line in lines]


def moved_alike(start: dict[str, torch.Tensor], one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    """Whether two runs moved each weight alike, to 2 %."""
    # Attention does not depend on a key's bias: its gradient is rounding alone.
    names = [name for name in start if not name.endswith("k_proj.bias")]
    return all(
        float((two[name] - one[name]).norm()) <= 0.02 * float((one[name] - start[name]).norm()) + 1e-6 for name in names
    )

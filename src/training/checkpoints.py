"""Checkpoints that survive a kill at any moment.

They live outside DVC in `.checkpoints/<fingerprint>/` at the root of the repository. The fingerprint covers params,
code, data and the model that training starts from, so whatever changes, an old checkpoint is never taken. A
checkpoint is built in a folder beside its place and renamed; a manifest of checksums tells a torn one, and then
the one before it counts. Nothing is pickled: tensors are safetensors, the rest is JSON, whose floats read back exactly.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from src.files import fresh_dir, read_json, sha256, write_json
from src.strict_json import JsonObject
from src.training.distributed import gather_states, world

_KEPT = 2  # the last one, and the one before it in case the last is torn
_MANIFEST = "manifest.json"


def root() -> Path:
    """The folder of all checkpoints; DVC names the repository's root in its stages' environment."""
    return Path(os.environ.get("DVC_ROOT") or Path(__file__).parents[2]) / ".checkpoints"


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, name: str) -> None:
        self.folder = root() / name

    def latest(self) -> Path | None:
        """The last checkpoint that is whole."""
        return next((path for path in sorted(self.folder.glob("step-*"), reverse=True) if _is_whole(path)), None)

    def save(
        self, step: int, model: nn.Module, optimizer: Optimizer, files: JsonObject, best: dict[str, Tensor]
    ) -> None:
        """Write the checkpoint of a step; every process calls it, the first one writes.

        Args:
            files: further files by name, as JSON values; `state.json` is what `load_state` gives back.
            best: weights to keep beside the model's (`best.safetensors`), where there are any.
        """
        rng = _rng_states()
        if world()[0] != 0:
            return
        with fresh_dir(self.folder / f"step-{step:08d}") as folder:
            save_file(trained_weights(model), folder / "model.safetensors")
            tensors, groups = _flatten(optimizer.state_dict())
            save_file(tensors, folder / "optimizer.safetensors")
            save_file(rng, folder / "rng.safetensors")
            save_file(best, folder / "best.safetensors")
            for name, value in (files | {"optimizer_groups.json": groups}).items():
                write_json(folder / name, value)
            write_json(folder / _MANIFEST, {path.name: sha256(path) for path in sorted(folder.iterdir())})
        for old in sorted(self.folder.glob("step-*"))[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)

    def remove(self) -> None:
        """Remove all of the run."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    try:
        manifest = read_json(folder / _MANIFEST)
        return bool(manifest) and all(sha256(folder / name) == digest for name, digest in manifest.items())
    except Exception:
        return False


def load_state(folder: str | Path) -> JsonObject:
    """The `state.json` that the caller of `save` gave."""
    state: JsonObject = read_json(Path(folder) / "state.json")
    return state


def load_model(folder: str | Path, model: nn.Module) -> None:
    """Restore a checkpoint's trained weights."""
    restore(model, load_file(Path(folder) / "model.safetensors"))


def load_optimizer(folder: str | Path, optimizer: Optimizer) -> None:
    """Restore the optimizer's moments and groups."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in load_file(Path(folder) / "optimizer.safetensors").items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": read_json(Path(folder) / "optimizer_groups.json")})


def load_rng(folder: str | Path) -> None:
    """Restore this process's random state. Batches do not draw from it; dropout does."""
    saved = load_file(Path(folder) / "rng.safetensors")
    rank = world()[0]
    torch.set_rng_state(saved["cpu"][rank])
    if "cuda" in saved and torch.cuda.is_available():
        torch.cuda.set_rng_state(saved["cuda"][rank])


def _rng_states() -> dict[str, Tensor]:
    """Of all processes, one row each, by kind of device."""
    states, device = {"cpu": torch.get_rng_state()}, "cpu"
    if torch.cuda.is_initialized():
        states["cuda"], device = torch.cuda.get_rng_state(), "cuda"
    return {name: gather_states(state.to(device)).cpu() for name, state in states.items()}


def trained_weights(model: nn.Module) -> dict[str, Tensor]:
    """The parameters that are trained, by name."""
    return {name: value.detach().contiguous() for name, value in model.named_parameters() if value.requires_grad}


def restore(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Give a model weights of `trained_weights`; the frozen ones never changed. KeyError where one is missing."""
    model.load_state_dict({name: weights[name] for name in trained_weights(model)}, strict=False)


def _flatten(state: JsonObject) -> tuple[dict[str, Tensor], list[JsonObject]]:
    """An optimizer's state as tensors named INDEX.KEY, and its groups as JSON."""
    tensors = {
        f"{index}.{key}": tensor.contiguous()
        for index, values in state["state"].items()
        for key, tensor in values.items()
    }
    return tensors, state["param_groups"]

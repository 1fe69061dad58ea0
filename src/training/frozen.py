"""A cache of the frozen layers' outputs, above which every step starts.

Where the embeddings and the first layers are frozen and nothing is dropped out, their output for a text never changes.
So each distinct text goes through them once, be it of training, replay, the dev split or for a teacher; the output of
every token lies in `.cache/frozen/` under a key of the frozen weights, the texts' tokens, the type and the machine.
Runs of the same data from the same encoder share it. Loss and gradients are those of encoding anew, to float32
rounding from float32 outputs, to the rounding of 16 bits from float16, which take half the disk.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

from src.array_cache import cached, folder, path_of
from src.errors import UserError
from src.model.encoder import dropouts, layers_of
from src.params.schema import RuntimeParams, StageParams
from src.progress import bar
from src.strict_json import JsonObject
from src.training.dataset import Tokens
from src.training.distributed import world
from src.training.encoder import forwards
from src.training.encoding import MiniBatch, mini_batches
from src.training.tasks import Task

_FOLDER = "frozen"
_TYPES = {"fp16": np.float16, "fp32": np.float32}
_LEAST_USES = 1.5  # of a token in a run; below, two thirds of the work must be done anyway
_TEXTS_AT_ONCE = 4096  # padded together, to bound memory


class FrozenOutputs:
    """The outputs of a run's frozen layers for its texts, where params ask for them and it pays."""

    def __init__(
        self,
        name: str,
        stage: StageParams,
        runtime: RuntimeParams,
        model: SentenceTransformer,
        *,
        weights: Path,
        log: Callable[..., None],
    ) -> None:
        """
        Args:
            name: of the stage, for messages.
            model: on its device, with what params freeze frozen.
            weights: the folder that it was loaded from.
            log: takes events as keywords.

        Raises:
            UserError: outputs are to be kept and the encoder has dropout.
        """
        self.name, self.kind, self.bf16, self.log = name, stage.frozen_cache, runtime.precision == "bf16", log
        if self.kind == "none":
            return
        rates = [key for key, rate in dropouts(model).items() if rate]
        if rates:
            raise UserError(f"{name}: frozen_cache needs base_model.dropout 0.0; the encoder drops out ({rates[0]})")
        self.part = FrozenPart(model)
        self.dtype = np.dtype(_TYPES[self.kind])
        self.of_model = self.part.key(weights) | {"precision": runtime.precision, "type": self.dtype.name}

    def attach(self, task: Task, epochs: float) -> None:
        """Attach the outputs to a task's tokens; where that does not pay, a line says why.

        Raises:
            UserError: 16 bits do not hold an output.
        """
        if self.kind == "none":
            return
        shape = (len(task.tokens.flat), self.part.size)
        path = path_of(_FOLDER, self.of_model | {"texts": texts_digest(task.tokens)})
        uses = token_uses(task, epochs)
        reason = None if path.is_file() else not_worth(uses, math.prod(shape) * self.dtype.itemsize)
        self.log(texts_of=str(task.rows.path), frozen_cache=reason or str(path), token_uses=round(uses, 2))
        if reason:
            print(f"{self.name}: frozen_cache {self.kind} is not used for {task.rows.path}: {reason}", file=sys.stderr)
            return
        with torch.autocast(self.part.model.device.type, torch.bfloat16, enabled=self.bf16):
            states = cached(path, shape, lambda states: fill(states, self.part, task.tokens, self.name), self.dtype)
        os.utime(path)  # what was not used for longest goes first
        task.tokens = replace(task.tokens, states=states)


def token_uses(task: Task, epochs: float) -> float:
    """How often so many epochs of a task read each token of its distinct texts, on average."""
    lengths = task.tokens.lengths
    return float(epochs * lengths[task.rows.ids].sum() / lengths.sum())


def texts_digest(tokens: Tokens) -> str:
    """SHA-256 of the texts' tokens."""
    digest = hashlib.sha256(tokens.starts.data)
    digest.update(tokens.flat.data)
    return digest.hexdigest()


def not_worth(uses: float, size: int) -> str | None:
    """Why not to keep so many bytes; None where it pays and there is room for them."""
    if world()[1] > 1:
        return "several processes train"
    if uses < _LEAST_USES:
        return f"a token is read {uses:.1f} times in this run; it pays from {_LEAST_USES} times on"
    if not make_room(folder(_FOLDER), size):
        return f"{size / 1e9:.1f} GB are more than half of what the disk has free"
    return None


def make_room(where: Path, size: int) -> bool:
    """Whether so many bytes fit into half of the folder's disk space; its least recently used files are removed."""
    where.mkdir(parents=True, exist_ok=True)
    files = sorted(where.glob("*.npy"), key=lambda file: file.stat().st_mtime, reverse=True)
    used = sum(file.stat().st_size for file in files)
    limit = (shutil.disk_usage(where).free + used) // 2
    while size <= limit < used + size:
        oldest = files.pop()
        used -= oldest.stat().st_size
        oldest.unlink()
    return size <= limit


class FrozenPart:
    """The embeddings and the first layers of an encoder, up to the first with trained weights."""

    def __init__(self, model: Any) -> None:
        self.model, self.transformer = model, model[0].auto_model
        layers = list(layers_of(self.transformer))
        self.layers = list(takewhile(is_frozen, layers)) if is_frozen(self.transformer.embeddings) else []
        self.above = layers[len(self.layers) :]
        self.size = int(self.transformer.config.hidden_size)

    def key(self, folder: Path) -> JsonObject:
        """What its outputs depend on beside texts and precision, bits included; the weights are those in the folder."""
        trained = {name for name, weight in self.transformer.named_parameters() if weight.requires_grad}
        return {
            "configuration": self.transformer.config.to_json_string(),
            "weights": weights_digest(folder, trained),
            "layers": len(self.layers),
            "versions": [version(library) for library in ("torch", "transformers", "sentence-transformers")],
            "device": self.model.device.type,
            "threads": torch.get_num_threads(),
            "instructions": torch.backends.cpu.get_cpu_capability(),
        }

    def output(self, batch: MiniBatch) -> Tensor:
        """(texts, length, size) output of its last layer."""
        outputs: list[Tensor] = []
        hook = self.layers[-1].register_forward_hook(lambda _layer, _inputs, output: outputs.append(output))
        with forwards(dict.fromkeys(self.above, _identity)):
            self.transformer(input_ids=batch.ids, attention_mask=batch.mask)
        hook.remove()
        return outputs[0]

    def encode_above(self, states: Tensor, mask: Tensor) -> Tensor:
        """(texts, D) vectors of the whole encoder from an `output` and the attention mask."""
        features = {"inputs_embeds": states.float(), "attention_mask": mask}
        with forwards({self.transformer.embeddings: _inputs_embeds} | dict.fromkeys(self.layers, _identity)):
            vectors: Tensor = self.model(features)["sentence_embedding"]
        return vectors


def weights_digest(folder: Path, trained: Collection[str]) -> str:
    """SHA-256 of the weights in an encoder's folder, those left out that are trained.

    They are read from the files and let go. A model's own weights are mapped from its file, and what no step reads,
    such as a frozen table of embeddings, then takes no memory.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in sorted(set(file.keys()) - set(trained)):
                weight = file.get_tensor(name)
                digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
                digest.update(weight.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def encode(model: Any, batch: MiniBatch) -> Tensor:
    """(texts, D) vectors of a mini-batch, from the frozen layers' outputs where these are kept."""
    if batch.states is not None:
        return FrozenPart(model).encode_above(batch.states, batch.mask)
    vectors: Tensor = model({"input_ids": batch.ids, "attention_mask": batch.mask})["sentence_embedding"]
    return vectors


def is_frozen(module: nn.Module) -> bool:
    """Whether no weight of it is trained."""
    return not any(weight.requires_grad for weight in module.parameters())


@torch.inference_mode()
def fill(states: NDArray[Any], part: FrozenPart, tokens: Tokens, name: str, budget: int = 4096) -> None:
    """Write the part's output for every token into `states`, (tokens, size), so many tokens encoded at once.

    Raises:
        UserError: the type of `states` does not hold it.
    """
    part.model.eval()
    count, device, dtype = len(tokens.lengths), part.model.device, states.dtype.name
    with bar(f"{name}: frozen layers", "text", count) as progress:
        for texts in np.array_split(np.arange(count), -(-count // _TEXTS_AT_ONCE)):
            for batch in mini_batches(tokens, texts, budget):
                positions, mask = tokens.positions(texts[batch.indices])
                output = part.output(batch.to(device))[torch.from_numpy(mask).to(device)].float().cpu().numpy()
                with np.errstate(over="ignore"):
                    states[positions] = output
                if not np.isfinite(states[positions]).all():
                    raise UserError(
                        f"{name}: frozen_cache: {dtype} does not hold an output of the frozen layers; take fp32"
                    )
                progress.update(len(batch.indices))


def _inputs_embeds(*_: Any, inputs_embeds: Tensor, **__: Any) -> Tensor:
    """Replaces the embeddings' forward."""
    return inputs_embeds


def _identity(hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
    """Replaces a layer's forward."""
    return hidden_states

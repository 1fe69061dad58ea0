"""The model that is trained: loaded in float32, frozen where params say so, and mixed with the one it started from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from sentence_transformers import SentenceTransformer
from torch import nn

from src.errors import UserError
from src.model.encoder import layers_of, quiet
from src.model.positions import limit_length, usable_positions
from src.params.schema import StageParams


def load_encoder(folder: Path) -> SentenceTransformer:
    """The sentence-transformers model of a folder, on the CPU; the trainer moves it.

    Weights stored in 16 bits become float32: autocast does the rest.

    Raises:
        UserError: there is no such model.
    """
    if not (folder / "modules.json").is_file():
        raise UserError(f"{folder}: no sentence-transformers model (modules.json is missing)")
    quiet()
    model = SentenceTransformer(
        str(folder),
        device="cpu",
        local_files_only=True,
        model_kwargs={"dtype": torch.float32, "attn_implementation": "sdpa"},
    )
    limit_length(model)
    return model


def freeze(model: SentenceTransformer, stage: StageParams, name: str) -> None:
    """Freeze what the stage's params freeze, once they are known to fit the model.

    Raises:
        UserError: dims, max_length or freeze_layers exceed what the model has; the message names the key.
    """
    transformer: Any = model[0].auto_model
    layers = layers_of(transformer)
    size = model.get_embedding_dimension() or 0
    for key, value, limit, what in (
        ("dims", max(stage.dims), size, "dimensions"),
        ("max_length", stage.max_length, usable_positions(model), "positions"),
        ("freeze_layers", stage.freeze_layers, len(layers), "layers"),
    ):
        if value > limit:
            raise UserError(f"{name}: {key} {value} is more than the {limit} {what} of the model")
    if stage.freeze_embeddings:
        transformer.embeddings.requires_grad_(False)  # positions and norm too: nothing below frozen layers is trained
    for layer in layers[: stage.freeze_layers]:
        layer.requires_grad_(False)


def interpolate(before: nn.Module, after: nn.Module, share: float) -> None:
    """(1 - share) · before + share · after of every floating-point tensor, in place in `after`.

    Between a model and its fine-tuned form this keeps much of both (Wortsman et al. 2022, "Robust fine-tuning of
    zero-shot models", arXiv 2109.01903), and costs no training.
    """
    start = before.state_dict()
    after.load_state_dict(
        {
            name: torch.lerp(start[name].to(value), value, share) if value.is_floating_point() else value
            for name, value in after.state_dict().items()
        }
    )


@contextmanager
def compiled_layers(model: SentenceTransformer, wanted: bool) -> Iterator[None]:
    """While it holds, and is wanted, the encoder's layers run through torch.compile, for texts of any length.

    Layer by layer rather than whole: all layers but the last share one compilation, and CLS pooling stays as it is.
    """
    layers = layers_of(cast(Any, model[0]).auto_model) if wanted else []
    with forwards({layer: torch.compile(layer.forward, dynamic=True) for layer in layers}):
        yield


@contextmanager
def forwards(others: Mapping[nn.Module, Callable[..., Any]]) -> Iterator[None]:
    """While it holds, each module runs the function that is given for it in place of its `forward`."""
    own = {module: module.__dict__.get("forward") for module in others}
    for module, forward in others.items():
        module.forward = forward
    try:
        yield
    finally:
        for module, before in own.items():
            if before is None:
                del module.forward
            else:
                module.forward = before

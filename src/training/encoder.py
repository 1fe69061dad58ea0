"""The model that is trained: loaded in float32, with the parts that params freeze left out of training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from transformers.utils import logging

from src.errors import UserError
from src.model.encoder import layers_of
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
    logging.disable_progress_bar()  # of loading and saving weights: a second at most
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
        transformer.get_input_embeddings().requires_grad_(False)
    for layer in layers[: stage.freeze_layers]:
        layer.requires_grad_(False)


@contextmanager
def compiled_layers(model: SentenceTransformer, wanted: bool) -> Iterator[None]:
    """While it holds, and is wanted, the encoder's layers run through torch.compile, for texts of any length.

    Layer by layer rather than whole: all layers but the last share one compilation, and CLS pooling stays as it is.
    """
    transformer: Any = model[0].auto_model
    layers = list(layers_of(transformer)) if wanted else []
    plain = [layer.__dict__.get("forward") for layer in layers]
    for layer in layers:
        layer.forward = torch.compile(layer.forward, dynamic=True)
    try:
        yield
    finally:
        for layer, forward in zip(layers, plain, strict=True):
            if forward is None:
                del layer.forward
            else:
                layer.forward = forward

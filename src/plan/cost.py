"""Arithmetic and memory of a transformer encoder, from its size: pure functions, without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError
from src.files import read_json_object, read_yaml
from src.strict_json import JsonObject

if TYPE_CHECKING:
    from src.params.schema import BaseModelParams

FLOAT, HALF = 4, 2  # bytes
KNOWN: JsonObject = read_yaml(Path(__file__).with_name("known.yaml"))


@dataclass(frozen=True)
class Size:
    """An encoder's size. `gated`: the feed-forward block has a gate (GTE), three matrices in place of two (BERT)."""

    vocabulary: int
    hidden: int
    layers: int
    inner: int
    gated: bool = True
    positions: int = 0  # learned position vectors; 0: rotary

    @property
    def embedding_parameters(self) -> int:
        """Of token, position and type vectors with their layer norm."""
        return (self.vocabulary + self.positions + 1) * self.hidden + 2 * self.hidden

    @property
    def layer_matrix_parameters(self) -> int:
        """Of one layer's matrices: these multiply every token."""
        return 4 * self.hidden**2 + (3 if self.gated else 2) * self.hidden * self.inner

    @property
    def layer_parameters(self) -> int:
        """Of one layer: matrices, biases (a gated block has none on its way in) and two layer norms."""
        return self.layer_matrix_parameters + 9 * self.hidden + (0 if self.gated else self.inner)

    @property
    def parameters(self) -> int:
        return self.embedding_parameters + self.layers * self.layer_parameters


def encoder_size(base: BaseModelParams) -> Size:
    """The size of the encoder in params. Raises UserError for a Hub id whose size is not known here."""
    if base.source == "scratch":
        return Size(base.vocab_size, base.hidden_size, base.layers, base.intermediate_size)
    config, known = Path(base.source) / "config.json", KNOWN["encoders"]
    if config.is_file():
        return of_config(read_json_object(config))
    if base.source not in known:
        raise UserError(
            f"base_model.source: the size of {base.source!r} is not known without the Hub; "
            f"give a folder with its config.json, or one of: {', '.join(known)}"
        )
    return of_config(known[base.source])


def of_config(config: JsonObject) -> Size:
    """The size in a config.json of the BERT family or GTE."""
    gated = config.get("model_type") in ("gte", "new", "modernbert")
    positions = 0 if gated else config.get("max_position_embeddings", 0)
    layers, inner = config["num_hidden_layers"], config["intermediate_size"]
    return Size(config["vocab_size"], config["hidden_size"], layers, inner, gated, positions)


def forward_flops(size: Size, tokens: float, length: float) -> float:
    """Floating-point operations to encode `tokens` tokens in texts of `length`.

    Two for each matrix parameter and token, and in attention two products of length × hidden for each token and layer
    (Kaplan et al. 2020, arXiv 2001.08361, section 2.1, with its n_ctx term). Embeddings are looked up, not multiplied.
    """
    return tokens * size.layers * (2 * size.layer_matrix_parameters + 4 * length * size.hidden)


def training_flops(size: Size, tokens: float, length: float, embeddings_frozen: bool, layers_frozen: int) -> float:
    """Forward, and backward at twice the forward.

    Frozen layers need no gradient of their weights, so they cost the forward alone; where the embeddings below them are
    trained, gradients still pass through them (one forward's worth).
    """
    forward = forward_flops(size, tokens, length)
    return forward * (3 - (2 if embeddings_frozen else 1) * layers_frozen / size.layers)


def state_bytes(size: Size, embeddings_frozen: bool, layers_frozen: int, half: bool) -> int:
    """Weights, gradients and AdamW's two moments in float32, and the 16-bit matrices that autocast makes."""
    trained = (size.layers - layers_frozen) * size.layer_parameters
    trained += 0 if embeddings_frozen else size.embedding_parameters
    cast = HALF * size.layers * size.layer_matrix_parameters if half else 0
    return FLOAT * size.parameters + 3 * FLOAT * trained + cast


def activation_bytes(size: Size, embeddings_frozen: bool, layers_frozen: int, half: bool) -> float:
    """Bytes that autograd holds for the backward pass, for each token, with attention that stores no score matrix.

    Counted in GteModel with saved-tensor hooks (tests/unit/test_plan.py does so again): in float32 8 vectors of the
    hidden and 4 of the inner size a layer; under autocast 26 bytes for each hidden and 8 for each inner unit, since
    matrices keep their inputs in 16 bits and the residual stream stays in 32. A block without a gate keeps two inner
    vectors less. Frozen layers hold nothing where the embeddings below them are frozen too.
    """
    layers = size.layers - (layers_frozen if embeddings_frozen else 0)
    inner = size.inner * (4 if size.gated else 2)
    per_layer = 26 * size.hidden + HALF * inner if half else FLOAT * (8 * size.hidden + inner)
    return layers * per_layer + FLOAT * size.hidden

"""Arithmetic and memory of a transformer encoder, from its size: pure functions, without torch."""

from __future__ import annotations

from dataclasses import dataclass

FLOAT, HALF = 4, 2  # bytes
GIB = 1024**3


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
        biases = 4 * self.hidden + self.hidden + (0 if self.gated else self.inner)
        return self.layer_matrix_parameters + biases + 4 * self.hidden

    @property
    def parameters(self) -> int:
        return self.embedding_parameters + self.layers * self.layer_parameters


@dataclass(frozen=True)
class Frozen:
    """What is not trained."""

    embeddings: bool = False
    layers: int = 0

    def trained(self, size: Size) -> int:
        """Parameters that have gradients and moments."""
        embeddings = 0 if self.embeddings else size.embedding_parameters
        return embeddings + (size.layers - self.layers) * size.layer_parameters


def forward_flops(size: Size, tokens: float, length: float, layers: int | None = None) -> float:
    """Floating-point operations to encode `tokens` tokens in texts of `length`.

    Two for each matrix parameter and token, and in attention two products of length × hidden for each token and layer
    (Kaplan et al. 2020, arXiv 2001.08361, section 2.1, with its n_ctx term). Embeddings are looked up, not multiplied.
    """
    per_layer = 2 * size.layer_matrix_parameters + 4 * length * size.hidden
    return tokens * per_layer * (size.layers if layers is None else layers)


def training_flops(size: Size, tokens: float, length: float, frozen: Frozen, encoded_twice: float = 0.0) -> float:
    """Forward, backward (twice the forward) and the second forward of gradient caching.

    Frozen layers need no gradient of their weights; where the embeddings below them are trained, gradients still pass
    through them (one forward's worth).

    Args:
        encoded_twice: the share of the tokens whose graph does not fit into memory.
    """
    whole = forward_flops(size, tokens, length)
    of_frozen = forward_flops(size, tokens, length, frozen.layers)
    backward = 2 * (whole - of_frozen) + (0 if frozen.embeddings else of_frozen)
    return whole * (1 + encoded_twice) + backward


def state_bytes(size: Size, frozen: Frozen) -> int:
    """Weights, gradients and AdamW's two moments, all float32: 16 bytes a trained parameter, 4 a frozen one."""
    return FLOAT * size.parameters + 3 * FLOAT * frozen.trained(size)


def activation_bytes(size: Size, frozen: Frozen, half: bool) -> float:
    """Bytes that autograd holds for the backward pass, for each token, with attention that stores no score matrix.

    Counted in GteModel with saved-tensor hooks (tests/unit/test_plan.py does so again): in float32 8 vectors of the
    hidden and 4 of the inner size a layer; under autocast 26 bytes for each hidden and 8 for each inner unit, since
    matrices keep their inputs in 16 bits and the residual stream stays in 32. A block without a gate keeps two inner
    vectors less. Frozen layers hold nothing where the embeddings below them are frozen too.
    """
    layers = size.layers - (frozen.layers if frozen.embeddings else 0)
    inner = size.inner * (4 if size.gated else 2)
    per_layer = 26 * size.hidden + HALF * inner if half else FLOAT * (8 * size.hidden + inner)
    return layers * per_layer + FLOAT * size.hidden


def cast_bytes(size: Size, half: bool) -> int:
    """The 16-bit copy of the layers' matrices that autocast makes."""
    return HALF * size.layers * size.layer_matrix_parameters if half else 0


def loss_bytes(batch: int, documents: int, dims: int) -> int:
    """The score matrix and, for each Matryoshka dimension, its gradient, all float32."""
    return FLOAT * batch * documents * (dims + 3)

"""The last layer of a CLS-pooled GTE, computed where it is read: at the first token.

CLS pooling takes the last layer's output at the first token alone. So that layer needs keys and values of all tokens,
but a query, an output projection and a feed-forward block of one. The vectors and gradients are the same to rounding;
of a three-layer model about a quarter of the work goes, of twelve layers a fifteenth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import GteModel
from transformers.models.gte.modeling_gte import rotate_half

from src.training.encoder import forwards


@contextmanager
def first_token_only(model: SentenceTransformer) -> Iterator[bool]:
    """While it holds, the model's last layer gives its first token alone. True where the model allows it."""
    layer = last_layer(model)
    with forwards({} if layer is None else {layer: partial(_forward, layer)}):
        yield layer is not None


def last_layer(model: SentenceTransformer) -> Any:
    """The last layer of a GTE, if nothing but CLS pooling reads its output; else None."""
    transformer: Any = getattr(model[0], "auto_model", None)
    pooled_by_cls = len(model) > 1 and isinstance(model[1], Pooling) and model[1].pooling_mode == "cls"
    if not pooled_by_cls or type(transformer) is not GteModel:
        return None
    return transformer.layers[-1] if transformer.config._attn_implementation == "sdpa" else None


def _forward(
    layer: Any,
    hidden_states: Tensor,
    attention_mask: Tensor | None = None,
    *,
    position_embeddings: tuple[Tensor, Tensor],
    **_: Any,
) -> Tensor:
    """GteLayer.forward for its first token: (texts, tokens, size) to (texts, 1, size)."""
    first = hidden_states[:, :1]
    mask = attention_mask if attention_mask is None else attention_mask[..., :1, :]
    attended = _attend(layer.self_attn, hidden_states, mask, position_embeddings)
    first = layer.post_attention_layernorm(first + layer.post_attention_dropout(attended))
    return layer.post_mlp_layernorm(first + layer.post_mlp_dropout(layer.mlp(first)))


def _attend(attention: Any, hidden_states: Tensor, mask: Tensor | None, rotary: tuple[Tensor, Tensor]) -> Tensor:
    """GteAttention.forward with one query a text."""

    def heads(projected: Tensor) -> Tensor:
        return projected.view(*projected.shape[:2], -1, attention.head_dim).transpose(1, 2)

    first = hidden_states[:, :1]
    cos, sin = (part.unsqueeze(1) for part in rotary)
    query, key = heads(attention.q_proj(first)), heads(attention.k_proj(hidden_states))
    query = query * cos[:, :, :1] + rotate_half(query) * sin[:, :, :1]
    key = key * cos + rotate_half(key) * sin
    value = heads(attention.v_proj(hidden_states))
    dropout = attention.attention_dropout if attention.training else 0.0
    output = scaled_dot_product_attention(query, key, value, mask, dropout, scale=attention.scaling)
    return attention.o_proj(output.transpose(1, 2).reshape(len(first), 1, -1))

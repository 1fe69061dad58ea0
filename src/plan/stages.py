"""Each stage of a run as rows, steps, tokens, arithmetic and memory.

Rows and tokens are those that stage prepare left, else as published or as they will be invented.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from src.data.card import FILE, read_card
from src.data.columns import KINDS
from src.evaluation.beir import PREPARED, prepared_set
from src.files import read_jsonl
from src.params import Params
from src.params.schema import ColbertParams, MlmParams, StageParams
from src.plan.cost import FLOAT, KNOWN, Size, activation_bytes, forward_flops, state_bytes, training_flops
from src.recipe.stages import CHECKPOINTS, FINAL, STAGES, Stage

AUTO_MINI_BATCH = 2048  # tokens that fit at once where params say `auto`, which halves as memory ends
# Tokens a word: of gte-multilingual-base's vocabulary, and of a small one trained on Turkish text (12,000 pieces
# make 1.67 of a word on 3.3 million words of Turkish). Two special tokens a text come on top.
TOKENS_A_WORD, SPECIAL = 1.7, 2
_SAMPLE = 2000
_SYNTHETIC = Path("data/synthetic")
Block = StageParams | ColbertParams | MlmParams


class Volume(NamedTuple):
    """Rows, mean tokens of each text column, and where the figures are from."""

    rows: int
    tokens: tuple[float, ...]
    source: str

    def cut(self, max_length: int) -> Volume:
        """The same rows, each text of at most `max_length` tokens."""
        return self._replace(tokens=tuple(min(count, max_length) for count in self.tokens))


class StagePlan(NamedTuple):
    """One stage.

    Attributes:
        steps: of the optimizer, 0 where nothing is trained; a batch in which no text may stand twice may end early.
        tokens: read in all, over the epochs.
        forward, flops: floating-point operations of encoding all tokens once, and of the whole stage, without the
            second encoding of gradient caching.
        fixed, of_token: bytes of weights, moments and scores, and of what the backward pass needs of a token.
        batch_tokens, at_once: tokens of a step, and those of them that have to fit into memory at once.
    """

    volume: Volume
    steps: int
    tokens: float
    forward: float
    flops: float
    fixed: float
    of_token: float = 0.0
    batch_tokens: float = 0.0
    at_once: float = 0.0

    def memory(self, tokens: float) -> float:
        """Bytes of a step that encodes so many tokens at once."""
        return self.fixed + tokens * self.of_token


def mean_length(tokens: tuple[float, ...]) -> float:
    """The length that a token sees around it: longer texts hold more of the tokens."""
    return sum(count * count for count in tokens) / sum(tokens)


def stages(params: Params, size: Size) -> dict[str, StagePlan | None]:
    """Each stage in its order; None where nothing is known of its data."""
    base, planned = params.base_model, dict[str, StagePlan | None]()
    training = {key: training_set(params, key) for key in ("text", *STAGES)}
    if base.source == "scratch" and base.mlm.epochs:
        planned["base_model"] = (text := training["text"]) and masked(params, size, text)
    for name, stage in STAGES.items():
        if params.block(stage).epochs:
            planned[f"train_{name}"] = (rows := training[name]) and chain_stage(params, size, stage, rows)
    planned["train_colbert"] = (rows := training[FINAL]) and trained(
        params, size, rows, params.colbert, params.colbert_epochs
    )
    for name in params.eval.sets:
        planned[f"eval_retrieval@{name}"] = (texts := evaluation_set(name, params)) and evaluation(params, size, texts)
    return planned


def trained(params: Params, size: Size, volume: Volume, block: Block, epochs: float) -> StagePlan:
    """A training stage, without the layer and the scores of its loss."""
    half = params.runtime.precision == "bf16"
    volume = volume.cut(block.max_length)
    batch_tokens: float = min(block.batch_size, volume.rows) * sum(volume.tokens)
    at_once, frozen = batch_tokens, (False, 0)
    if isinstance(block, StageParams):
        mini_batch = AUTO_MINI_BATCH if block.mini_batch_tokens == "auto" else block.mini_batch_tokens
        at_once, frozen = min(mini_batch, batch_tokens), (block.freeze_embeddings, block.freeze_layers)
    steps = max(1, round(math.ceil(volume.rows / block.batch_size) * epochs))
    tokens, length = epochs * volume.rows * sum(volume.tokens), mean_length(volume.tokens)
    flops = forward_flops(size, tokens, length), training_flops(size, tokens, length, *frozen)
    memory = state_bytes(size, *frozen, half), activation_bytes(size, *frozen, half)
    return StagePlan(volume, steps, tokens, *flops, *memory, batch_tokens, at_once)


def chain_stage(params: Params, size: Size, stage: Stage, volume: Volume) -> StagePlan:
    """A training stage of the recipe, with its scores and a gradient of them for each Matryoshka dimension."""
    block = params.block(stage)
    plan = trained(params, size, volume, block, block.epochs)
    scores = min(block.batch_size, volume.rows) ** 2 * (len(volume.tokens) - 1)
    return plan._replace(fixed=plan.fixed + FLOAT * scores * (len(block.dims) + 3))


def masked(params: Params, size: Size, text: Volume) -> StagePlan:
    """Masked language modelling; its vocabulary layer runs on the masked tokens alone."""
    block = params.base_model.mlm
    rows = math.ceil(text.rows * text.tokens[0] / block.max_length)
    plan = trained(params, size, Volume(rows, (block.max_length,), text.source), block, block.epochs)
    head = block.mask_probability * size.vocabulary
    head_flops = 6 * size.hidden * (head + block.mask_probability * size.hidden)
    head_bytes = 3 * FLOAT * head  # logits, their logarithms, their gradient
    return plan._replace(flops=plan.flops + plan.tokens * head_flops, of_token=plan.of_token + head_bytes)


def evaluation(params: Params, size: Size, volume: Volume) -> StagePlan:
    """Encoding an evaluation set once with each model of the chain and late interaction, for all dimensions."""
    texts = volume.cut(params.eval.max_length)
    tokens = (len(CHECKPOINTS) + 1) * texts.rows * sum(texts.tokens)
    flops = forward_flops(size, tokens, mean_length(texts.tokens))
    return StagePlan(texts, 0, tokens, flops, flops, fixed=FLOAT * size.parameters)


def training_set(params: Params, key: str) -> Volume | None:
    """The volume of `data.KEY`; None where nothing is known of it."""
    data, kind, prepared = getattr(params.data, key), KINDS[key], PREPARED / key
    if (prepared / FILE).is_file() and read_card(prepared)["name"] == data.name:
        rows = list(read_jsonl(prepared / "train.jsonl"))
        columns = [[row[name] for row in rows] for name in kind.texts if name in rows[0]]
        return Volume(len(rows), tuple(map(_tokens, columns)), "counted")
    invented = (16.0,) + (30.0,) * (len(kind.required) - 1)
    return _assumed(Path(data.path), getattr(params.synthesize, f"{key}_rows"), invented, data.max_rows)


def evaluation_set(name: str, params: Params) -> Volume | None:
    """Documents and queries of a set under its protocol, as one column. Else as `training_set`."""
    item, options = params.eval.sets[name], params.synthesize
    if (PREPARED / name / "corpus.jsonl").is_file():
        prepared = prepared_set(name, item)
        texts = [*prepared.documents, *prepared.queries]
        return Volume(len(texts), (_tokens(texts),), "counted")
    return _assumed(Path(item.path), options.documents + options.claims_dev + options.claims_test, (48.0,))


def _assumed(path: Path, rows: int, tokens: tuple[float, ...], max_rows: int | None = None) -> Volume | None:
    """A published set, or an invented one of so many rows and tokens."""
    known = KNOWN["sets"].get(path.name)
    if known:
        return Volume(min(known["rows"], max_rows or known["rows"]), tuple(known["tokens"]), "assumed")
    return Volume(rows, tokens, "assumed") if _SYNTHETIC in path.parents else None


def _tokens(texts: Sequence[str]) -> float:
    """Mean tokens of a text."""
    words = [len(text.split()) for text in texts[:: len(texts) // _SAMPLE + 1]]
    return round(sum(words) / len(words) * TOKENS_A_WORD + SPECIAL, 1)

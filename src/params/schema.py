"""What params.yaml may hold: types and ranges, one class per block.

The schema has no default values on purpose. So it can only refuse, never change a result, and stages need not
depend on it; a test holds to that.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from src.params.block import Block, Count, Flag, Key, Name, Number, Positive, Rate, Ratio
from src.recipe.stages import BLOCKS, Stage
from src.recipe.systems import TOPICS, is_own


class RuntimeParams(Block):
    threads: Annotated[int, Field(ge=1, le=1024, strict=True)]
    instruction_set: Literal["avx2", "native"]
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["fp32", "bf16"]
    deterministic: Flag
    offline: Flag


class SynthesizeParams(Block):
    into: Annotated[list[Literal["synthetic"]], Field(max_length=1)]
    seed: Count
    nli_rows: Positive
    sts_rows: Positive
    retrieval_rows: Positive
    text_rows: Positive
    held_out_rows: Positive
    known_words: Ratio
    documents: Positive
    claims_dev: Positive
    claims_test: Positive

    @model_validator(mode="after")
    def _every_claim_has_a_document(self) -> Self:
        claims = self.claims_dev + self.claims_test
        if self.documents < claims:
            raise ValueError(f"documents {self.documents} must be at least claims_dev + claims_test = {claims}")
        return self


class DatasetParams(Block):
    name: Name
    path: str
    files: list[str]
    max_rows: Positive | None
    dev_rows: Count


class DataParams(Block):
    text: DatasetParams
    nli: DatasetParams
    sts: DatasetParams
    retrieval: DatasetParams


class PrepareParams(Block):
    leakage: Literal["remove", "keep"]
    overlap: Annotated[Number, Field(gt=0.0, le=1.0)] | None
    max_words: Positive


class MlmParams(Block):
    epochs: Annotated[Number, Field(ge=0)]
    batch_size: Positive
    learning_rate: Rate
    warmup_ratio: Ratio
    mask_probability: Annotated[Number, Field(gt=0.0, lt=1.0)]
    max_length: Annotated[Positive, Field(ge=4)]


class BaseModelParams(Block):
    source: str
    revision: str | None
    pooling: Literal["cls", "mean"]
    prompts: Literal["none", "e5"] | None
    max_length: Annotated[int, Field(ge=4, le=8192, strict=True)]
    vocabulary: Literal["keep", "trim"]
    vocabulary_threshold: Positive
    vocab_size: Annotated[Positive, Field(ge=100)]
    hidden_size: Positive
    layers: Positive
    heads: Positive
    intermediate_size: Positive
    dropout: Annotated[Number, Field(ge=0.0, lt=1.0)] | None
    keep_layers: Annotated[list[Positive], Field(min_length=1)] | None
    initializer_range: Rate
    mlm: MlmParams

    @model_validator(mode="after")
    def _packages_are_pinned(self) -> Self:
        if "==" in self.source and not re.fullmatch(r"[0-9a-f]{64}", self.revision or ""):
            raise ValueError(f"revision: {self.source} needs the SHA-256 of its wheel, 64 hexadecimal digits")
        return self

    @model_validator(mode="after")
    def _published_encoders_alone(self) -> Self:
        if self.source == "scratch" and self.dropout is None:
            raise ValueError("dropout: an encoder from scratch declares none; give a rate")
        if self.source == "scratch" and self.keep_layers:
            raise ValueError("keep_layers is for a published encoder; an encoder from scratch has base_model.layers")
        if self.source == "scratch" and self.vocabulary == "trim":
            raise ValueError("vocabulary: trim is for a published encoder; one from scratch has base_model.vocab_size")
        if self.keep_layers and self.keep_layers != sorted(set(self.keep_layers)):
            raise ValueError(f"keep_layers {self.keep_layers} must ascend, each layer once")
        return self

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden_size % (2 * self.heads):
            raise ValueError(
                f"heads {self.heads} does not fit hidden_size {self.hidden_size}: it must be a multiple of 2 × heads"
            )
        return self


class StageParams(Block):
    loss: Literal["mnrl", "cosent"]
    dims: Annotated[list[Positive], Field(min_length=1)]
    dim_weights: list[Annotated[Number, Field(ge=0.0)]] | None
    batch_size: Annotated[Positive, Field(ge=2)]
    epochs: Annotated[Number, Field(ge=0)]
    learning_rate: Rate
    warmup_ratio: Ratio
    weight_decay: Annotated[Number, Field(ge=0.0)]
    schedule: Literal["linear", "cosine", "constant"]
    max_length: Annotated[int, Field(ge=4, le=8192, strict=True)]
    temperature: Annotated[Number, Field(gt=0.0)]
    symmetric: Flag
    false_negatives: Literal["keep", "mask"] | Annotated[Number, Field(ge=-1.0, le=1.0)]
    freeze_embeddings: Flag
    freeze_layers: Count
    frozen_cache: Literal["none", "fp16", "fp32"]
    mini_batch_tokens: Literal["auto"] | Positive
    checkpoint_steps: Positive
    dev_steps: Count

    @model_validator(mode="after")
    def _dims_agree(self) -> Self:
        if self.dims != sorted(set(self.dims), reverse=True):
            raise ValueError(f"dims {self.dims} must be descending without repeats, as [768, 512, 256]")
        if self.dim_weights is not None and len(self.dim_weights) != len(self.dims):
            raise ValueError(
                f"dim_weights has {len(self.dim_weights)} values for {len(self.dims)} dims; one each is expected"
            )
        return self

    @model_validator(mode="after")
    def _something_is_frozen(self) -> Self:
        if self.frozen_cache != "none" and not (self.freeze_embeddings and self.freeze_layers):
            raise ValueError("frozen_cache needs freeze_embeddings: true and freeze_layers: 1 or more")
        return self


class AntiForgettingParams(Block):
    replay_share: Annotated[Number, Field(ge=0.0, lt=1.0)]
    replay_sets: Annotated[list[Literal["nli", "sts"]], Field(min_length=1)]
    distillation_weight: Annotated[Number, Field(ge=0.0)]
    interpolation: Ratio


class TrainParams(StageParams):
    epochs: Annotated[Number, Field(gt=0)]
    hard_negatives: Flag
    hard_negative_margin: Annotated[Number, Field(ge=-1.0, le=1.0)]
    anti_forgetting: AntiForgettingParams


class LaunchParams(Block):
    processes: Positive
    compile: Flag


class ColbertParams(Block):
    start: Literal["base", "nli", "sts"]
    dim: Positive
    batch_size: Annotated[Positive, Field(ge=2)]
    epochs: Annotated[Number, Field(gt=0)] | None
    learning_rate: Rate
    warmup_ratio: Ratio
    max_length: Annotated[int, Field(ge=4, le=8192, strict=True)]


class EvalSetParams(Block):
    path: str
    protocol: Literal["full", "mteb", "tr-mteb"]
    title: Flag
    drop_self_hits: Flag


Backend = Literal["torch", "onnx_int8"]  # what runs a dense encoder in the evaluation


def _twice(names: list[str]) -> str | None:
    """The first name that stands there already, in whatever case: some file systems do not tell the case of names."""
    lowered = [name.lower() for name in names]
    return next((name for place, name in enumerate(names) if name.lower() in lowered[:place]), None)


class EvalParams(Block):
    path: str
    sets: Annotated[dict[Key, EvalSetParams], Field(min_length=1)]
    depth: Annotated[Positive, Field(ge=100)]
    batch_size: Positive
    backend: Backend
    max_length: Annotated[int, Field(ge=4, le=8192, strict=True)]
    dims: Annotated[list[Positive], Field(min_length=1)]
    published: list[Name]
    bootstrap_resamples: Annotated[Positive, Field(ge=100)]
    seed: Count

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        own = [name for name in self.published if is_own(name)]
        if own:
            file = f"params/models/{own[0]}.yaml"
            raise ValueError(f"published: {own[0]!r} is a row of the pipeline's own; rename {file}")
        for block, names in (("published", self.published), ("sets", list(self.sets))):
            if twice := _twice(names):
                raise ValueError(f"{block}: {twice!r} stands twice")
        taken = [name for name in self.sets if name.lower() in DataParams.model_fields]
        if taken:
            training = f"data.{taken[0].lower()}"
            raise ValueError(f"sets: {taken[0]!r} is the name of a training set ({training}); choose another")
        return self

    @model_validator(mode="after")
    def _sets_lie_in_path(self) -> Self:
        for name, item in self.sets.items():
            if not item.path.startswith(f"{self.path}/"):
                raise ValueError(f"sets.{name}.path {item.path!r} must lie in eval.path {self.path!r}")
        return self


class Params(Block):
    profile: Any
    seed: Count
    runtime: RuntimeParams
    synthesize: SynthesizeParams
    data: DataParams
    prepare: PrepareParams
    base_model: BaseModelParams
    nli: StageParams
    sts: StageParams
    train: TrainParams
    launch: LaunchParams
    colbert: ColbertParams
    eval: EvalParams

    def block(self, stage: Stage) -> StageParams:
        """The block of a training stage."""
        block: StageParams = getattr(self, stage.block)
        return block

    @property
    def colbert_epochs(self) -> float:
        """Epochs of the late-interaction baseline: the retrieval stage's, where it has no number of its own."""
        return self.train.epochs if self.colbert.epochs is None else self.colbert.epochs

    @field_validator("profile")
    @classmethod
    def _is_no_switch(cls, value: object) -> None:
        if value is not None:
            raise ValueError(f"{value!r} changes nothing here; type: dvc exp run $(python -m src.profile {value})")

    @model_validator(mode="after")
    def _sets_have_their_own_keys(self) -> Self:
        taken = [name for name in self.eval.sets if name in (self.data.sts.name, *TOPICS)]
        if taken:
            raise ValueError(f"eval.sets: {taken[0]!r} names another thing in reports/metrics.json too; rename the set")
        return self

    @model_validator(mode="after")
    def _dims_fit_the_model(self) -> Self:
        if self.base_model.source != "scratch":
            return self  # the size of a published model is known once it is loaded; base_model checks it then
        size = self.base_model.hidden_size
        for key in (*BLOCKS, "eval"):
            largest = getattr(self, key).dims[0]
            if largest > size:
                raise ValueError(f"{key}.dims {largest} is larger than base_model.hidden_size {size}")
        return self

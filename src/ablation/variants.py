"""A variant: a row of `variants` in ablations/params.yaml, laid over the recipe in params.yaml.

A row names what differs from the recipe and nothing else:

    path              the steps, in their order, such as [sts, nli, retrieval]; always there
    nli, sts, train   keys of these blocks with their values; `train.anti_forgetting` key by key
    matryoshka        false: the retrieval step trains the whole vector alone
    mix               {source: share} of the retrieval pairs, see src/ablation/mix.py
    interpolations    shares of the trained weights at which the result is measured too
    updates           optimizer steps of the retrieval step, whatever its batch, in place of epochs
    full_budget       true: the retrieval step has all rows and the recipe's epochs
    against           the variant that it is compared with, where that is not `reference`

Stage `resolve` writes each variant, with exactly those params that it uses, to data/variants/NAME.json. That file is
what the variant's own stage depends on: a changed key trains those variants anew that use it.
"""

from __future__ import annotations

from src.errors import UserError
from src.params import AblationParams, Params
from src.params.block import Settings
from src.params.schema import StageParams, TrainParams
from src.params.variant import Measuring, Variant
from src.recipe.stages import BASE, EARLIER, STAGES


def variant(name: str, params: Params, ablations: AblationParams, code: str) -> Variant:
    """The variant of a name.

    Raises:
        UserError: ablations have no such row.
    """
    if name not in ablations.variants:
        raise UserError(f"expected one variant of ablations/params.yaml: {', '.join(ablations.variants)}")
    row = ablations.variants[name]
    changes = {name: dict(row.get(stage.block, {})) for name, stage in STAGES.items()}
    blocks = {name: changed(params.block(stage), changes[name]) for name, stage in STAGES.items()}
    blocks["retrieval"] = retrieval_block(blocks["retrieval"], row, changes["retrieval"], ablations)
    path = tuple(row["path"])
    reused = common_start(path, [name for name in STAGES if changes[name]])
    return Variant(
        name=name,
        row=row,
        path=path,
        start=path[reused - 1] if reused else BASE,
        trained=path[reused:],
        blocks={step: blocks[step] for step in STAGES if step in (*path[reused:], *replayed(blocks["retrieval"]))},
        mix=dict(row.get("mix", {})),
        interpolations=tuple(row.get("interpolations", ())),
        rows=None if row.get("full_budget") else ablations.rows,
        updates=row.get("updates"),
        seeds=ablations.seeds or [params.seed],
        sample_seed=params.seed,
        runtime=params.runtime,
        compiled=params.launch.compile,
        measuring=measuring(params, ablations),
        sts_set=params.data.sts.name,
        code=code,
    )


def measuring(params: Params, ablations: AblationParams) -> Measuring:
    """How every variant is measured: as the chain is, on those sets that ablations name, else on all."""
    options = {key: getattr(params.eval, key) for key in Measuring.model_fields}
    if ablations.sets is not None:
        options["sets"] = {name: params.eval.sets[name] for name in ablations.sets}
    return Measuring(**options)


def changed(block: StageParams, changes: Settings) -> StageParams:
    """The block with the changes, checked as the block itself is; mappings in it are changed key by key."""
    values = block.model_dump()
    for key, value in changes.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    return type(block).model_validate(values)


def retrieval_block(block: StageParams, row: Settings, changes: Settings, ablations: AblationParams) -> StageParams:
    """The retrieval step's block with what variants share (epochs) and without Matryoshka where the row says so."""
    common: Settings = {}
    if ablations.epochs is not None and "epochs" not in changes and not row.get("full_budget"):
        common["epochs"] = ablations.epochs
    if not row.get("matryoshka", True):
        common |= {"dims": block.dims[:1], "dim_weights": None}
    return changed(block, common)


def replayed(block: StageParams) -> list[str]:
    """The earlier steps whose batches the retrieval step replays."""
    assert isinstance(block, TrainParams)
    return list(block.anti_forgetting.replay_sets) if block.anti_forgetting.replay_share else []


def common_start(path: tuple[str, ...], changed_steps: list[str]) -> int:
    """How many steps at the start of the path are the chain's own, unchanged. Retrieval is always trained anew."""
    own = [step == of_chain and step not in changed_steps for step, of_chain in zip(path, EARLIER, strict=False)]
    return [*own, False].index(False)

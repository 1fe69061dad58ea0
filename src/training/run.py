"""One step of the recipe from files to files: what `python -m src.stages train` and the ablations call."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError
from src.files import fingerprint, fresh_dir
from src.model.prompts import prompts_of, read_prompts

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from src.params.schema import RuntimeParams, StepParams
    from src.training.batches import BatchSource
    from src.training.dataset import Rows
    from src.training.rehearsal import MixedPlan, Rehearsed
    from src.training.remedies import Remedies
    from src.training.sampler import BatchPlan
    from src.training.speed import SpeedLog
    from src.training.trainer import EncoderTrainer


@dataclass(frozen=True)
class StepFiles:
    """Where a step reads and writes."""

    name: str  # of the step, for messages and the progress bar
    data: Path  # JSON lines
    model_in: Path  # sentence-transformers folders
    model_out: Path
    curve: Path  # CSV
    log: Path  # JSON lines: speed and memory, not for git
    whole: Path | None = None  # the set that `data` is a sample of; None: it is all there is


def train_step(
    files: StepFiles,
    step: StepParams,
    runtime: RuntimeParams,
    seed: int,
    remedies: Remedies | None = None,
    *,
    compiled: bool = False,
) -> None:
    """Train the model in `files.model_in` on `files.data`; write the trained model and its curve, whole or not at all.

    A run that was killed goes on from its last checkpoint when it is started again with the same inputs.
    `remedies` are the retrieval step's; None: none. `compiled`: through torch.compile.

    Raises:
        UserError: the data, the model and the params do not fit each other, or the loss is no number any more.
    """
    from src.model.encoder import save_encoder
    from src.training.dataset import read_rows
    from src.training.distributed import world
    from src.training.encoder import load_encoder
    from src.training.interpolation import interpolate

    rows = read_rows(files.data, step.loss, read_prompts(files.model_in), files.whole)
    check_batch(files.name, step, rows)
    trainer = build_trainer(files, step, runtime, seed, rows, remedies=remedies, compiled=compiled)
    trainer.fit()
    if world()[0] != 0:
        return
    if remedies is not None:
        interpolate(load_encoder(files.model_in), trainer.model.cpu(), remedies.params.interpolation)
    with fresh_dir(files.model_out) as folder:
        save_encoder(trainer.model, folder)
    trainer.record.write(files.curve)
    trainer.saved.remove()


def check_batch(name: str, step: StepParams, rows: Rows) -> None:
    """Refuse a batch that is larger than the data.

    Raises:
        UserError: one line that names the key, its value and what the data allow.
    """
    if step.batch_size > len(rows):
        raise UserError(
            f"{name}: batch_size {step.batch_size} is larger than the {len(rows)} rows of {rows.path}; lower it"
        )


def build_trainer(
    files: StepFiles,
    step: StepParams,
    runtime: RuntimeParams,
    seed: int,
    rows: Rows,
    *,
    remedies: Remedies | None = None,
    compiled: bool = False,
) -> EncoderTrainer:
    """Everything that a run needs, ready to `fit`."""
    from src.runtime import device as device_of
    from src.runtime import seed_everything, use_threads
    from src.training import remedies as kinds
    from src.training.checkpoints import Checkpoints
    from src.training.dev import best_on_dev
    from src.training.distributed import world
    from src.training.encoder import fit, load_encoder
    from src.training.record import Record
    from src.training.settings import arguments, objective
    from src.training.trainer import EncoderTrainer

    use_threads(runtime)
    model = load_encoder(files.model_in)
    fit(model, step, files.name)
    rows = rows if remedies is None else remedies.mined(rows, model, step, device_of(runtime), seed)
    rehearsed = [] if remedies is None else remedies.rehearsed(prompts_of(model))
    plan = batch_plan(step, rows, rehearsed, seed, remedies)
    settings = arguments(step, runtime, seed, plan.steps)
    device = settings.device  # joins the group of processes, where there is one
    use_device(device, runtime)
    seed_everything(seed)
    saved = Checkpoints(run_fingerprint(files, step, runtime, seed, remedies))
    speed = speed_log(files, model, device, fresh=saved.latest() is None)
    source = batch_source(step, rows, model, device)
    kept = None if remedies is None else remedies.kept(step)
    if kept is not None:
        kinds.hold_to(model, source, device)
    tell(files.name, step, source, plan.left_out(), speed)
    return EncoderTrainer(
        model,
        settings,
        objective=objective(step),
        source=kinds.mixed_source(source, rehearsed, model),
        plan=plan,
        record=Record(files.name, plan.steps, plan.steps_per_epoch, quiet=world()[0] != 0),
        speed=speed,
        saved=saved,
        rehearsed=[objective(item.step) for item in rehearsed],
        kept=kept,
        best=best_on_dev(files.data.with_name("dev.jsonl"), step, model, source.budget, speed.say),
        compiled=compiled,
    )


def batch_plan(
    step: StepParams, rows: Rows, rehearsed: list[Rehearsed], seed: int, remedies: Remedies | None
) -> BatchPlan | MixedPlan:
    """All batches of the run, with those of the rehearsed sets between them."""
    from src.training.remedies import mixed_plan
    from src.training.sampler import plan_of

    plan = plan_of(step, rows.same, seed)
    share = 0.0 if remedies is None else remedies.params.rehearsal_share
    mixed: BatchPlan | MixedPlan = mixed_plan(plan, len(rows), rehearsed, share=share, size=step.batch_size, seed=seed)
    return mixed


def use_device(device: torch.device, runtime: RuntimeParams) -> None:
    """Leave out what would make two runs on a GPU differ, where params ask for that."""
    import torch

    if device.type == "cuda" and runtime.deterministic:  # this attention kernel's gradient differs from run to run
        torch.backends.cuda.enable_mem_efficient_sdp(False)


def speed_log(files: StepFiles, model: SentenceTransformer, device: torch.device, fresh: bool) -> SpeedLog:
    """The log of the first process; the others keep none. `fresh`: no earlier run goes on, whose lines would count."""
    from src.training.distributed import world
    from src.training.speed import SpeedLog

    first = world()[0] == 0
    if first and fresh:
        files.log.unlink(missing_ok=True)
    return SpeedLog(files.log if first else None, model, device)


def batch_source(step: StepParams, rows: Rows, model: SentenceTransformer, device: torch.device) -> BatchSource:
    """The rows, tokenised, as batches cut by a budget of tokens."""
    from src.training.batches import BatchSource
    from src.training.dataset import tokenise
    from src.training.distributed import world
    from src.training.memory import AUTO_TOKENS

    tokens = tokenise(model.tokenizer, rows.texts, step.max_length, quiet=world()[0] != 0)
    budget = AUTO_TOKENS[device.type] if step.mini_batch_tokens == "auto" else step.mini_batch_tokens
    masked = step.loss == "mnrl" and step.false_negatives != "keep"
    return BatchSource(rows, tokens, budget, mask_relevant=masked)


def tell(name: str, step: StepParams, source: BatchSource, left_out: int, speed: SpeedLog) -> None:
    """Log what of the data training does not see; the first process says it too, in a line each."""
    from src.training.distributed import world

    texts, cut = len(source.rows.texts), len(source.tokens.cut)
    speed.say(rows=len(source.rows), texts=texts, texts_cut=cut, rows_left_out=left_out)
    if world()[0] != 0:
        return
    if cut:
        print(
            f"{name}: {cut} of {texts} texts are longer than max_length {step.max_length} and are cut: "
            + ", ".join(cut_by_column(source)),
            file=sys.stderr,
        )
    if left_out > 1:
        print(
            f"{name}: {left_out} rows sit out each epoch, since their texts stand in every batch; "
            "a smaller batch_size or false_negatives: mask takes them in",
            file=sys.stderr,
        )


def cut_by_column(source: BatchSource) -> list[str]:
    """`anchor 0 of 2,000`: how many of the different texts of each column are cut."""
    import numpy as np

    texts = [np.unique(column) for column in source.rows.ids.T]
    cut = [np.isin(numbers, source.tokens.cut).sum() for numbers in texts]
    named = zip(source.rows.columns, cut, texts, strict=True)
    return [f"{column} {count:,} of {len(numbers):,}" for column, count, numbers in named]


def run_fingerprint(
    files: StepFiles, step: StepParams, runtime: RuntimeParams, seed: int, remedies: Remedies | None = None
) -> str:
    """What a checkpoint belongs to: params, data, the model before, this package's code and the libraries."""
    from src.training.distributed import world

    settings = {
        "step": step.model_dump(mode="json", exclude={"checkpoint_steps"}),
        "runtime": runtime.model_dump(mode="json", exclude={"offline"}),
        "rehearsed": {} if remedies is None else remedies.settings(),
        "seed": seed,
        "processes": world()[1],
        "versions": [version(name) for name in ("torch", "transformers", "sentence-transformers", "accelerate")],
    }
    further = [] if remedies is None else remedies.files()
    further += [files.whole] if files.whole else []
    return fingerprint(settings, [files.data, files.model_in, *further, Path(__file__).parent])

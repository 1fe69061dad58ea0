"""One stage of the recipe from files to files: what `python -m src.stages train` and the ablations call."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from transformers import set_seed

from src.errors import UserError
from src.files import fingerprint, fresh_dir
from src.model.encoder import save_encoder
from src.model.prompts import read_prompts
from src.params.schema import AntiForgettingParams, RuntimeParams, StageParams, TrainParams
from src.runtime import device as device_of
from src.runtime import use_threads
from src.training.checkpoints import Checkpoints
from src.training.dataset import read_rows, tokenise
from src.training.dev import best_on_dev
from src.training.distillation import SimilarityDistillation, teacher_embeddings
from src.training.distributed import process_device, world
from src.training.encoder import compiled_layers, freeze, interpolate, load_encoder
from src.training.first_token import first_token_only
from src.training.frozen import FrozenOutputs
from src.training.losses import loss_of
from src.training.matryoshka import Matryoshka
from src.training.memory import AUTO_TOKENS
from src.training.mining import with_hard_negatives
from src.training.record import write_curve
from src.training.speed import SpeedLog
from src.training.tasks import RunPlan, Task, TaskBatches, read_task, report_unseen
from src.training.trainer import EncoderTrainer, arguments

_NONE = AntiForgettingParams(replay_share=0.0, replay_sets=["sts"], distillation_weight=0.0, interpolation=1.0)
Earlier = Mapping[str, tuple[Path, StageParams]]
"""Training rows and params of the stages whose data may be replayed, by name."""


@dataclass(frozen=True)
class StageFiles:
    """Where a stage reads and writes."""

    name: str  # of the stage, for messages and the progress bar
    data: Path  # JSON lines
    model_in: Path  # sentence-transformers folders
    model_out: Path
    curve: Path  # CSV
    log: Path  # JSON lines: speed and memory, not for git
    whole: Path | None = None  # the set that `data` is a sample of; None: it is all there is


def prepare(
    files: StageFiles, stage: StageParams, runtime: RuntimeParams, seed: int, earlier: Earlier | None = None
) -> EncoderTrainer:
    """Everything that a run needs, ready to `fit`. Arguments and errors as for `train_stage`."""
    kept = anti_forgetting(stage)
    replayed = [(earlier or {})[name] for name in kept.replay_sets] if kept.replay_share else []

    # 1. The rows, and the model that is trained on them.
    use_threads(runtime)
    loss = loss_of(stage)
    rows = read_rows(files.data, loss.columns, read_prompts(files.model_in), files.whole)
    if stage.batch_size > len(rows):
        fault = f"batch_size {stage.batch_size} is larger than the {len(rows)} rows of {rows.path}; lower it"
        raise UserError(f"{files.name}: {fault}")
    model = load_encoder(files.model_in)
    freeze(model, stage, files.name)

    # 2. Hard negatives, mined by the model as it stands.
    if isinstance(stage, TrainParams) and stage.hard_negatives:
        model.to(process_device(device_of(runtime)))
        rows = with_hard_negatives(rows, model, stage.hard_negative_margin, stage.max_length, seed)

    # 3. All batches, fixed by the seed; how many there are decides the learning rate's schedule.
    plan = loss.plan(rows.same, stage.batch_size, stage.epochs, seed)
    settings = arguments(stage, runtime, seed, plan.steps)
    device = settings.device  # joins the group of processes, where there is one
    if device.type == "cuda" and runtime.deterministic:  # this attention kernel's gradient differs from run to run
        torch.backends.cuda.enable_mem_efficient_sdp(False)
    set_seed(seed)

    # 4. Checkpoints of an earlier start; the first process's log, kept where a run goes on; outputs of frozen layers.
    saved = Checkpoints(run_fingerprint(files, stage, runtime, seed, replayed))
    first = world()[0] == 0
    if first and saved.latest() is None:
        files.log.unlink(missing_ok=True)
    speed = SpeedLog(files.log if first else None, model, device)
    frozen = FrozenOutputs(files.name, stage, runtime, model.to(device), weights=files.model_in, log=speed.write)

    # 5. The tasks: the stage's own rows, then those of earlier stages that are replayed.
    tokens = tokenise(model.tokenizer, rows.texts, stage.max_length, quiet=not first)
    own = Task(rows, tokens, loss, plan)
    tasks = [own, *(read_task(path, block, model, stage.batch_size, seed) for path, block in replayed)]
    run = RunPlan(tasks, kept.replay_share)
    for task, epochs in zip(tasks, run.epochs(), strict=True):
        frozen.attach(task, epochs)
    budget = AUTO_TOKENS[device.type] if stage.mini_batch_tokens == "auto" else stage.mini_batch_tokens
    batches = TaskBatches(tasks, budget)
    report_unseen(files.name, stage, own, speed.write)

    # 6. Similarity distillation, whose teacher is the model as it stands, and the dev split.
    if kept.distillation_weight:
        own.teacher = teacher_embeddings(model, own.tokens, budget, device)
        own.terms.append(SimilarityDistillation(Matryoshka.of(stage.dims, stage.dim_weights), kept.distillation_weight))
    dev = files.data.with_name("dev.jsonl")
    best = best_on_dev(dev, stage, model, budget=budget, steps=plan.steps, frozen=frozen)
    return EncoderTrainer(model, settings, files.name, batches, run, speed=speed, saved=saved, best=best)


def train_stage(
    files: StageFiles,
    stage: StageParams,
    runtime: RuntimeParams,
    seed: int,
    earlier: Earlier | None = None,
    *,
    compiled: bool = False,
) -> None:
    """Train the model in `files.model_in` on `files.data`; write the trained model and its curve, whole or not at all.

    A run that was killed goes on from its last checkpoint when it is started again with the same inputs.
    `compiled`: through torch.compile.

    Raises:
        UserError: the data, the model and the params do not fit each other, or the loss is no number any more.
    """
    if not stage.epochs:
        leave_untrained(files)
        return
    trainer = prepare(files, stage, runtime, seed, earlier)

    # 7. Train to the end; the first process writes what came of it.
    with first_token_only(trainer.model), compiled_layers(trainer.model, compiled):
        trainer.fit()
    if world()[0] != 0:
        return

    # 8. Weight interpolation with the model that training started from.
    if (share := anti_forgetting(stage).interpolation) < 1.0:
        interpolate(load_encoder(files.model_in), trainer.model.cpu(), share)

    # 9. The model and its curve.
    with fresh_dir(files.model_out) as folder:
        save_encoder(trainer.model, folder)
    write_curve(files.curve, trainer.record.points, trainer.best.measured)
    trainer.saved.remove()


def anti_forgetting(stage: StageParams) -> AntiForgettingParams:
    """What the stage adds to the paper's recipe against forgetting."""
    return stage.anti_forgetting if isinstance(stage, TrainParams) else _NONE


def leave_untrained(files: StageFiles) -> None:
    """The model goes on as it is, and its curve has no point: a stage of no epochs."""
    if world()[0] != 0:
        return
    print(f"{files.name}: epochs is 0, so {files.model_out} is {files.model_in}")
    with fresh_dir(files.model_out) as folder:
        shutil.copytree(files.model_in, folder, dirs_exist_ok=True)
    write_curve(files.curve, [])
    files.log.unlink(missing_ok=True)  # of a training that there was before


def run_fingerprint(
    files: StageFiles, stage: StageParams, runtime: RuntimeParams, seed: int, replayed: list[tuple[Path, StageParams]]
) -> str:
    """What a checkpoint belongs to: params, data, the model before, this package's code and the libraries."""
    settings = {
        "stage": stage.model_dump(mode="json", exclude={"checkpoint_steps"}),
        "runtime": runtime.model_dump(mode="json", exclude={"offline"}),
        "replayed": [block.model_dump(mode="json") for _, block in replayed],
        "seed": seed,
        "processes": world()[1],
        "versions": [version(name) for name in ("torch", "transformers", "sentence-transformers", "accelerate")],
    }
    inputs = [files.data, files.model_in, *(path for path, _ in replayed), *([files.whole] if files.whole else [])]
    return fingerprint(settings, [*inputs, Path(__file__).parent])

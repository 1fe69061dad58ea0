"""`python -m src.plan [mini|paper|files|small|e5]`: what a run will cost, without a GPU and without the Hub."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from tabulate import tabulate

from src.errors import run_command
from src.params import load_params
from src.plan.cost import FLOAT, KNOWN, encoder_size
from src.plan.stages import Planner, StagePlan
from src.plan.volume import Volume, evaluation_set, training_set
from src.profile import profile_params
from src.recipe.stages import CHECKPOINTS, FINAL, STAGES

GIB = 1024**3
GPUS = KNOWN["gpus"]
# A 768-wide encoder reaches 40 % of a GPU's peak in training, a smaller one less; a step takes at least 0.05 s.
UTILISATION, FULL_WIDTH, STEP_SECONDS = 0.4, 768, 0.05
CPU, CPU_SPEED = "2 CPU cores", 116e9  # FLOP/s: reports/bench/gte_step.json


def main(arguments: list[str]) -> None:
    """Print the plan of the profile named on the command line, or of params.yaml."""
    params = profile_params(arguments[0]) if arguments else load_params()
    size = encoder_size(params.base_model)
    keys = STAGES if params.base_model.source != "scratch" or not params.base_model.mlm.epochs else ("text", *STAGES)
    volumes = {key: training_set(params, key) for key in keys}
    evaluated = {name: evaluation_set(name, params) for name in params.eval.sets}
    planner = Planner(params, size)
    planned = stages(planner, volumes, evaluated)
    print(
        f"Plan of {arguments[0] if arguments else 'params.yaml'}: {params.base_model.source}, "
        f"{size.parameters / 1e6:.1f} M parameters ({size.embedding_parameters / 1e6:.1f} M of them embeddings), "
        f"{params.runtime.precision}\n\n{work(planned, planner)}\n\n{disk(planned, planner, volumes.values())}"
    )
    unknown = [f"prepare@{key}" for key in volumes if volumes[key] is None]
    unknown += [f"prepare_eval@{name}" for name in evaluated if evaluated[name] is None]
    if unknown:
        print(f"note: nothing is known of what these stages will prepare; run them first: {', '.join(unknown)}")
    if params.base_model.vocabulary == "trim":
        print("note: counted with the whole vocabulary: base_model finds which pieces stay")


def stages(
    planner: Planner, training: dict[str, Volume | None], evaluated: dict[str, Volume | None]
) -> list[StagePlan]:
    """The stages whose data are known."""
    planned = [planner.mlm(text)] if (text := training.get("text")) else []
    trained = [stage for stage in STAGES.values() if planner.params.block(stage).epochs]
    planned += [planner.chain_stage(stage, volume) for stage in trained if (volume := training[stage.name])]
    planned += [planner.colbert(retrieval)] if (retrieval := training[FINAL]) else []
    return planned + [planner.evaluation(name, volume) for name, volume in evaluated.items() if volume]


def work(planned: list[StagePlan], planner: Planner) -> str:
    """Rows, steps, tokens, memory of a step and hours of each stage."""
    header = ("stage", "rows", "steps", "M tokens", "GiB, whole", "at least", f"hours: {CPU}", *GPUS, "data")
    lines, totals = [], np.zeros(1 + len(GPUS))
    for stage in planned:
        memory = [f"{stage.memory(tokens) / GIB:.2f}" for tokens in (stage.batch_tokens, stage.at_once)]
        counts = f"{stage.volume.rows:,}", f"{stage.steps:,}" if stage.steps else "–", f"{stage.tokens / 1e6:.1f}"
        times = [stage.flops / CPU_SPEED / 3600, *(hours(stage, gpu, planner) for gpu in GPUS)]
        lines.append((stage.name, *counts, *memory, *map(_time, times), stage.volume.source))
        totals += times
    lines.append(("together", *[""] * 5, *map(_time, totals), ""))
    alignment = ("left", *["right"] * (len(header) - 1))
    return tabulate(lines, header, "plain", disable_numparse=True, colalign=alignment) + (
        "\nGiB: of one optimizer step, with the graph of the whole batch or of one mini-batch at a time. "
        f"Hours: {CPU} at {CPU_SPEED / 1e9:.0f} GFLOP/s, GPUs at {UTILISATION:.0%} of their peak or less. "
        "No room: lower mini_batch_tokens, which changes no result, or the batch; or set runtime.precision: bf16."
    )


def room(gpu: str) -> float:
    """Usable bytes of a GPU: context and allocator take 1.5 GiB and 5 %."""
    return float((0.95 * GPUS[gpu]["memory"] - 1.5) * GIB)


def hours(stage: StagePlan, gpu: str, planner: Planner) -> float:
    """Expected hours, the second forward of what is not kept included; infinite where a mini-batch does not fit."""
    if stage.memory(stage.at_once) > room(gpu):
        return math.inf
    peak = GPUS[gpu][planner.params.runtime.precision] * UTILISATION * min(1.0, planner.size.hidden / FULL_WIDTH)
    again = (1.0 - stage.kept_share(room(gpu))) * stage.forward
    return max(float(stage.flops + again) / peak, stage.steps * STEP_SECONDS) / 3600


def _time(value: float) -> str:
    return "no room" if value == math.inf else "<0.01" if value < 0.01 else f"{value:,.2f}"


def disk(planned: list[StagePlan], planner: Planner, volumes: Iterable[Volume | None]) -> str:
    """Models and DVC's copy of them, the Hub's cache, a checkpoint, the data and outputs of frozen layers, in GiB."""
    params, folder = planner.params, FLOAT * planner.size.parameters
    parts = {
        "models/ and DVC's cache of them": 2 * (len(CHECKPOINTS) + 1) * folder,
        "downloads": (len(params.eval.published) + (params.base_model.source != "scratch")) * folder,
        "a checkpoint": 3 * folder,
        "data, raw and prepared": 10 * sum(volume.rows * sum(volume.tokens) for volume in volumes if volume),
        "outputs of frozen layers": sum(stage.disk for stage in planned),
    }
    sizes = ", ".join(f"{name} {count / GIB:.2f}" for name, count in parts.items() if count)
    return f"Disk: {sum(parts.values()) / GIB:.2f} GiB ({sizes})."


if __name__ == "__main__":
    run_command(main, "[PROFILE]", "paper")

"""`python -m src.plan [mini|paper|files|small|e5]`: what a run will cost, without a GPU and without the Hub."""

from __future__ import annotations

import math

import numpy as np
from tabulate import tabulate

from src.errors import run_command
from src.params import Params, load_params
from src.plan.cost import FLOAT, KNOWN, Size, encoder_size
from src.plan.stages import StagePlan, stages
from src.profile import profile_params
from src.recipe.stages import CHECKPOINTS, STAGES

GIB = 1024**3
GPUS = KNOWN["gpus"]
# A 768-wide encoder reaches 40 % of a GPU's peak in training, a smaller one less; a step takes at least 0.05 s.
UTILISATION, FULL_WIDTH, STEP_SECONDS = 0.4, 768, 0.05
CPU, CPU_SPEED = "2 CPU cores", 116e9  # FLOP/s: reports/bench/gte_step.json


def main(arguments: list[str]) -> None:
    """Print the plan of the profile named on the command line, or of params.yaml."""
    params = profile_params(arguments[0]) if arguments else load_params()
    size = encoder_size(params.base_model)
    planned = stages(params, size)
    known = {name: stage for name, stage in planned.items() if stage}
    print(
        f"Plan of {arguments[0] if arguments else 'params.yaml'}: {params.base_model.source}, "
        f"{size.parameters / 1e6:.1f} M parameters ({size.embedding_parameters / 1e6:.1f} M of them embeddings), "
        f"{params.runtime.precision}\n\n{work(known, params, size)}\n\n{disk(known, params, size)}"
    )
    if unknown := planned.keys() - known.keys():
        print(f"note: nothing is known of the data of these; run `prepare` first: {', '.join(sorted(unknown))}")
    if params.base_model.vocabulary == "trim":
        print("note: counted with the whole vocabulary: base_model finds which pieces stay")


def work(planned: dict[str, StagePlan], params: Params, size: Size) -> str:
    """Rows, steps, tokens, memory of a step and hours of each stage."""
    header = ("stage", "rows", "steps", "M tokens", "GiB, whole", "at least", f"hours: {CPU}", *GPUS, "data")
    speeds = {name: gpu[params.runtime.precision] * UTILISATION for name, gpu in GPUS.items()}
    lines, totals = [], np.zeros(1 + len(GPUS))
    for name, stage in planned.items():
        memory = [f"{stage.memory(tokens) / GIB:.2f}" for tokens in (stage.batch_tokens, stage.at_once)]
        counts = f"{stage.volume.rows:,}", f"{stage.steps:,}" if stage.steps else "–", f"{stage.tokens / 1e6:.1f}"
        narrow = min(1.0, size.hidden / FULL_WIDTH)
        times = [stage.flops / CPU_SPEED / 3600, *(hours(stage, gpu, speeds[gpu] * narrow) for gpu in GPUS)]
        lines.append((name, *counts, *memory, *map(_time, times), stage.volume.source))
        totals += times
    lines.append(("together", *[""] * 5, *map(_time, totals), ""))
    alignment = ("left", *["right"] * (len(header) - 1))
    return tabulate(lines, header, "plain", disable_numparse=True, colalign=alignment) + (
        "\nGiB: of one optimizer step, with the graph of the whole batch or of one mini-batch at a time. "
        f"Hours: {CPU} at {CPU_SPEED / 1e9:.0f} GFLOP/s, GPUs at {UTILISATION:.0%} of their peak or less. "
        "No room: lower mini_batch_tokens, which changes no result, or the batch; or set runtime.precision: bf16."
    )


def hours(stage: StagePlan, gpu: str, speed: float) -> float:
    """Expected hours at so many FLOP/s: a batch that does not fit is encoded twice; infinite for such a mini-batch."""
    room = (0.95 * GPUS[gpu]["memory"] - 1.5) * GIB  # context and allocator take 1.5 GiB and 5 %
    if stage.memory(stage.at_once) > room:
        return math.inf
    twice = stage.forward if stage.memory(stage.batch_tokens) > room else 0.0
    return max((stage.flops + twice) / speed, stage.steps * STEP_SECONDS) / 3600


def _time(value: float) -> str:
    return "no room" if value == math.inf else "<0.01" if value < 0.01 else f"{value:,.2f}"


def disk(planned: dict[str, StagePlan], params: Params, size: Size) -> str:
    """Models and DVC's copy of them, the Hub's cache, a checkpoint and the data, in GiB."""
    folder = FLOAT * size.parameters
    volumes = [planned[name].volume for name in ("base_model", *(f"train_{key}" for key in STAGES)) if name in planned]
    parts = {
        "models/ and DVC's cache of them": 2 * (len(CHECKPOINTS) + 1) * folder,
        "downloads": (len(params.eval.published) + (params.base_model.source != "scratch")) * folder,
        "a checkpoint": 3 * folder,
        "data, raw and prepared": 10 * sum(volume.rows * sum(volume.tokens) for volume in volumes),
    }
    sizes = ", ".join(f"{name} {count / GIB:.2f}" for name, count in parts.items() if count)
    return f"Disk: {sum(parts.values()) / GIB:.2f} GiB ({sizes})."


if __name__ == "__main__":
    run_command(main, "[PROFILE]", "paper")

"""`python -m src.plan [mini|paper|files|small|e5]`: what a run will cost, without a GPU and without the Hub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from src.errors import run_command
from src.params import Params, load_params
from src.plan.cost import FLOAT, Size, encoder_size
from src.plan.stages import StagePlan, chain_stage, colbert, evaluation, mlm
from src.plan.volume import Volume, evaluation_set, training_set
from src.profile import profile_params
from src.recipe.stages import CHECKPOINTS, FINAL, STAGES

GIB = 1024**3
# Peaks of dense bf16 and float32 products in FLOP/s and memory, from data sheets. A 768-wide encoder reaches 40 % of a
# GPU's peak in training, a smaller one less; a step takes at least 0.05 s; context and allocator take 1.5 GiB and 5 %.
GPUS = {"L4": (121e12, 30e12, 24), "A100 40GB": (312e12, 19.5e12, 40), "H100": (989e12, 67e12, 80)}
UTILISATION, FULL_WIDTH, STEP_SECONDS = 0.4, 768, 0.05
CPU, CPU_SPEED = "2 CPU cores", 116e9  # reports/bench/gte_step.json


def main(arguments: list[str]) -> None:
    """Print the plan of the profile named on the command line, or of params.yaml."""
    params = profile_params(arguments[0]) if arguments else load_params()
    size = encoder_size(params.base_model)
    keys = STAGES if params.base_model.source != "scratch" or not params.base_model.mlm.epochs else ("text", *STAGES)
    volumes = {key: training_set(params, key) for key in keys}
    planned, notes = stages(params, size, volumes)
    print(
        f"Plan of {arguments[0] if arguments else 'params.yaml'}: {params.base_model.source}, "
        f"{size.parameters / 1e6:.1f} M parameters ({size.embedding_parameters / 1e6:.1f} M of them embeddings), "
        f"{params.runtime.precision}\n\n{work(planned)}\n{disk(params, size, volumes.values(), planned)}"
    )
    for note in [*notes, *hints(planned)]:
        print(f"note: {note}")


def stages(params: Params, size: Size, volumes: dict[str, Volume | None]) -> tuple[list[StagePlan], list[str]]:
    """The stages whose data are known, and notes on those whose data are not or are estimated."""
    unknown = "nothing is known about {}; put the data there"
    notes = [f"data.{key}: {unknown.format(getattr(params.data, key).path)}" for key in volumes if volumes[key] is None]
    planned: list[StagePlan] = []
    if text := volumes.get("text"):
        planned.append(mlm(text, size, params))
        notes.append("base_model: steps follow from tokens, which are estimated until its tokenizer is trained")
    planned += [chain_stage(STAGES[key], volume, size, params) for key in STAGES if (volume := volumes[key])]
    if retrieval := volumes[FINAL]:
        planned.append(colbert(retrieval, size, params))
    for name, item in params.eval.sets.items():
        counted = evaluation_set(item, params)
        if counted is None:
            notes.append(f"eval_retrieval@{name}: {unknown.format(item.path)}")
        else:
            planned.append(evaluation(name, counted, size, params))
    if params.base_model.vocabulary == "trim":
        notes.append("counted with the whole vocabulary: base_model finds which pieces stay")
    return planned, notes


def work(planned: list[StagePlan]) -> str:
    """Rows, steps, tokens, memory of a step and hours of each stage."""
    lines = [("stage", "rows", "steps", "M tokens", "GiB, whole", "at least", f"hours: {CPU}", *GPUS, "data")]
    for stage in planned:
        memory = [f"{stage.memory(tokens) / GIB:.2f}" for tokens in (stage.batch_tokens, stage.least_tokens)]
        times = [_time(stage.flops / CPU_SPEED / 3600), *(_time(hours(stage, gpu)) for gpu in GPUS)]
        counts = f"{stage.volume.rows:,}", f"{stage.steps:,}" if stage.steps else "–", f"{stage.tokens / 1e6:.1f}"
        lines.append((stage.name, *counts, *memory, *times, stage.volume.source))
    totals = [sum(stage.flops for stage in planned) / CPU_SPEED / 3600]
    totals += [sum(hours(stage, gpu) for stage in planned) for gpu in GPUS]
    lines.append(("together", *[""] * 5, *map(_time, totals), ""))
    return table(lines) + (
        "GiB: of one optimizer step, with the graph of the whole batch or of one mini-batch at a time. "
        f"Hours: {CPU} at {CPU_SPEED / 1e9:.0f} GFLOP/s, GPUs at {UTILISATION:.0%} of their peak or less.\n"
    )


def room(gpu: str) -> float:
    """Usable bytes of a GPU."""
    return (0.95 * GPUS[gpu][2] - 1.5) * GIB


def hours(stage: StagePlan, gpu: str) -> float:
    """Expected hours, the second forward of what is not kept included; infinite where a mini-batch does not fit."""
    if stage.memory(stage.least_tokens) > room(gpu):
        return float("inf")
    peak = GPUS[gpu][0 if stage.half else 1] * UTILISATION * min(1.0, stage.size.hidden / FULL_WIDTH)
    again = (1.0 - stage.kept_share(room(gpu))) * stage.forward
    return max((stage.flops + again) / peak, stage.steps * STEP_SECONDS) / 3600


def hints(planned: list[StagePlan]) -> Iterable[str]:
    """What to lower where a stage does not fit into a GPU."""
    for stage in planned:
        for gpu in [name for name in GPUS if hours(stage, name) == float("inf")][:1]:
            tokens = int(stage.kept_share(room(gpu)) * stage.batch_tokens) // 256 * 256
            lower = f"{stage.lower}, so that {tokens} tokens are encoded at once" if tokens > 0 else "freeze_layers up"
            yield f"{stage.name} does not fit {gpu}: {lower}; or runtime.precision: bf16"


def _time(value: float) -> str:
    return "no room" if value == float("inf") else "<0.01" if value < 0.01 else f"{value:,.2f}"


def disk(params: Params, size: Size, volumes: Iterable[Volume | None], planned: list[StagePlan]) -> str:
    """Models and DVC's copy of them, the Hub's cache, a checkpoint, the data and outputs of frozen layers, in GiB."""
    folder = FLOAT * size.parameters
    parts = {
        "models/ and DVC's cache of them": 2 * (len(CHECKPOINTS) + 1) * folder,
        "downloads": (len(params.eval.published) + (params.base_model.source != "scratch")) * folder,
        "a checkpoint": 3 * folder,
        "data, raw and prepared": 10 * sum(volume.rows * sum(volume.tokens) for volume in volumes if volume),
        "outputs of frozen layers": sum(stage.disk for stage in planned),
    }
    said = ", ".join(f"{name} {count / GIB:.2f}" for name, count in parts.items() if count)
    return f"Disk: {sum(parts.values()) / GIB:.2f} GiB ({said}).\n"


def table(lines: Sequence[tuple[str, ...]]) -> str:
    """Columns under each other, the first left, the others right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = (
        [line[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)]
        for line in lines
    )
    return "\n".join("  ".join(row).rstrip() for row in rows) + "\n"


if __name__ == "__main__":
    run_command(main, "[PROFILE]", "paper")

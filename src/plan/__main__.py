"""`python -m src.plan [mini|paper|files|small]`: what a run will cost, without a GPU and without the Hub."""

from __future__ import annotations

from collections.abc import Sequence

from src.errors import run_command
from src.params import Params, load_params
from src.params.load import validate
from src.plan.cost import GIB, Size
from src.plan.devices import (
    CPU_SPEED,
    GPUS,
    STEP_SECONDS,
    Device,
    advice,
    fits,
    kept_share,
    measured_speeds,
    minutes,
    share_of_peak,
    speed,
)
from src.plan.encoders import encoder_size
from src.plan.stages import StagePlan, stages
from src.profile import complete


def main(arguments: list[str]) -> None:
    """Print the plan of the profile named on the command line, or of params.yaml."""
    name = arguments[0] if arguments else "params.yaml"
    params = profile_params(name) if arguments else load_params()
    size = encoder_size(params.base_model)
    planned, notes = stages(params, size)
    if params.base_model.vocabulary == "trim":
        notes.append("counted with the whole vocabulary: base_model finds which pieces stay")
    print(report(name, params, size, planned, notes))


def profile_params(name: str) -> Params:
    """params.yaml under a profile."""
    return validate(complete(name)["params.yaml"], f"params/{name}.yaml")


def report(name: str, params: Params, size: Size, planned: list[StagePlan], notes: list[str]) -> str:
    """The plan as text."""
    embeddings = size.embedding_parameters
    half = params.runtime.precision == "bf16"
    head = (
        f"Plan of {name}: {params.base_model.source}, {size.parameters / 1e6:.1f} M parameters "
        f"({embeddings / 1e6:.1f} M of them embeddings), {params.runtime.precision}\n"
    )
    tables = work_table(planned), memory_table(planned), device_table(planned, size, half), disk(params, size, planned)
    return "\n".join([head, *tables, *(f"note: {note}" for note in notes)])


def work_table(planned: list[StagePlan]) -> str:
    """Rows, steps, tokens and arithmetic of each stage."""
    lines = [("stage", "rows", "steps", "M tokens", "PFLOP", "data")]
    for stage in planned:
        figures = f"{stage.rows:,}", f"{stage.steps:,}" if stage.steps else "–", f"{stage.tokens / 1e6:.1f}"
        lines.append((stage.name, *figures, f"{stage.flops / 1e15:.3g}", stage.source))
    return table(lines)


def memory_table(planned: list[StagePlan]) -> str:
    """Memory of one optimizer step of each training stage."""
    lines: list[tuple[str, ...]] = [
        ("GiB of memory in a step", "tokens", "weights+AdamW+loss", "graph of all", "graph of a mini-batch")
    ]
    for stage in planned:
        if stage.batch_tokens:
            whole, least = stage.batch_tokens, min(stage.mini_batch, stage.batch_tokens)
            sizes = (gib(part) for part in (stage.fixed_bytes, stage.token_bytes * whole, stage.token_bytes * least))
            lines.append((stage.name, f"{whole:,.0f}", *sizes))
    return table(lines)


def device_table(planned: list[StagePlan], size: Size, half: bool) -> str:
    """Minutes of each stage on some GPUs, and of all on the machines that benchmark records are from."""
    measured = measured_speeds()
    speeds = [speed(gpu, size, half, measured) for gpu in GPUS]
    lines: list[tuple[str, ...]] = [("minutes", *(gpu.name for gpu in GPUS))]
    for stage in planned:
        lines.append((stage.name, *(_cell(stage, gpu, found) for gpu, found in zip(GPUS, speeds, strict=True))))
    lines.append(("together", *(_together(planned, gpu, found) for gpu, found in zip(GPUS, speeds, strict=True))))
    text = table(lines) + assumptions(size, half)
    work = sum(stage.flops + stage.again for stage in planned)
    for machine, found in (measured or {"two CPU cores (assumed)": CPU_SPEED}).items():
        text += f"At {found / 1e9:.0f} GFLOP/s, as on {machine}: {_duration(work / found / 60)}.\n"
    for stage in planned:
        small = [gpu for gpu in GPUS if not fits(stage, gpu.memory)]
        if small:
            text += f"{stage.name} does not fit {', '.join(g.name for g in small)}: {advice(stage, small[0].memory)}.\n"
    return text


def assumptions(size: Size, half: bool) -> str:
    """What the minutes rest on."""
    return (
        f"Assumed: {share_of_peak(size):.0%} of a GPU's {'bf16' if half else 'float32'} peak, unless reports/bench has "
        f"a record of it; at least {STEP_SECONDS} s a step.\n"
        "* a part of each batch is encoded twice, since its graph does not fit.\n"
    )


def _together(planned: list[StagePlan], gpu: Device, flops_per_s: float) -> str:
    if not all(fits(stage, gpu.memory) for stage in planned):
        return "no room"
    return _time(sum(minutes(stage, gpu, flops_per_s) for stage in planned))


def _cell(stage: StagePlan, gpu: Device, flops_per_s: float) -> str:
    if not fits(stage, gpu.memory):
        return "no room"
    star = "*" if kept_share(stage, gpu.memory) < 1 and stage.again else ""
    return _time(minutes(stage, gpu, flops_per_s)) + star


def _time(value: float) -> str:
    return "<0.1" if value < 0.1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def _duration(value: float) -> str:
    """Minutes as minutes, hours or days."""
    if value < 120:
        return f"{_time(value)} minutes"
    return f"{value / 60:.0f} hours" if value < 2880 else f"{value / 1440:.0f} days"


def disk(params: Params, size: Size, planned: list[StagePlan]) -> str:
    """Folders of models, DVC's copy of them, the Hub's cache, checkpoints and data."""
    folder = 4 * size.parameters
    base = 0 if params.base_model.source == "scratch" else folder
    published = len(params.eval.published) * folder
    text = 2 * 5.0 * sum(stage.tokens / max(1.0, _epochs(stage, params)) for stage in planned if stage.steps)
    parts = (
        ("models/ (base, nli, sts, retrieval, colbert)", 5 * folder),
        ("DVC's cache of them (nothing where the file system links)", 5 * folder),
        ("Hub cache: base and published models", base + published),
        ("a checkpoint while training", 12 * size.parameters),
        ("data, raw and prepared (5 bytes a token)", text),
    )
    lines = [("disk", "GiB"), *((name, gib(count)) for name, count in parts)]
    return table([*lines, ("together", gib(sum(count for _, count in parts)))])


def _epochs(stage: StagePlan, params: Params) -> float:
    blocks = {"train_nli": params.nli, "train_sts": params.sts, "train_retrieval": params.train}
    if stage.name in blocks:
        return float(blocks[stage.name].epochs)
    return float(params.colbert.epochs if stage.name == "train_colbert" else params.base_model.mlm.epochs)


def gib(count: float) -> str:
    """Bytes as GiB with two digits."""
    return f"{count / GIB:.2f}"


def table(lines: Sequence[tuple[str, ...]]) -> str:
    """Columns under each other: the first and the longest texts left, figures right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = []
    for line in lines:
        cells = [line[0].ljust(widths[0])] + [
            cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)
        ]
        rows.append("  ".join(cells).rstrip())
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    run_command(main, "[PROFILE]", "paper")

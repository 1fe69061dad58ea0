"""What the stages take on some GPUs: minutes, what is encoded twice, and what to lower where there is no room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.files import read_json
from src.plan.cost import GIB, Size
from src.plan.stages import StagePlan

# Share of the peak that a 768-wide encoder reaches in training; smaller ones fill a GPU less.
UTILISATION, FULL_WIDTH = 0.4, 768
# A step takes at least so long, whatever it computes.
STEP_SECONDS = 0.05
# Two cores of a server CPU on a small encoder in float32.
CPU_SPEED = 50e9
# Left free of a GPU's memory, and what the CUDA context and the allocator's gaps take.
USABLE, RESERVED = 0.95, 1.5 * GIB


@dataclass(frozen=True)
class Device:
    """A GPU: peaks of dense bf16 and plain float32 products in FLOP/s, memory in bytes, from data sheets."""

    name: str
    half_peak: float
    single_peak: float
    memory: float


GPUS = (
    Device("L4", 121e12, 30e12, 24 * GIB),
    Device("RTX 4090", 165e12, 83e12, 24 * GIB),
    Device("A100 40GB", 312e12, 19.5e12, 40 * GIB),
    Device("A100 80GB", 312e12, 19.5e12, 80 * GIB),
    Device("H100", 989e12, 67e12, 80 * GIB),
)


def share_of_peak(size: Size) -> float:
    """The assumed share of a GPU's peak."""
    return UTILISATION * min(1.0, size.hidden / FULL_WIDTH)


def speed(device: Device, size: Size, half: bool, measured: dict[str, float]) -> float:
    """FLOP/s to expect: measured where a benchmark record is of this GPU, else the assumed share of the peak."""
    for machine, found in measured.items():
        if half and device.name.split()[0] in machine:
            return found
    return (device.half_peak if half else device.single_peak) * share_of_peak(size)


def measured_speeds(folder: Path = Path("reports/bench")) -> dict[str, float]:
    """FLOP/s by machine, of the benchmark records that have them; the records of toy sizes do not count."""
    found: dict[str, float] = {}
    for path in sorted(folder.glob("*.json")):
        record = read_json(path)
        reached = _reached(record) if isinstance(record, dict) else None
        if reached:
            found[_machine(record.get("machine") or {})] = reached
    return found


def _reached(record: dict[str, Any]) -> float | None:
    """`flops_per_s`, or of a GPU's record, which has `tflops` for each batch size, the best."""
    if record.get("flops_per_s"):
        return float(record["flops_per_s"])
    if not (record.get("machine") or {}).get("gpu") or not isinstance(record.get("ours"), dict):
        return None
    rates = [float(size["tflops"]) for size in record["ours"].values() if isinstance(size, dict) and "tflops" in size]
    return max(rates) * 1e12 if rates else None


def _machine(machine: dict[str, Any]) -> str:
    return machine.get("gpu") or f"{machine.get('threads', '?')} threads of {machine.get('processor', 'a CPU')}"


def kept_share(stage: StagePlan, memory: float) -> float:
    """The share of a batch whose graph fits into `memory` bytes; negative where not even the weights do."""
    if not stage.batch_tokens:
        return 1.0
    room = USABLE * memory - RESERVED - stage.fixed_bytes
    return min(1.0, room / (stage.token_bytes * stage.batch_tokens))


def fits(stage: StagePlan, memory: float) -> bool:
    """Whether weights, optimizer, loss and one mini-batch fit."""
    need = stage.fixed_bytes + stage.token_bytes * min(stage.mini_batch, stage.batch_tokens)
    return need + RESERVED <= USABLE * memory


def minutes(stage: StagePlan, device: Device, flops_per_s: float) -> float:
    """Expected minutes, the second forward of what is not kept included; small batches wait for launches and AdamW."""
    twice = 1.0 - max(0.0, kept_share(stage, device.memory))
    seconds = (stage.flops + twice * stage.again) / flops_per_s
    return max(seconds, stage.steps * STEP_SECONDS) / 60


def advice(stage: StagePlan, memory: float) -> str:
    """What to lower so that `stage` fits into `memory` bytes."""
    room = USABLE * memory - RESERVED - stage.fixed_bytes
    tokens = int(room / stage.token_bytes) // 256 * 256 if room > 0 else 0
    if tokens < 256:
        return "weights and moments alone do not fit: freeze_embeddings: true, more freeze_layers, or a smaller encoder"
    if stage.name == "train_colbert":
        batch = stage.batch_tokens
        return f"colbert.batch_size times {tokens / batch:.2f} or less, or runtime.precision: bf16"
    if stage.name == "base_model":
        return f"base_model.mlm.batch_size times {tokens / stage.batch_tokens:.2f} or less"
    block = {"train_nli": "nli", "train_sts": "sts", "train_retrieval": "train"}[stage.name]
    return f"{block}.mini_batch_tokens: {tokens} (the batch and the result stay the same), or runtime.precision: bf16"

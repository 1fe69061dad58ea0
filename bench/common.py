"""What the benchmarks share: a timer that alternates the two sides, a small GTE, and the result file."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from src.files import write_json

RESULTS = Path("reports/bench")
LIBRARIES = ("torch", "transformers", "sentence-transformers")


def alternate(sides: Mapping[str, Callable[[], object]], runs: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Seconds of each side, taken in turn so that a noisy machine disturbs all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for run in range(warm_up + runs):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            if run >= warm_up:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(seconds: dict[str, list[float]], baseline: str, ours: str) -> float:
    """How many times faster ours is: median of the baseline over median of ours."""
    return statistics.median(seconds[baseline]) / statistics.median(seconds[ours])


@dataclass
class Watched:
    """What a block took: seconds by the clock and of the processor, and memory of the process in MB."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    memory_before: int = 0
    memory_peak: int = 0


@contextmanager
def watch() -> Iterator[Watched]:
    """Watch a block; its peak of memory is told on Linux alone, 0 elsewhere."""
    reset, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    if reset.exists():
        reset.write_text("5", encoding="ascii")  # the peak counts from here
    seen = Watched(memory_before=_resident(status, "VmRSS"))
    start = time.perf_counter(), time.process_time()
    yield seen
    seen.seconds, seen.cpu_seconds = time.perf_counter() - start[0], time.process_time() - start[1]
    seen.memory_peak = _resident(status, "VmHWM")


def _resident(status: Path, name: str) -> int:
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    return next((int(line.split()[1]) // 1000 for line in lines if line.startswith(f"{name}:")), 0)


def machine() -> dict[str, Any]:
    """Cores, processor and, where there is one, GPU; never a host name."""
    described: dict[str, Any] = {"cores": os.cpu_count(), "processor": _processor()}
    try:
        import torch
    except ImportError:
        return described
    described["threads"] = torch.get_num_threads()
    if torch.cuda.is_available():
        described["gpu"] = torch.cuda.get_device_name()
    return described


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def write_result(
    name: str,
    value: float | None,
    *,
    unit: str,
    goal: float,
    higher_is_better: bool,
    ours: Any,
    baseline: Any = None,
    runs: int = 1,
    **more: Any,
) -> Path:
    """Write reports/bench/NAME.json and print its line.

    Args:
        value: the figure that is judged; a ratio of medians where there is a baseline; None: not measured here.
        goal: what was asked.
        ours, baseline: what the value was made of, with units in the keys.
        more: further keys, such as a note on what was not measured.
    """
    result = {
        "name": name,
        "value": value,
        "unit": unit,
        "goal": goal,
        "higher_is_better": higher_is_better,
        "ours": ours,
        "baseline": baseline,
        "runs": runs,
        "machine": machine(),
        "versions": {"python": platform.python_version()} | {library: version(library) for library in LIBRARIES},
        **more,
    }
    path = RESULTS / f"{name}.json"
    write_json(path, result)
    if value is None:
        print(f"{name}: not measured; {more.get('note', '')}")
        return path
    met = value >= goal if higher_is_better else value <= goal
    print(f"{name}: {value:g} {unit} (goal {'≥' if higher_is_better else '≤'} {goal:g}: {'met' if met else 'MISSED'})")
    return path


def build_gte(folder: Path, texts: Iterable[str], size: dict[str, int]) -> Path:
    """Write a GTE encoder with random weights and a BPE tokenizer trained on `texts`: a sentence-transformers folder.

    `size` has vocab_size, hidden_size, layers, heads, intermediate_size, max_length. CLS pooling and unit length,
    no dropout; the weights follow torch's current seed.
    """
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import GteConfig, GteModel

    inner = folder.parent / f"{folder.name}-transformer"
    _bpe(texts, size["vocab_size"]).save_pretrained(str(inner))
    config = GteConfig(
        vocab_size=size["vocab_size"],
        hidden_size=size["hidden_size"],
        num_hidden_layers=size["layers"],
        num_attention_heads=size["heads"],
        intermediate_size=size["intermediate_size"],
        max_position_embeddings=size["max_length"],
        hidden_dropout_prob=0.0,
        pad_token_id=0,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    GteModel(config).save_pretrained(str(inner))
    modules = [Transformer(str(inner), max_seq_length=size["max_length"])]
    pooling = Pooling(size["hidden_size"], pooling_mode="cls")
    SentenceTransformer(modules=[*modules, pooling, Normalize()], device="cpu").save_pretrained(
        str(folder), create_model_card=False
    )
    return folder


def _bpe(texts: Iterable[str], vocab_size: int) -> Any:
    """A byte-pair tokenizer, which unlike Unigram and WordPiece trains to the same vocabulary each time."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    ends = [("[CLS]", special.index("[CLS]")), ("[SEP]", special.index("[SEP]"))]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", ends)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )

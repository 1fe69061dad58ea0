"""`python -m bench.train_step`: one optimizer step at batch 1,024, our trainer against sentence-transformers' own.

Both start from the same small GTE (3 layers, 256 dimensions) and see the same 1,024 pairs at most 256 tokens long: the
questions and passages of TURKEMBED_DATA/retrieval where that is set, else invented text of the same lengths. The stock
side is SentenceTransformerTrainer with MatryoshkaLoss over CachedMultipleNegativesRankingLoss, at mini-batch 32 and at
the mini-batch that is fastest on this machine. A side's time is that of `train()` for one step; the model is loaded
before, and our tokenising, which the stock trainer does within the step, is added to ours.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.errors import run_command

if TYPE_CHECKING:
    from bench.common import Watched
    from src.training.trainer import EncoderTrainer

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

PAIRS, MAX_LENGTH, DIMS, RUNS = 1024, 256, [256, 128, 64, 32], 3
SIZE = {
    "vocab_size": 12000,
    "hidden_size": 256,
    "layers": 3,
    "heads": 4,
    "intermediate_size": 512,
    "max_length": MAX_LENGTH,
}
GOAL_AT_32, GOAL_AT_BEST = 2.0, 1.5


def main(_: list[str]) -> None:
    """Find the stock trainer's best mini-batch, then alternate; write the result."""
    import torch

    from bench.common import build_gte

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    rows, source = pairs(PAIRS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["DVC_ROOT"] = name
        torch.manual_seed(0)
        build_gte(folder / "base", [text for row in rows for text in row.values()], SIZE)
        trials = {size: stock_step(folder, rows, size)[0].seconds for size in (8, 16, 64)}
        measured = measure(folder, rows, min(trials, key=lambda size: trials[size]))
    report(measured, trials, source)


def measure(folder: Path, rows: list[dict[str, str]], best: int) -> dict[str, Any]:
    """Seconds and losses of the three sides in turn; `best` is the stock trainer's fastest mini-batch."""
    seconds: dict[str, list[float]] = {"ours": [], "stock_32": [], f"stock_{best}": []}
    losses: dict[str, float] = {}
    for _ in range(RUNS):
        for side, taken in seconds.items():
            size = int(side.partition("_")[2] or 0)
            seen, losses[side] = stock_step(folder, rows, size) if size else our_step(folder, rows)
            taken.append(round(seen.seconds, 3))
    if max(losses.values()) - min(losses.values()) > 1e-3 * min(losses.values()):
        raise SystemExit(f"not the same loss: {losses}")
    return {"seconds": seconds, "losses": losses, "best": best}


def report(measured: dict[str, Any], trials: dict[int, float], source: str) -> None:
    """Write reports/bench/train_step.json."""
    from bench.common import ratio, write_result

    seconds, best = measured["seconds"], measured["best"]
    write_result(
        "train_step",
        round(ratio(seconds, "stock_32", "ours"), 2),
        unit="times faster than mini-batch 32",
        goal=GOAL_AT_32,
        higher_is_better=True,
        ours={"seconds": seconds["ours"]},
        baseline={"seconds": {side: values for side, values in seconds.items() if side != "ours"}},
        runs=RUNS,
        at_best_mini_batch={
            "mini_batch": best,
            "value": round(ratio(seconds, f"stock_{best}", "ours"), 2),
            "goal": GOAL_AT_BEST,
            "trials_seconds": trials,
        },
        losses=measured["losses"],
        data=source,
    )


def pairs(count: int) -> tuple[list[dict[str, str]], str]:
    """Rows of anchor and positive, and where they come from."""
    import numpy as np

    random = np.random.default_rng(0)
    folder = os.environ.get("TURKEMBED_DATA")
    if folder:
        return distinct(Path(folder) / "retrieval", count, random), "THQuAD and SQuAD-TR questions, then statutes"

    def text(words: float) -> str:
        return " ".join(f"kelime{n}" for n in random.zipf(1.3, max(3, int(words))) % 5000)

    rows = [{"anchor": text(random.normal(8, 3)), "positive": text(random.lognormal(4.3, 0.6))} for _ in range(count)]
    return rows, "invented text with lengths like MS MARCO's"


def distinct(folder: Path, count: int, random: Any) -> list[dict[str, str]]:
    """Rows without a shared query or passage: questions first, then headings of statutes."""
    found: list[dict[str, str]] = []
    seen: set[str] = set()
    for name in ("train.jsonl", "law_titles.jsonl"):
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        for number in random.permutation(len(lines)):
            row = {key: json.loads(lines[number])[key] for key in ("anchor", "positive")}
            if seen.isdisjoint(row.values()):
                seen.update(row.values())
                found.append(row)
    return found[:count]


def our_trainer(folder: Path, rows: list[dict[str, str]], *, precision: str = "fp32", **changes: Any) -> EncoderTrainer:
    """A run of ours, prepared. `changes`: of the params of retrieval."""
    from src.params import load_params
    from src.training.run import StageFiles, prepare

    data = folder / "train.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    params = load_params()
    runtime = params.runtime.model_copy(update={"precision": precision})
    step = params.train.model_copy(update=our_params(len(rows)) | changes)
    files = StageFiles("bench", data, folder / "base", folder / "out", folder / "curve.csv", folder / "log.jsonl")
    return prepare(files, step, runtime, params.seed)


def our_step(
    folder: Path, rows: list[dict[str, str]], *, keep_tokens: int | None = None, **options: Any
) -> tuple[Watched, float]:
    """What our step takes, and its loss. `options`: of `our_trainer`."""
    from bench.common import watch
    from src.training.dataset import tokenise
    from src.training.first_token import first_token_only

    trainer = our_trainer(folder, rows, **options)
    trainer.step.keep_tokens = keep_tokens
    texts = trainer.batches.tasks[0].rows.texts
    with watch() as seen:
        tokenise(trainer.model.tokenizer, texts, MAX_LENGTH, quiet=True)
        with first_token_only(trainer.model):
            trainer.fit()
    return seen, trainer.record.points[0][2]


def our_params(pairs: int) -> dict[str, Any]:
    """One step of so many pairs."""
    one = {"dims": DIMS, "batch_size": pairs, "epochs": 1, "max_length": MAX_LENGTH}
    return one | {"warmup_ratio": 0.0, "mini_batch_tokens": "auto"}


def stock_step(
    folder: Path, rows: list[dict[str, str]], mini_batch: int, *, precision: str = "fp32", **changes: Any
) -> tuple[Watched, float]:
    """What the stock trainer's step takes, and its loss. `changes`: of our params; it takes dims and freezing."""
    import torch
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss, MatryoshkaLoss

    from bench.common import watch
    from src.model.prompts import read_prompts
    from src.params import load_params
    from src.training.encoder import freeze

    model = SentenceTransformer(
        str(folder / "base"), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32}
    )
    model.max_seq_length = MAX_LENGTH
    model.model_card_data.generate_widget_examples = False
    step = load_params().train.model_copy(update=our_params(len(rows)) | changes)
    freeze(model, step, "bench")
    loss = MatryoshkaLoss(model, CachedMultipleNegativesRankingLoss(model, mini_batch_size=mini_batch), step.dims)
    prompts = read_prompts(folder / "base")
    settings = SentenceTransformerTrainingArguments(
        output_dir=str(folder / "stock"),
        num_train_epochs=1,
        per_device_train_batch_size=len(rows),
        learning_rate=1e-3,
        optim="adamw_torch_fused",
        bf16=precision == "bf16",
        use_cpu=True,
        prompts={column: prompts.of(column) for column in rows[0]},
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
        report_to=[],
    )
    trainer = SentenceTransformerTrainer(model, settings, train_dataset=Dataset.from_list(rows), loss=loss)
    with watch() as seen:
        trainer.train()
    return seen, float(trainer.state.log_history[0]["loss"])


if __name__ == "__main__":
    run_command(main)

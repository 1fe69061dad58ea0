"""What cutting the vocabulary gains and costs: `python -m bench.vocabulary`, after stage base_model.

params.yaml must be that of a profile with `base_model.vocabulary: trim`. models/base is compared with its source:
seconds to load, MB on disk, and which share of the tokens of each evaluation set's queries and documents is cut
otherwise: the trimmed encoder has no such token at that place. Writes reports/bench/vocabulary.json.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.common import alternate, ratio, write_result
from src.errors import UserError, run_command
from src.files import read_json, read_jsonl
from src.model.load import fetch, load_encoder
from src.params import load_params

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TRIMMED = Path("models/base")
GOAL, RUNS = 2.0, 5


def main(_: list[str]) -> None:
    """Compare and write the result."""
    params = load_params()
    base = params.base_model
    if base.vocabulary != "trim":
        raise UserError("base_model.vocabulary is keep: nothing to compare; run it after the base of the profile e5")
    source = Path(base.source) if Path(base.source).is_dir() else fetch(base.source, base.revision)
    seconds = alternate(
        {"source": lambda: load_encoder(str(source)), "trimmed": lambda: load_encoder(str(TRIMMED))}, RUNS
    )
    whole, cut = (load_encoder(str(folder)).tokenizer.backend_tokenizer for folder in (source, TRIMMED))
    write_result(
        "vocabulary",
        round(ratio(seconds, "source", "trimmed"), 2),
        unit="times faster to load",
        goal=GOAL,
        higher_is_better=True,
        ours=described(TRIMMED, seconds["trimmed"]),
        baseline=described(source, seconds["source"]),
        runs=RUNS,
        cut_otherwise={
            name: {kind: round(cut_otherwise(whole, cut, texts(name, kind)), 5) for kind in ("queries", "corpus")}
            for name in params.eval.sets
        },
        vocabulary=read_json(TRIMMED / "origin.json")["vocabulary"],
    )


def described(folder: Path, seconds: list[float]) -> dict[str, Any]:
    """Median seconds to load an encoder, and its size on disk."""
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"load_seconds": round(sorted(seconds)[len(seconds) // 2], 2), "megabytes": round(size / 1e6, 1)}


def texts(name: str, kind: str) -> Iterable[str]:
    """The queries or the documents of a prepared set."""
    return (row["text"] for row in read_jsonl(f"data/prepared/{name}/{kind}.jsonl"))


def cut_otherwise(whole: Tokenizer, cut: Tokenizer, texts: Iterable[str]) -> float:
    """The share of the tokens of `whole` that `cut` has not at the same place of the text."""
    total = otherwise = 0
    for text in texts:
        before, after = _tokens(whole, text), _tokens(cut, text)
        total += len(before)
        otherwise += len(before - after)
    return otherwise / max(1, total)


def _tokens(tokenizer: Tokenizer, text: str) -> set[tuple[str | None, tuple[int, int]]]:
    found = tokenizer.encode(text, add_special_tokens=False)
    return {(tokenizer.id_to_token(id_), place) for id_, place in zip(found.ids, found.offsets, strict=True)}


if __name__ == "__main__":
    run_command(main)

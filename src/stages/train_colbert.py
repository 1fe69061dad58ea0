"""Stage train_colbert: the late-interaction baseline, from the same base on the same pairs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from src.evaluation import colbert
from src.files import fresh_dir
from src.model.load import load_encoder
from src.model.positions import count_cut, limit_length
from src.params import Params
from src.runtime import device, seed_everything


def run(params: Params) -> None:
    """Write models/colbert and reports/training/colbert.csv."""
    seed_everything(params.seed)
    pairs = colbert.read_pairs(Path("data/prepared/retrieval/train.jsonl"), params.colbert.batch_size)
    base = load_encoder("models/base", device=device(params.runtime))
    tokens = limit_length(base, params.colbert.max_length)
    for column in pairs.column_names:
        cut = count_cut(base.tokenizer, pairs[column], "", tokens)
        if cut:
            print(f"colbert: {cut} of {len(pairs)} {column}s are longer than {tokens} tokens and are cut")
    model = colbert.from_dense(base, params.colbert.dim)
    with tempfile.TemporaryDirectory() as scratch:
        record = colbert.fit(model, pairs, params.colbert, params.runtime, seed=params.seed, output=scratch)
    with fresh_dir("models/colbert") as folder:
        model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
    record.write(Path("reports/training/colbert.csv"))

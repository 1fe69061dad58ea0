"""Stage train_colbert: the late-interaction baseline, on the pairs of the dense retrieval stage."""

from __future__ import annotations

from pathlib import Path

from transformers import set_seed

from src.files import fresh_dir
from src.model.load import load_encoder
from src.model.positions import count_cut, limit_length
from src.params import Params
from src.recipe.stages import model
from src.runtime import device
from src.training import colbert
from src.training.record import write_curve


def run(params: Params) -> None:
    """Write models/colbert and reports/training/colbert.csv."""
    set_seed(params.seed)
    pairs = colbert.read_pairs(Path("data/prepared/retrieval/train.jsonl"), params.colbert.batch_size)
    base = load_encoder(str(model(params.colbert.start)), device=device(params.runtime))
    tokens = limit_length(base, params.colbert.max_length)
    cut = count_cut(base.tokenizer, pairs.texts, "", tokens)
    if cut:
        print(f"colbert: {cut} of {len(pairs.texts)} texts are longer than {tokens} tokens and are cut")
    late = colbert.from_dense(base, params.colbert.dim)
    epochs = params.colbert_epochs
    curve = colbert.fit(late, pairs, params.colbert, params.runtime, epochs=epochs, seed=params.seed)
    with fresh_dir("models/colbert") as folder:
        late.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)
    write_curve(Path("reports/training/colbert.csv"), curve)

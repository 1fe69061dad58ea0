"""Stage ablate@NAME: train one variant of the recipe and measure it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from src.ablation import record
from src.ablation.measure import Benchmarks, measure, pair_cosines, read_benchmarks
from src.ablation.mix import TooFewRowsError
from src.ablation.origin import origins
from src.ablation.record import SeedRun
from src.ablation.train import train_variant
from src.files import fresh_dir, write_json
from src.params.variant import Variant
from src.runtime import device
from src.training.encoder import interpolate, load_encoder


def run(chosen: Variant, _: str) -> None:
    """Write data/ablation/NAME/; the models are not kept."""
    made_from = origins([chosen])[chosen.name]
    benchmarks = read_benchmarks(chosen.measuring)
    with fresh_dir(record.FOLDER / chosen.name) as folder:
        try:
            runs = [run_seed(chosen, seed, benchmarks) for seed in chosen.seeds]
        except TooFewRowsError as reason:
            print(f"{chosen.name}: left out, since {reason}", file=sys.stderr)
            write_json(folder / record.SUMMARY, record.left_out(chosen, str(reason), made_from))
            return
        record.write_runs(folder, runs, benchmarks)
        write_json(folder / record.SUMMARY, record.summary(chosen, runs, benchmarks.pairs.scores, made_from))


def run_seed(chosen: Variant, seed: int, benchmarks: Benchmarks) -> SeedRun:
    """The variant at one seed: trained in a temporary folder, measured before and after, and between the two."""
    where = device(chosen.runtime)
    with tempfile.TemporaryDirectory(prefix="ablate-") as folder:
        start, result, steps = train_variant(chosen, seed, Path(folder))
        after = measure(load_encoder(result), benchmarks, chosen.measuring, where)
        before = pair_cosines(load_encoder(start), benchmarks, chosen.measuring, where)
        mixtures = {}
        for share in chosen.interpolations:
            model = load_encoder(result)
            interpolate(load_encoder(start), model, share)
            mixtures[share] = measure(model, benchmarks, chosen.measuring, where)
    return SeedRun(seed, after, before, steps, mixtures)

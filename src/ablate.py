"""Stage ablate@NAME: train one variant of the recipe and measure it. `python -m src.ablate VARIANT`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import run_command
from src.files import fresh_dir, write_json
from src.params import Params, load_params
from src.runtime import set_environment

if TYPE_CHECKING:
    from src.ablation.measure import Yardsticks
    from src.ablation.record import SeedRun
    from src.ablation.variants import Variant


def main(arguments: list[str]) -> None:
    """Write data/ablation/NAME/; the models are not kept."""
    from src.ablation.variants import variant

    params = load_params()
    set_environment(params.runtime)
    chosen = variant(arguments[0], params)

    from src.ablation import record
    from src.ablation.measure import read_yardsticks
    from src.runtime import use_threads

    use_threads(params.runtime)
    sticks = read_yardsticks(params.eval)
    seeds = params.ablation.seeds or [params.seed]
    found = [run_seed(chosen, params, seed, sticks) for seed in seeds]
    settings = {"rows": params.ablation.rows, "epochs": params.ablation.epochs, "seeds": seeds}
    with fresh_dir(record.FOLDER / chosen.name) as folder:
        record.write_runs(folder, found, sticks)
        write_json(folder / record.SUMMARY, record.summary(chosen, found, settings, params.data.sts.name))


def run_seed(chosen: Variant, params: Params, seed: int, sticks: Yardsticks) -> SeedRun:
    """The variant at one seed: trained in a temporary folder, measured before and after, and between the two."""
    from src.ablation.measure import measure, measure_spearman
    from src.ablation.record import SeedRun
    from src.ablation.train import train_variant
    from src.runtime import device
    from src.training.encoder import load_encoder
    from src.training.interpolation import interpolate

    where = device(params.runtime)
    with tempfile.TemporaryDirectory(prefix="ablate-") as folder:
        trained = train_variant(chosen, params, seed, Path(folder))
        after = measure(load_encoder(trained.after), sticks, params.eval, where)
        before = measure_spearman(load_encoder(trained.before), sticks, params.eval, where)
        mixtures = {}
        for share in chosen.interpolations:
            model = load_encoder(trained.after)
            interpolate(load_encoder(trained.before), model, share)
            mixtures[share] = measure(model, sticks, params.eval, where)
    return SeedRun(seed, after, before, trained.steps, mixtures)


if __name__ == "__main__":
    run_command(main, "VARIANT", "batch_256")

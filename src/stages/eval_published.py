"""Stage eval_published: rank an evaluation set by published models, as they are."""

from __future__ import annotations

from pathlib import Path

from src.evaluation import expected, metrics, published, table
from src.evaluation.beir import EvalSet, prepared_set
from src.evaluation.results import DECIMALS, Scored
from src.evaluation.runs import write_run
from src.files import fresh_dir, round_floats, write_json
from src.params import Params
from src.runtime import device


def run(params: Params, name: str) -> None:
    """Write data/published/SET: a run for each model of eval.published, models.json and metrics.json."""
    if not params.eval.published:
        print(f"{name}: eval.published names no model, so there is nothing to do")
    descriptors = {model: published.read_descriptor(model) for model in params.eval.published}
    data = prepared_set(name, params.eval.sets[name])
    known = {}
    with fresh_dir(f"data/published/{name}") as folder:
        for model, descriptor in descriptors.items():
            ranked, known[model] = published.rank_published(
                model,
                descriptor,
                data,
                depth=params.eval.depth,
                batch_size=params.eval.batch_size,
                device=device(params.runtime),
                backend=params.eval.backend,
            )
            write_run(folder / f"{model}.trec", ranked, model)
        write_json(folder / "models.json", known)
        write_json(folder / "metrics.json", measure(folder, list(known), data))


def measure(folder: Path, models: list[str], data: EvalSet) -> Scored:
    """Every measure of every model, and the published values of these models beside them (expected.yaml).

    Prints both, so that a model's reported numbers are verified by this stage alone.
    """
    scores = {name: metrics.means(values) for name, values in table.score_runs(folder, models, data).items()}
    results: Scored = round_floats({"protocol": data.protocol, "models": scores}, DECIMALS)
    for name, values in results["models"].items():
        print(f"{data.name}: {name}: " + ", ".join(f"{key} {value:.4f}" for key, value in values.items()))
    for item in expected.of_set(expected.read_expected(expected.EXPECTED), data.name, results):
        if item.entry.model in models:
            print(item)
    return results

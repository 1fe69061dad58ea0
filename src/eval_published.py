"""Stage eval_published: rank an evaluation set by published models, as they are. `python -m src.eval_published SET`."""

from __future__ import annotations

from src.errors import UserError, run_stage
from src.params import load_params
from src.runtime import set_environment


def main(arguments: list[str]) -> None:
    """Write data/published/SET: a run for each model of eval.published, and models.json."""
    params = load_params()
    set_environment(params.runtime)
    if len(arguments) != 1 or arguments[0] not in params.eval.sets:
        raise UserError(f"expected one set of eval.sets: {', '.join(params.eval.sets)}")
    from src.evaluation import published
    from src.evaluation.beir import load_eval_set
    from src.evaluation.runs import write_run
    from src.files import fresh_dir, write_json

    name = arguments[0]
    options = params.eval.sets[name]
    descriptors = {model: published.read_descriptor(model) for model in params.eval.published}
    for model, descriptor in descriptors.items():
        published.check_pinned(model, descriptor)
    data = load_eval_set(f"data/prepared/{name}", name, options.title, options.protocol, options.drop_self_hits)
    known = {}
    with fresh_dir(f"data/published/{name}") as folder:
        for model, descriptor in descriptors.items():
            from src.runtime import device, use_threads

            use_threads(params.runtime)
            run, known[model] = published.rank_published(
                model,
                descriptor,
                data,
                depth=params.eval.depth,
                batch_size=params.eval.batch_size,
                device=device(params.runtime),
            )
            write_run(folder / f"{model}.trec", run, model)
        write_json(folder / "models.json", known)


if __name__ == "__main__":
    run_stage(main)

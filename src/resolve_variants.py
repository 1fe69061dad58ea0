"""Stage resolve: each variant with exactly those params that it uses, as its own stage takes them."""

from __future__ import annotations

from src.errors import run_command
from src.files import fresh_dir, write_json
from src.params import load_ablations, load_params


def main(_: list[str]) -> None:
    """Write data/variants/NAME.json for every row of ablations/params.yaml."""
    from src.ablation.origin import code
    from src.ablation.variants import FOLDER, variant

    params = load_params()
    ablations = load_ablations(params)
    trained_by = code()
    with fresh_dir(FOLDER) as folder:
        for name in ablations.variants:
            write_json(folder / f"{name}.json", variant(name, params, ablations, trained_by).model_dump(mode="json"))


if __name__ == "__main__":
    run_command(main)

"""Stage resolve: each variant with exactly those params that it uses, as its own stage takes them."""

from __future__ import annotations

from src.ablation.origin import code
from src.ablation.variants import variant
from src.files import fresh_dir, write_json
from src.params import Params, load_ablations
from src.params.variant import FOLDER


def run(params: Params) -> None:
    """Write data/variants/NAME.json for every row of ablations/params.yaml."""
    ablations = load_ablations(params)
    trained_by = code()
    with fresh_dir(FOLDER) as folder:
        for name in ablations.variants:
            write_json(folder / f"{name}.json", variant(name, params, ablations, trained_by).model_dump(mode="json"))

"""Encoders of the package index on real Turkish, as they are, beside BM25 and published rows: `make real`.

Sets, text and lengths are those of the profile e5 (params/e5.yaml), read from data/external/; nothing is trained.
Without data.text the row of the trimmed vocabulary is left out. Embeddings are kept by content in .cache/, so a second
run takes seconds. Writes README's table and reports/real/SET/: a summary, judgements, and all runs as one Parquet file,
from which every number can be recomputed without a text.
"""

from __future__ import annotations

from src.errors import run_command
from src.params.load import validate
from src.profile import PARAMS, complete
from src.runtime import imported, set_environment, use_threads


def main(_: list[str]) -> None:
    """Set threads and environment, then import what measures, with torch and its kin."""
    values = complete("e5")[PARAMS]
    del values["eval"]["sets"]["pairs_dev"]  # made of training pairs, to choose settings on
    params = validate(values, "params/e5.yaml")
    set_environment(params.runtime)
    measure = imported("src.cli.real.measure")
    use_threads(params.runtime)
    measure.run(params)


if __name__ == "__main__":
    run_command(main)

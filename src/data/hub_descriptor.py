"""What a hub.yaml says: repository, revision, which files make which split, and what their columns are called.

docs/hub.md describes the keys; params/hub/ holds examples.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from src.checked import read_checked

FILE = "hub.yaml"
TRAINING = ("train", "dev", "test")
EVALUATION = ("corpus", "queries", "qrels", "qrels_dev")
Id = Annotated[str, Field(pattern=r"^[\w.-]+(/[\w.-]+)?$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Part(_Block):
    """Files of one split or table: by glob patterns, or by the names that the repository gives them.

    Attributes:
        files: glob patterns of paths in the repository, as in data/train-*.parquet.
        config, split: as the repository's README or its folders name them, in place of `files`; either may be left
            out: without a split, all files of the configuration.
        repository, revision: where they are not those of the whole set.
        columns: ours: theirs; where they are not those of the whole set.
    """

    files: Annotated[list[str], Field(min_length=1)] | None = None
    config: str | None = None
    split: str | None = None
    repository: Id | None = None
    revision: Commit | None = None
    columns: dict[str, str] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.files is None) == (self.split is None and self.config is None):
            raise ValueError("expected either `files`, or `config` and `split` (or one of the two)")
        if self.revision is not None and self.repository is None:
            raise ValueError("a revision of its own needs a repository of its own")
        return self


class Table(Part):
    """A part whose texts are looked up by id."""

    id: str
    text: str


class Lookup(_Block):
    """A column whose rows hold ids of a table."""

    key: str
    table: str


class Join(_Block):
    """Rows of ids and the tables in which their texts stand. `columns`: ours: {key: theirs, table: which}."""

    columns: Annotated[dict[str, Lookup], Field(min_length=1)]
    tables: Annotated[dict[str, Table], Field(min_length=1)]

    @model_validator(mode="after")
    def _tables_are_there(self) -> Self:
        for name, lookup in self.columns.items():
            if lookup.table not in self.tables:
                raise ValueError(f"columns.{name}.table {lookup.table!r} is not one of {', '.join(self.tables)}")
        return self


class Descriptor(_Block):
    """A data set on the Hub, for training (train, dev, test) or evaluation (corpus, queries, qrels)."""

    repository: Id
    type: Literal["dataset", "model"] = "dataset"
    revision: Commit | None
    licence: str
    note: str | None = None
    columns: dict[str, str] = {}
    score_scale: tuple[float, float] | None = None
    join: Join | None = None
    parts: Annotated[dict[str, Part], Field(min_length=1)]

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        names = set(self.parts)
        if not (names <= set(TRAINING) or {"corpus", "queries", "qrels"} <= names <= set(EVALUATION)):
            raise ValueError(f"parts {', '.join(self.parts)}: expected train (dev, test) or corpus, queries, qrels")
        if names <= set(TRAINING) and "train" not in names:
            raise ValueError("parts: a training set needs train")
        if self.score_scale and not self.score_scale[0] < self.score_scale[1]:
            raise ValueError(f"score_scale {list(self.score_scale)}: expected [lowest, highest]")
        return self

    @property
    def is_evaluation(self) -> bool:
        return "corpus" in self.parts

    def source_of(self, part: Part) -> tuple[str, str | None]:
        """The repository and revision of a part."""
        if part.repository is not None:
            return part.repository, part.revision
        return self.repository, self.revision


def is_hub_set(folder: Path) -> bool:
    """Whether the folder describes a Hub data set rather than holding one."""
    return (folder / FILE).is_file()


def read_descriptor(folder: Path) -> Descriptor:
    """The descriptor in FOLDER/hub.yaml. Raises UserError that names file and key in one line."""
    return read_checked(Descriptor, folder / FILE)

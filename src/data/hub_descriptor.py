"""What a hub.yaml says: repository, revision, what columns are called, and which files make which split.

docs/hub.md describes the keys; params/hub/ holds examples. The files of a split are named by patterns, by the
repository's README, or by their own names. Only data files count: never a script, and never two formats of the same
rows.
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from src.checked import read_checked
from src.errors import UserError
from src.files import parse_yaml

FILE = "hub.yaml"
TRAINING = ("train", "dev", "test")
EVALUATION = ("corpus", "queries", "qrels", "qrels_dev")
README = "README.md"
# In the order of preference where a split is there in several formats.
FORMATS = (".parquet", ".jsonl", ".json", ".csv", ".tsv")
_NO_DATA = {"dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "config.json"}
_SYNONYMS = {
    "train": ("train", "training"),
    "dev": ("dev", "validation", "valid", "val"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SHOWN = 8  # files in a message
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
        if not self.is_evaluation and "train" not in names:
            raise ValueError("parts: a training set needs train")
        if not (self.is_evaluation or self.join or all(part.columns or self.columns for part in self.parts.values())):
            raise ValueError("columns: missing; expected ours: theirs, as in anchor: query")
        if self.score_scale and not self.score_scale[0] < self.score_scale[1]:
            raise ValueError(f"score_scale {list(self.score_scale)}: expected [lowest, highest]")
        return self

    @property
    def is_evaluation(self) -> bool:
        return "corpus" in self.parts

    def sources(self) -> list[tuple[str, str | None]]:
        """Every repository and revision that a part or table names."""
        parts = [*self.parts.values(), *(self.join.tables.values() if self.join else ())]
        return list(dict.fromkeys(map(self.source_of, parts)))

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


def choose(part: Part, files: Iterable[str], readme: str, where: str) -> list[str]:
    """The paths of a part among the files of its repository, sorted; `where` is what the user calls it.

    Raises:
        UserError: nothing fits; names what there is.
    """
    there = sorted(path for path in files if _format(path) in FORMATS and Path(path).name not in _NO_DATA)
    if patterns := part.files or _declared(readme, part.config, part.split, where):
        matching = [path for path in there if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)]
    else:
        matching = _by_name(part.config, part.split, there)
    if not matching:
        wanted = ", ".join(part.files or [f"{part.config or ''} {part.split or ''}".strip()])
        shown = ", ".join(there[:_SHOWN]) + (f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else "")
        raise UserError(f"{where}: no data file for {wanted}; there are: {shown or 'none'} (name them under `files`)")
    best = min(map(_format, matching), key=FORMATS.index)
    return [path for path in matching if _format(path) == best]


def _format(path: str) -> str:
    return Path(path.removesuffix(".gz")).suffix


def _declared(readme: str, config: str | None, split: str | None, where: str) -> list[str]:
    """Patterns of a split from the front matter of README.md; none where it declares no configurations."""
    configs = {item.get("config_name", "default"): item for item in _front_matter(readme, where).get("configs") or []}
    if not configs:
        return []
    name = config or ("default" if "default" in configs else next(iter(configs)) if len(configs) == 1 else "")
    if name not in configs:
        raise UserError(f"{where}: no configuration {name!r}; README.md declares {', '.join(configs)}")
    splits = defaultdict(list)
    for declared, pattern in _data_files(configs[name].get("data_files")):
        splits[declared].append(pattern)
    if not splits or split is None:
        return [pattern for patterns in splits.values() for pattern in patterns]
    files = next((splits[same] for same in _SYNONYMS.get(split, (split,)) if same in splits), None)
    if files is None:
        raise UserError(f"{where}: no split {split!r} in {name!r}; README.md declares {', '.join(splits)}")
    return files


def _front_matter(readme: str, where: str) -> dict[str, Any]:
    match = re.match(r"\ufeff?---\s*\n(.*?)\n---", readme, re.DOTALL)
    values = parse_yaml(match.group(1), f"{where}: {README}") if match else None
    return values if isinstance(values, dict) else {}


def _data_files(declared: Any) -> Iterator[tuple[str, str]]:
    """(split, pattern) of each of the forms that `data_files` may have."""
    if isinstance(declared, dict):
        declared = [{"split": split, "path": patterns} for split, patterns in declared.items()]
    for item in [declared] if isinstance(declared, str) else declared or []:
        split, patterns = (item["split"], item["path"]) if isinstance(item, dict) else ("train", item)
        yield from ((split, pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns))


def _by_name(config: str | None, split: str | None, there: list[str]) -> list[str]:
    """Files whose folders or names hold the configuration and the split as words; all of them if it is the only one."""
    inside = there
    if config is not None:
        inside = [path for path in there if config in Path(path).parent.parts]
        inside = inside or [path for path in there if _has_word(path, config)]
    if split is None:
        return inside
    named = [path for path in inside if any(_has_word(path, word) for word in _SYNONYMS.get(split, (split,)))]
    others = [word for words in _SYNONYMS.values() for word in words]
    only_one = split == "train" and not any(_has_word(path, word) for path in inside for word in others)
    return inside if only_one else named


def _has_word(path: str, word: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z])", path) is not None

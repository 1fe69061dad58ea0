"""Revisions written into the files of params/: an empty `revision:` becomes the commit that the Hub holds now.

A mapping that names a Hub repository (`repository:` of a hub.yaml, `source:` of a model or of base_model) and has an
empty `revision:` is unpinned. Comments and layout of the files stay.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from src.downloads.faults import NoConnectionError
from src.downloads.hub import COMMIT, Kind, resolve
from src.errors import UserError
from src.files import read_text, read_yaml, write_text

_LOCAL = ("models/", "data/", "./", "../")
_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Unpinned:
    """A repository without a commit, and the mapping of a file in which the commit belongs."""

    file: Path
    name: str
    kind: Kind
    mapping: Any


def files(root: Path) -> list[Path]:
    """params.yaml, the profiles, the published models and the Hub data sets."""
    paths = [root / "params.yaml", *sorted((root / "params").glob("*.yaml"))]
    paths += sorted((root / "params" / "models").glob("*.yaml"))
    return [path for path in [*paths, *sorted((root / "params" / "hub").rglob("hub.yaml"))] if path.is_file()]


def unpinned(path: Path, content: Any) -> Iterator[Unpinned]:
    """The repositories of a file whose `revision` is empty or a branch."""
    kind: Kind = "dataset" if path.name == "hub.yaml" and content.get("type") != "model" else "model"
    for mapping in _mappings(content):
        name = mapping.get("repository" if path.name == "hub.yaml" else "source")
        revision = mapping.get("revision")
        if not isinstance(name, str) or not _ID.fullmatch(name) or name.startswith(_LOCAL):
            continue
        if "revision" in mapping and not (isinstance(revision, str) and COMMIT.fullmatch(revision)):
            yield Unpinned(path, name, kind, mapping)


def _mappings(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _mappings(inner)


def pin(root: Path) -> Iterator[str]:
    """Pin every unpinned repository; one line for each, what could not be pinned included.

    Raises:
        UserError: at the end, where a repository could not be resolved, the others are written; at once, where the
            Hub cannot be reached, with the names of all that are left.
    """
    yaml = _yaml()
    for path in files(root):
        read_yaml(path)  # refused here with file and line where it is no YAML
    contents = {path: yaml.load(read_text(path)) for path in files(root)}
    open_ = [entry for path, content in contents.items() for entry in unpinned(path, content)]
    faults = 0
    for number, entry in enumerate(open_):
        file = entry.file.relative_to(root)
        try:
            # one attempt: the same command again pins what is left
            entry.mapping["revision"] = resolve(entry.name, entry.kind, entry.mapping["revision"], waits=()).revision
        except NoConnectionError as error:
            left = dict.fromkeys(item.name for item in open_[number:])
            raise UserError(f"{error}; not pinned: {', '.join(left)}") from error
        except UserError as error:
            faults += 1
            yield f"{file}: {error}"
            continue
        stream = io.StringIO()
        yaml.dump(contents[entry.file], stream)
        write_text(entry.file, stream.getvalue())
        yield f"{file}: {entry.name} pinned to {entry.mapping['revision']}"
    if faults:
        raise UserError(f"{faults} {'repository' if faults == 1 else 'repositories'} could not be pinned")


def _yaml() -> Any:
    """A reader and writer that keeps comments, quotes and empty values as they are."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.representer.add_representer(type(None), _empty)
    return yaml


def _empty(representer: Any, _: None) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:null", "")

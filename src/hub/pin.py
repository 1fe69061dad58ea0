"""Revisions written into the files of params/: an empty `revision:` becomes the commit that the Hub holds now.

A mapping that names a Hub repository (`repository:` of a hub.yaml, `source:` of a model or of base_model) and has an
empty `revision:` is unpinned. Comments and layout of the files stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from src.downloads.faults import NoConnectionError
from src.downloads.hub import COMMIT, Kind, resolve
from src.errors import UserError
from src.files import atomic_text, read_text, read_yaml

_LOCAL = ("models/", "data/", "./", "../")
_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Unpinned(NamedTuple):
    """A repository without a commit, and the mapping of a file in which the commit belongs."""

    file: Path
    name: str
    kind: Kind
    mapping: Any


def files(root: Path) -> list[Path]:
    """params.yaml, the profiles, the published models and the Hub data sets."""
    patterns = ("params.yaml", "params/*.yaml", "params/models/*.yaml", "params/hub/**/hub.yaml")
    return [path for pattern in patterns for path in sorted(root.glob(pattern))]


def unpinned(path: Path, content: Any) -> Iterator[Unpinned]:
    """The repositories of a file whose `revision` is empty or a branch."""
    is_set = path.name == "hub.yaml"
    kind: Kind = "dataset" if is_set and content.get("type") != "model" else "model"
    for mapping in _mappings(content):
        name, revision = mapping.get("repository" if is_set else "source"), mapping.get("revision")
        on_hub = isinstance(name, str) and _ID.fullmatch(name) and not name.startswith(_LOCAL)
        if on_hub and "revision" in mapping and not COMMIT.fullmatch(str(revision)):
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
    for number, (path, name, kind, mapping) in enumerate(open_):
        file = path.relative_to(root)
        try:
            # one attempt: the same command again pins what is left
            mapping["revision"] = resolve(name, kind, mapping["revision"], waits=()).revision
        except NoConnectionError as error:
            left = dict.fromkeys(item.name for item in open_[number:])
            raise UserError(f"{error}; not pinned: {', '.join(left)}") from error
        except UserError as error:
            faults += 1
            yield f"{file}: {error}"
            continue
        with atomic_text(path) as stream:
            yaml.dump(contents[path], stream)
        yield f"{file}: {name} pinned to {mapping['revision']}"
    if faults:
        raise UserError(f"{faults} {'repository' if faults == 1 else 'repositories'} could not be pinned")


def _yaml() -> Any:
    """A reader and writer that keeps comments, quotes and empty values as they are."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    yaml.representer.add_representer(
        type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", "")
    )
    return yaml

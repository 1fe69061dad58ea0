"""A data set on the Hub as a plain folder, in the layout of users' own data.

`local` downloads what FOLDER/hub.yaml describes and writes it to .cache/hub/, once for a descriptor and a commit; the
folder appears whole or not at all. Its source.json says what was resolved: repositories, commits, files and checksums.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from src.data.card import Joined, Origin
from src.data.hub_descriptor import FILE, Descriptor, is_hub_set, read_descriptor
from src.data.hub_files import README
from src.data.hub_layout import Reader, Source, write_beir, write_joined, write_rows
from src.downloads import hub
from src.downloads.hub import Repository
from src.files import fresh_dir, write_json

# Part of the folder's name: raise it when another folder would be written from the same files.
_LAYOUT = 1


def local(folder: Path) -> Path:
    """The folder itself, or what its hub.yaml describes as a folder of files.

    Raises:
        UserError: the descriptor is malformed, or the Hub, the network or the disk fails; one line, what to do.
    """
    if not is_hub_set(folder):
        return folder
    from filelock import FileLock

    descriptor = read_descriptor(folder)
    repositories = _resolve(descriptor)
    cache = Path(os.environ.get("DVC_ROOT", ".")) / ".cache" / "hub"
    target = cache / f"{folder.name}-{_key(descriptor, repositories)}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not target.is_dir():
            print(f"{folder.name}: {', '.join(map(str, repositories.values()))}", flush=True)
            with fresh_dir(target) as fresh:
                _write(descriptor, repositories, folder, fresh)
    return target


def _resolve(descriptor: Descriptor) -> dict[tuple[str, str | None], Repository]:
    parts = [*descriptor.parts.values(), *(descriptor.join.tables.values() if descriptor.join else ())]
    named = dict.fromkeys(descriptor.source_of(part) for part in parts)
    return {(name, revision): hub.resolve(name, descriptor.type, revision) for name, revision in named}


def _key(descriptor: Descriptor, repositories: Mapping[Any, Repository]) -> str:
    content = [_LAYOUT, descriptor.model_dump(), [repository.revision for repository in repositories.values()]]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _write(
    descriptor: Descriptor,
    repositories: Mapping[tuple[str, str | None], Repository],
    folder: Path,
    target: Path,
) -> None:
    sources = {name: _open(repository) for name, repository in repositories.items()}
    reader = Reader(descriptor, sources, folder)
    joined = {}
    if descriptor.is_evaluation:
        write_beir(reader, target)
    elif descriptor.join:
        joined = {name: write_joined(reader, name, target) for name in descriptor.parts}
    else:
        for name in descriptor.parts:
            write_rows(reader.rows(name), target / f"{name}.parquet", f"{folder / FILE}: {name}")
    write_json(target / "source.json", origin(descriptor, list(sources.values()), joined))


def _open(repository: Repository) -> Source:
    entries = hub.listing(repository)
    readme = ""
    if README in entries:
        path = hub.download(repository, [README], entries) / README
        readme = path.read_text(encoding="utf-8", errors="replace")
    return Source(repository, entries, readme)


def origin(descriptor: Descriptor, sources: list[Source], joined: Mapping[str, Joined]) -> Origin:
    """The value of source.json."""
    names = ", ".join(dict.fromkeys(source.repository.name for source in sources))
    facts: Origin = {"source": f"Hub: {names}", "licence": descriptor.licence, "synthetic": False}
    if descriptor.note:
        facts["note"] = descriptor.note
    facts["revision"] = ", ".join(str(source.repository.revision) for source in sources)
    facts["pinned"] = all(source.repository.pinned for source in sources)
    facts["repositories"] = [
        {
            "repository": source.repository.name,
            "revision": source.repository.revision,
            "pinned": source.repository.pinned,
            "files": dict(sorted(source.used.items())),
        }
        for source in sources
    ]
    if joined:
        facts["joined"] = dict(joined)
    return facts

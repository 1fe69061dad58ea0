"""Files of a Hub repository at one commit: downloaded with resuming and a limit of attempts, checked byte for byte.

huggingface_hub resumes a dropped download and keeps what is whole in its cache; it does not compare checksums, and it
gives up at the first 503 of a file. Both are made good here, and every fault becomes one line that says what to do.
"""

from __future__ import annotations

import glob
import re
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from huggingface_hub import HfApi, constants, get_cached_repo_tree, snapshot_download
from huggingface_hub.errors import CachedRepoTreeNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils.sha import git_hash

from src.downloads.faults import NOT_CACHED, NoConnectionError, explain, is_transient, status
from src.errors import UserError
from src.files import sha256

Kind = Literal["model", "dataset"]
Result = TypeVar("Result")
COMMIT = re.compile(r"[0-9a-f]{40}")
# Seconds before each further attempt. huggingface_hub's own come on top: five times for a dropped connection.
WAITS = (1.0, 2.0, 4.0, 8.0)


class Entry(NamedTuple):
    """What the Hub says of a file: bytes, and the SHA-256 (large files) or git object id (small ones) it must have."""

    size: int
    digest: str | None


@dataclass(frozen=True)
class Repository:
    """A repository at one commit.

    Attributes:
        revision: the commit, 40 hexadecimal digits.
        pinned: whether params name the commit, rather than what the branch held today.
    """

    name: str
    kind: Kind
    revision: str
    pinned: bool

    def __str__(self) -> str:
        return f"{self.name}@{self.revision[:8]}"


def resolve(name: str, kind: Kind, revision: str | None, waits: tuple[float, ...] | None = None) -> Repository:
    """The repository at its commit; a commit needs no network, a branch or None (the default branch) does.

    Args:
        waits: seconds before each further attempt; None: WAITS.

    Raises:
        UserError: no such repository or revision, no access, no network.
    """
    if revision is not None and COMMIT.fullmatch(revision):
        return Repository(name, kind, revision, pinned=True)

    def request() -> str:
        return HfApi().resolve_revision(name, repo_type=kind, revision=revision, local_files_only=is_offline()).resolved

    return Repository(name, kind, _attempt(request, f"{name}@{revision or 'main'}", kind, waits), pinned=False)


def is_offline() -> bool:
    """Whether requests to the Hub are forbidden (runtime.offline or HF_HUB_OFFLINE)."""
    return bool(constants.HF_HUB_OFFLINE)


def _at(repository: Repository) -> dict[str, Any]:
    return {"repo_type": repository.kind, "revision": repository.revision}


def listing(repository: Repository) -> dict[str, Entry]:
    """Every file of the repository; offline, as listed at an earlier download.

    Raises:
        UserError: no such repository or revision, no access, no network and nothing in the cache.
    """
    name, at = repository.name, _at(repository)
    if is_offline():
        try:
            return {file.path: Entry(file.size, None) for file in get_cached_repo_tree(name, **at)}
        except CachedRepoTreeNotFoundError as error:
            raise UserError(f"{repository}: {NOT_CACHED}") from error

    def request() -> dict[str, Entry]:
        files = [item for item in HfApi().list_repo_tree(name, **at, recursive=True) if isinstance(item, RepoFile)]
        return {file.path: Entry(file.size, file.lfs.sha256 if file.lfs else file.blob_id) for file in files}

    return _attempt(request, str(repository), repository.kind, waits=())


def download(repository: Repository, paths: Iterable[str], entries: dict[str, Entry]) -> Path:
    """The folder in the cache where each of the paths lies, whole and as the Hub describes it.

    A damaged file is removed and fetched once more.

    Raises:
        UserError: a file is damaged twice, cannot be fetched, or there is no space; names repository and file.
    """
    wanted = sorted(paths)
    for _ in range(2):
        folder = _snapshot(repository, wanted)
        damaged = [path for path in wanted if not intact(folder / path, entries[path])]
        if not damaged:
            return folder
        for path in damaged:
            (folder / path).resolve().unlink()
            (folder / path).unlink(missing_ok=True)
    raise UserError(
        f"{repository}: {damaged[0]}: arrived damaged twice (size or checksum is not the Hub's); try again later, "
        f"or look at a proxy in between"
    )


def _snapshot(repository: Repository, paths: list[str]) -> Path:
    def fetch() -> str:
        return snapshot_download(
            repository.name,
            **_at(repository),
            allow_patterns=[glob.escape(path) for path in paths],
            local_files_only=is_offline(),
            max_workers=4,
        )

    what = f"{repository}: {', '.join(paths[:3])}{' …' if len(paths) > 3 else ''}"
    folder = Path(_attempt(fetch, what, repository.kind))
    missing = [path for path in paths if not (folder / path).is_file()]
    if missing:
        raise UserError(f"{repository}: {missing[0]}: {NOT_CACHED}")
    return folder


def intact(path: Path, entry: Entry) -> bool:
    """Whether the file has the size and digest that the Hub states.

    Offline the digest is read from the Hub's cache, which names its copy of a file by it.
    """
    digest = entry.digest or path.resolve().name
    if path.stat().st_size != entry.size:
        return False
    if re.fullmatch(r"[0-9a-f]{64}", digest):
        return sha256(path) == digest
    return not COMMIT.fullmatch(digest) or git_hash(path.read_bytes()) == digest


def _attempt(action: Callable[[], Result], what: str, kind: Kind, waits: tuple[float, ...] | None = None) -> Result:
    """The action's result; transient faults are tried again after each of `waits` (WAITS where None)."""
    for attempt, wait in enumerate([*(WAITS if waits is None else waits), None], 1):
        try:
            return action()
        except Exception as error:  # three libraries raise here; those unknown are raised again
            if wait is None or not is_transient(error):
                line = explain(error, what, kind, attempt)
                if line is None:
                    raise
                silent = is_transient(error) and status(error) is None
                raise (NoConnectionError if silent else UserError)(line) from error
            print(f"{what}: {type(error).__name__}; again in {wait:g} s", file=sys.stderr, flush=True)
        time.sleep(wait)
    raise AssertionError("unreachable")

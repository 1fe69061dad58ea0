"""What the Hub client raises, as one line that says what to do. Tokens and signed addresses are never shown."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from huggingface_hub import errors

from src.errors import UserError

NOT_CACHED = "not (wholly) in the Hub cache; set runtime.offline to false once, where there is a network"


class NoConnectionError(UserError):
    """The Hub did not answer at all, after every attempt; other repositories would not be answered either."""


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def status(error: BaseException) -> int | None:
    """The HTTP status that the Hub answered with, where it answered."""
    for part in chain(error):
        code = getattr(getattr(part, "response", None), "status_code", None)
        if isinstance(code, int):
            return code
    return None


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later: no connection, timeouts, too many requests, 5xx."""
    code = status(error)
    if code is not None:
        return code in (408, 429) or code >= 500
    return not _is_disk_full(error) and any(_is_transport(part) for part in chain(error))


def _is_disk_full(error: BaseException) -> bool:
    return any(isinstance(part, OSError) and part.errno in (errno.ENOSPC, errno.EDQUOT) for part in chain(error))


def _is_transport(error: BaseException) -> bool:
    if isinstance(error, errors.OfflineModeIsEnabled):
        return False
    names = {base.__name__ for base in type(error).__mro__}
    incomplete = isinstance(error, OSError) and "Consistency check failed" in str(error)
    return incomplete or isinstance(error, ConnectionError | errors.XetDownloadError) or "TransportError" in names


_ACCOUNT = "`hf auth login` (or set HF_TOKEN) with an account that has access"
# What to do, the particular before the general: a gated repository is one that is not found.
_ADVICE = {
    errors.GatedRepoError: f"a gated {{kind}}; accept its terms on its Hub page, then {_ACCOUNT}",
    errors.RevisionNotFoundError: "no such revision; leave `revision` empty and run `python -m src.hub pin`",
    errors.RepositoryNotFoundError: f"no such {{kind}} on the Hub, or a private one: check the name, or {_ACCOUNT}",
    errors.HFValidationError: "no Hub id; expected OWNER/NAME",
    errors.FileMetadataError: "what answers is not the Hub: look at HF_ENDPOINT, or a proxy in between",
    errors.OfflineModeIsEnabled: NOT_CACHED,
    errors.IncompleteSnapshotError: NOT_CACHED,
}


def explain(error: BaseException, what: str, kind: str, attempts: int) -> str | None:
    """One line on a fault of the Hub's, the network's or the disk's; None for anything else."""
    full = "no space left in the Hub cache; free some, or let HF_HOME name a folder on a larger disk"
    known = (_ADVICE[fault] for fault in _ADVICE if any(isinstance(part, fault) for part in chain(error)))
    advice = full if _is_disk_full(error) else next(known, None)
    advice = advice or _answered(error, attempts) or _silent(error, attempts)
    return f"{what}: {advice.format(kind=kind)}" if advice else None


def _answered(error: BaseException, attempts: int) -> str | None:
    code = status(error)
    if code is None:
        return None
    if code in (401, 403):
        return f"the Hub refuses access (HTTP {code}); `hf auth login` with an account that may read it"
    if code == 404:
        return "not on the Hub (HTTP 404); check name and file"
    tried = f" after {attempts} attempts" if attempts > 1 else ""
    return f"the Hub answers HTTP {code}{tried}; the same command goes on from here later"


def _silent(error: BaseException, attempts: int) -> str | None:
    if is_transient(error):
        name = type(next(filter(_is_transport, chain(error)))).__name__
        tried = f" in {attempts} attempts" if attempts > 1 else ""
        return f"no connection to the Hub{tried} ({name}); what has arrived is kept: the same command goes on"
    return NOT_CACHED if isinstance(error, errors.LocalEntryNotFoundError | errors.RevisionResolutionError) else None

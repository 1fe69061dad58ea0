"""A server on this machine that speaks the Hub's protocol over a folder of repositories, with faults on order.

ROOT/datasets/OWNER/NAME/... and ROOT/models/OWNER/NAME/... are the repositories; the commit of one is a digest of its
files, so that a changed file is a new commit. Parquet and safetensors files are "large": redirected, with a SHA-256.
"""

import hashlib
import json
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = (".parquet", ".safetensors")
API = re.compile(r"^/api/(models|datasets)/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?$")
RESOLVE = re.compile(r"^/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)$")
STORED = re.compile(r"^/stored/(models|datasets)/([^/]+/[^/]+)/(.+)$")


class HubServer(ThreadingHTTPServer):
    """Serves while used as a context; `faults` maps a part of a file's name to [kind, how often is left].

    Kinds: drop (the connection, half-way), corrupt (a byte), 503, slow (`delay` seconds before the first byte).
    """

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.faults: dict[str, list] = {}
        self.gated: set[str] = set()
        self.listed_if_gated = False  # the Hub shows the files of some gated repositories to everybody
        self.requests: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self.delay = 3.0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no fault of the server's."""

    def files(self, kind: str, repository: str) -> dict[str, Path]:
        folder = self.root / kind / repository
        return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}

    def commit(self, kind: str, repository: str) -> str:
        digest = hashlib.sha1(f"{kind}/{repository}".encode())
        for name, path in self.files(kind, repository).items():
            digest.update(name.encode() + path.read_bytes())
        return digest.hexdigest()

    def fault(self, name: str) -> str | None:
        """The fault that is due for a file, counted down."""
        for part, left in self.faults.items():
            if part in name and left[1] > 0:
                left[1] -= 1
                return left[0]
        return None


def git_object(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: HubServer

    def log_message(self, *_: object) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests[f"{self.command} {path}"] += 1
        if parts := API.match(path):
            kind, repository, what, revision = parts.groups()
            if self._may_read(kind, repository, revision or "main"):
                self._api(kind, repository, what)
        elif parts := STORED.match(path):
            kind, repository, name = parts.groups()
            self._content(self.server.files(kind, repository)[name], name, {}, body)
        elif parts := RESOLVE.match(path):
            kind, repository, revision, name = parts.groups()
            if self._may_read(kind or "models", repository, revision):
                self._resolve(kind or "models", repository, name, body)
        else:
            self._refuse(404, "", "no such page")

    def _may_read(self, kind: str, repository: str, revision: str) -> bool:
        shown = self.server.listed_if_gated and self.path.startswith("/api/")
        if repository in self.server.gated and not shown:
            self._refuse(403, "GatedRepo", "Access to this repository is restricted")
        elif not (self.server.root / kind / repository).is_dir():
            self._refuse(401, "RepoNotFound", "Repository not found")
        elif revision not in ("main", self.server.commit(kind, repository)):
            self._refuse(404, "RevisionNotFound", "Invalid rev id")
        else:
            return True
        return False

    def _api(self, kind: str, repository: str, what: str | None) -> None:
        if self.server.fault(f"api {repository}") == "503":
            self._refuse(503, "", "busy")
            return
        if what != "tree":
            self._json({"id": repository, "sha": self.server.commit(kind, repository), "siblings": [], "tags": []})
            return
        entries = []
        for name, path in self.server.files(kind, repository).items():
            data = path.read_bytes()
            entry = {"type": "file", "path": name, "size": len(data), "oid": git_object(data)}
            if name.endswith(LARGE):
                entry["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            entries.append(entry)
        self._json(entries)

    def _resolve(self, kind: str, repository: str, name: str, body: bool) -> None:
        path = self.server.files(kind, repository).get(name)
        if path is None:
            self._refuse(404, "EntryNotFound", "Entry not found")
            return
        data, commit = path.read_bytes(), self.server.commit(kind, repository)
        headers = {"X-Repo-Commit": commit, "ETag": f'"{git_object(data)}"'}
        if name.endswith(LARGE):
            headers["X-Linked-ETag"] = f'"{hashlib.sha256(data).hexdigest()}"'
            headers["X-Linked-Size"] = str(len(data))
            headers["Location"] = f"http://localhost:{self.server.server_port}/stored/{kind}/{repository}/{name}"
            self._head(302, headers, 0)
            return
        self._content(path, name, headers, body)

    def _content(self, path: Path, name: str, headers: dict[str, str], body: bool) -> None:
        data = path.read_bytes()
        fault = self.server.fault(name) if body else None
        if fault == "503":
            self._refuse(503, "", "busy")
            return
        if fault == "slow":
            time.sleep(self.server.delay)
        if fault == "corrupt":
            data = bytes([data[0] ^ 1]) + data[1:]
        start = int(parts.group(1)) if (parts := re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))) else 0
        if start:
            headers = headers | {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        self._head(206 if start else 200, headers, len(data) - start)
        if not body:
            return
        sent = data[start : start + (len(data) - start) // 2] if fault == "drop" else data[start:]
        self.wfile.write(sent)
        self.wfile.flush()
        self.server.sent[name] += len(sent)
        if fault == "drop":
            self.close_connection = True

    def _head(self, status: int, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()

    def _json(self, value: object) -> None:
        data = json.dumps(value).encode()
        self._head(200, {"Content-Type": "application/json"}, len(data))
        self.wfile.write(data)

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._head(status, {"X-Error-Code": code, "X-Error-Message": message}, 0)


def use_in_stages(server: HubServer, home: Path, patch) -> None:
    """Let the processes that are started from here ask `server` and keep its files in `home`."""
    patch.setenv("HF_ENDPOINT", server.endpoint)
    patch.setenv("HF_HOME", str(home))
    patch.setenv("NO_PROXY", "127.0.0.1,localhost")
    patch.delenv("HF_HUB_OFFLINE", raising=False)


def use_in_process(server: HubServer, cache: Path, monkeypatch) -> None:
    """Let this process's Hub client ask `server`, keep its files in `cache` and lose no time between attempts."""
    from huggingface_hub import constants, hf_api
    from huggingface_hub.utils import _http

    from src.downloads import hub

    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(constants, "ENDPOINT", server.endpoint)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(hf_api.api, "endpoint", server.endpoint)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    monkeypatch.setattr(hub, "WAITS", (0.0,) * len(hub.WAITS))
    monkeypatch.setattr(_http.time, "sleep", lambda _: None)

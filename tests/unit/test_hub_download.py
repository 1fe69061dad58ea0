"""Files of a Hub repository, asked of a server on this machine that fails in every way a network can."""

import errno

import pytest
from huggingface_hub import constants

from src.downloads import hub as downloads
from src.downloads.hub import resolve
from src.errors import UserError
from tests.hub_server import HubServer, use_in_process

NAME = "owner/set"
LARGE = bytes(range(256)) * 8000


@pytest.fixture
def hub(tmp_path, monkeypatch):
    folder = tmp_path / "hub" / "datasets" / NAME
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "train-00000-of-00002.parquet").write_bytes(LARGE)
    (folder / "data" / "train-00001-of-00002.parquet").write_bytes(LARGE[::-1])
    (folder / "test.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (folder / "loader.py").write_text("raise SystemExit", encoding="utf-8")
    with HubServer(tmp_path / "hub") as server:
        use_in_process(server, tmp_path / "cache", monkeypatch)
        yield server


def fetch(*paths: str, revision: str | None = None):
    repository = resolve(NAME, "dataset", revision)
    entries = downloads.listing(repository)
    return downloads.download(repository, paths or [path for path in entries if "." in path], entries)


def test_a_branch_is_resolved_to_its_commit_and_a_commit_is_pinned(hub):
    repository = resolve(NAME, "dataset", None)
    assert repository.revision == hub.commit("datasets", NAME)
    assert not repository.pinned
    assert resolve(NAME, "dataset", repository.revision).pinned


def test_only_the_named_files_are_fetched(hub):
    folder = fetch("test.csv", "data/train-00000-of-00002.parquet")
    assert (folder / "data/train-00000-of-00002.parquet").read_bytes() == LARGE
    assert set(hub.sent) == {"test.csv", "data/train-00000-of-00002.parquet"}


def test_a_dropped_connection_resumes_rather_than_restarts(hub, monkeypatch):
    chunk = 1 << 16
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", chunk)
    hub.faults["train-00000"] = ["drop", 3]
    folder = fetch("data/train-00000-of-00002.parquet")
    assert (folder / "data/train-00000-of-00002.parquet").read_bytes() == LARGE
    assert hub.sent["data/train-00000-of-00002.parquet"] <= len(LARGE) + 3 * chunk


@pytest.mark.parametrize("fault", ["503", "slow", "corrupt"])
@pytest.mark.parametrize("path", ["data/train-00000-of-00002.parquet", "test.csv"])
def test_a_passing_fault_is_survived(hub, fault, path):
    hub.delay = 1.5
    hub.faults[path] = [fault, 2 if fault == "503" else 1]
    content = (fetch(path) / path).read_bytes()
    assert content == (hub.root / "datasets" / NAME / path).read_bytes()


@pytest.mark.parametrize(
    ("fault", "says"),
    [("503", "HTTP 503 after 5 attempts"), ("corrupt", "arrived damaged twice"), ("drop", "no connection")],
)
def test_a_lasting_fault_is_one_line_with_repository_and_file_and_leaves_nothing(hub, fault, says):
    hub.faults["train-00001"] = [fault, 10**6]
    with pytest.raises(UserError, match=says) as caught:
        fetch("data/train-00001-of-00002.parquet")
    assert NAME in str(caught.value)
    assert "train-00001-of-00002.parquet" in str(caught.value)
    hub.faults.clear()
    assert (fetch("data/train-00001-of-00002.parquet") / "data/train-00001-of-00002.parquet").read_bytes() == LARGE[
        ::-1
    ]


def test_what_is_gated_or_missing_is_one_line_that_says_what_to_do(hub):
    with pytest.raises(UserError, match=r"owner/none.*no such dataset.*check the name"):
        resolve("owner/none", "dataset", None)
    with pytest.raises(UserError, match="no such revision.*src.hub pin"):
        downloads.listing(resolve(NAME, "dataset", "0" * 40))
    with pytest.raises(UserError, match="expected OWNER/NAME"):
        resolve("a/b/c", "dataset", None)
    hub.gated.add(NAME)
    with pytest.raises(UserError, match=r"owner/set.*gated.*accept its terms.*hf auth login"):
        resolve(NAME, "dataset", None)


def test_a_gated_repository_that_lists_its_files_is_one_line_too(hub):
    hub.gated.add(NAME)
    hub.listed_if_gated = True
    with pytest.raises(UserError, match=r"owner/set.*test.csv: a gated dataset; accept its terms"):
        fetch("test.csv")
    with pytest.raises(UserError, match=r"owner/set.*train-00000.*: a gated dataset; accept its terms"):
        fetch("data/train-00000-of-00002.parquet")


def test_a_token_is_in_no_message(hub, monkeypatch, caplog):
    monkeypatch.setenv("HF_TOKEN", "hf_secretsecretsecret")
    hub.faults["test.csv"] = ["503", 10**6]
    with caplog.at_level("DEBUG"), pytest.raises(UserError) as caught:
        fetch("test.csv")
    assert "hf_secret" not in str(caught.value) + caplog.text


def test_offline_a_warm_cache_serves_without_a_request_and_a_damaged_copy_is_seen(hub, monkeypatch):
    revision = resolve(NAME, "dataset", None).revision
    fetch("test.csv", "data/train-00000-of-00002.parquet")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.requests.clear()
    assert fetch("test.csv", revision=revision)
    folder = fetch("test.csv", "data/train-00000-of-00002.parquet")
    assert not hub.requests
    (folder / "data/train-00000-of-00002.parquet").write_bytes(LARGE[::-1])
    with pytest.raises(UserError, match="cache|damaged"):
        fetch("data/train-00000-of-00002.parquet")


def test_offline_what_is_not_there_or_half_there_is_refused(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="not .wholly. in the Hub cache"):
        fetch("test.csv")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    fetch("test.csv")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="not .wholly. in the Hub cache"):
        fetch("data/train-00000-of-00002.parquet")


def test_a_full_disk_is_one_line(hub, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloads, "snapshot_download", full)
    with pytest.raises(UserError, match=r"owner/set@.*test.csv: no space left.*HF_HOME"):
        fetch("test.csv")

"""What a machine does to a run: a full disk, a cache that cannot be written, a lost lock file, a clock that jumps."""

import os
import shutil
import subprocess

import pytest

from tests.chain.test_pipeline import stages_run
from tests.checkout import SECRET, Checkout, filled_clone

pytestmark = pytest.mark.chain


@pytest.fixture
def checkout(tiny, tmp_path) -> Checkout:
    """A clone of the tiny run with its models in place, from a cache of its own."""
    return filled_clone(tiny, tmp_path / "clone", own_cache=True)


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KiB; only root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk; tests/unit/test_errors_files.py fakes one")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_one_line_and_leaves_nothing_half(checkout, small_disk):
    """data/prepared is on a disk that ends in the middle of a file."""
    shutil.rmtree(checkout.path / "data/prepared")
    (checkout.path / "data/prepared").symlink_to(small_disk)
    done = checkout.run("python", "-m", "src.stages", "prepare", "nli", check=False)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "No space left" in done.stderr
    assert list(small_disk.iterdir()) == []


def test_a_cache_that_cannot_be_written_stops_in_one_line(checkout):
    checkout.run("dvc", "config", "--local", "cache.dir", "/proc/no-cache")  # even root may not
    source = checkout.path / "src/stages/synthesize.py"
    source.write_text(source.read_text() + "\n# changed\n")
    before = checkout.git("status", "--porcelain")
    done = checkout.run("dvc", "repro", "synthesize", check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "/proc/no-cache" in done.stderr
    assert checkout.git("status", "--porcelain") == before


def test_a_lost_lock_file_is_made_again_from_the_run_cache(checkout):
    lock = checkout.path / "dvc.lock"
    before = lock.read_text()
    lock.unlink()
    done = checkout.run("dvc", "repro", "base_model")
    assert "Running stage" not in done.stdout
    assert set(lock.read_text().splitlines()) <= set(before.splitlines())


def test_a_clock_that_jumps_changes_nothing(checkout):
    """Files from 2001 and from 2099 are what they hold."""
    names = checkout.git("ls-files", "src", "params.yaml", "requirements.txt").split()
    for number, name in enumerate(names):
        moment = 1_000_000_000 if number % 2 else 4_080_000_000
        os.utime(checkout.path / name, (moment, moment))
    assert stages_run(checkout.run("dvc", "repro").stdout) == []
    assert checkout.git("status", "--porcelain").strip() == ""


def test_a_token_in_the_environment_is_in_no_file_of_a_run(tiny):
    """Logs, lock, reports, models, DVC's own folder: all that the run wrote."""
    files = [path for path in tiny.path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.name == "dvc.lock" for path in files)
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []

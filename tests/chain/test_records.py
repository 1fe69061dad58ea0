"""Every record in git is whole: its numbers are those that its own files give."""

import pytest

from src.record import variants
from src.record.__main__ import kind, recomputed
from tests.checkout import ROOT

pytestmark = pytest.mark.chain
RECORDS = sorted(path.parent for path in (ROOT / "reports" / "records").glob("*/params.yaml"))


@pytest.mark.parametrize("folder", RECORDS, ids=lambda folder: folder.name)
def test_every_number_of_a_record_in_git_is_recomputed_from_its_files(folder, monkeypatch):
    monkeypatch.chdir(ROOT)
    lines = list(recomputed(folder))
    assert [str(line) for line in lines if line.fault] == []
    assert sum(line.count for line in lines) > (20 if kind(folder) is variants else 1000)

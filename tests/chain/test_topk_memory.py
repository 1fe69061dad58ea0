"""Exact search over a million vectors on disk with less memory than they need."""

import subprocess
import sys

import numpy as np
import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.chain
DOCUMENTS, DIM, QUERIES, K = 1_000_000, 96, 40, 100
ALLOWED_MIB = 192  # the vectors are 366 MiB, the scores of all queries 153 MiB

SEARCH = """
import re, resource, sys
from pathlib import Path
import numpy as np, torch
from src.evaluation.topk import search
folder, allowed = Path(sys.argv[1]), int(sys.argv[2]) << 20
documents, queries = np.load(folder / "documents.npy", mmap_mode="r"), np.load(folder / "queries.npy")
torch.set_num_threads(2)
search(queries, documents[:1000], 10)  # threads and buffers of the first product
held = int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)) << 10
resource.setrlimit(resource.RLIMIT_DATA, (held + allowed, held + allowed))
try:
    np.array(documents)
    print("the limit does not hold")
except MemoryError:
    scores, rows = search(queries, documents, int(sys.argv[3]))
    np.save(folder / "scores.npy", scores), np.save(folder / "rows.npy", rows)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
def test_a_million_vectors_on_disk_are_searched_exactly_within_bounded_memory(tmp_path):
    generator = np.random.default_rng(0)
    documents = np.lib.format.open_memmap(tmp_path / "documents.npy", "w+", np.float32, (DOCUMENTS, DIM))
    for start in range(0, DOCUMENTS, 50_000):
        documents[start : start + 50_000] = generator.standard_normal((50_000, DIM), dtype=np.float32)
    documents[DOCUMENTS - 500 :] = documents[:500]  # equal vectors far apart: the lower row comes first
    queries = documents[:QUERIES] + 0.5 * generator.standard_normal((QUERIES, DIM), dtype=np.float32)
    np.save(tmp_path / "queries.npy", queries)
    documents.flush()
    command = [sys.executable, "-c", SEARCH, str(tmp_path), str(ALLOWED_MIB), str(K)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr[-2000:]
    rows = np.load(tmp_path / "rows.npy")
    lengths = np.linalg.norm(documents, axis=1)
    for query, best in zip(queries, rows, strict=True):
        cosines = (documents @ query / (lengths * np.linalg.norm(query))).astype(np.float64)
        kth = np.partition(cosines, -K)[-K]
        assert (cosines[best] > kth - 1e-5).all()
        assert set(np.flatnonzero(cosines > kth + 1e-5)) <= set(best)
    assert rows[:, 0].tolist() == list(range(QUERIES))
    assert rows[:, 1].tolist() == [DOCUMENTS - 500 + number for number in range(QUERIES)]

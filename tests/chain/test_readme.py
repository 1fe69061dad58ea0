"""README's commands: every one is run here, by another test, or by continuous integration."""

import re
import sys
from pathlib import Path

import pytest

from src.files import write_jsonl
from tests.beir import write_set
from tests.checkout import ROOT, clone, filled_clone, wait_for_queue

pytestmark = pytest.mark.chain
SET = "scifact_tr_synthetic"

# What stands in README, and where it is run; a command that is not here fails test_every_command_is_run.
RUN_BY = {
    "make repro": ".ci/run",
    "make test": ".ci/run",
    "make ablations": ".ci/run",
    "dvc repro": "tests/chain/test_pipeline.py",
    "dvc exp run -S train.batch_size=512": "tests/chain/test_pipeline.py",
    "dvc exp run -S nli.epochs=0 -S sts.epochs=0": "tests/chain/test_evaluation_stages.py",
    "dvc metrics show": "tests/chain/test_pipeline.py",
    "dvc metrics diff": "tests/chain/test_pipeline.py",
    "dvc plots show": "tests/chain/test_pipeline.py",
    "dvc exp run --queue -S 'train.batch_size=256,512,1024' && dvc queue start -j 2": "test_queue",
    r"dvc exp show --only-changed --drop '.*(/|\.txt|\.yaml)'": "test_queue",
    "dvc plots diff": "test_plots_diff_and_the_graph",
    "dvc dag --md": "test_plots_diff_and_the_graph",
    "dvc exp run $(python -m src.profile paper) -S train.batch_size=512": "tests/unit/test_profile.py",
    "dvc exp run $(python -m src.profile files)": "test_own_files",
    "dvc remote add -d storage PATH-OR-URL": "test_sharing",
    "dvc push": "test_sharing",
    "dvc pull dvc.yaml": "test_sharing",
    "dvc exp push --no-cache origin NAME": "test_sharing",
    "dvc exp branch NAME BRANCH": "test_sharing",
    "python -m src.search data/prepared/scifact_tr_synthetic/corpus.jsonl "
    '--query "enginar kaygıyı artırır mı?" --dims 64 --top 5': "tests/chain/test_search.py",
    "python -m src.plan paper": "tests/unit/test_plan.py",
    "pip install -r requirements-export.txt && python -m src.export": "tests/chain/test_export.py",
}


def commands(text: str) -> list[str]:
    """The lines after a prompt in the console blocks of a page, without their comments."""
    blocks = re.findall(r"```console\n(.*?)```", text, re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [re.sub(r"\s{2,}#.*", "", line[2:]).strip() for line in lines]


def test_every_command_is_run():
    assert set(commands((ROOT / "README.md").read_text(encoding="utf-8"))) == set(RUN_BY)
    here = Path(__file__).read_text(encoding="utf-8")
    for where in RUN_BY.values():
        assert f"def {where}(" in here if where.startswith("test_") else (ROOT / where).is_file()


def test_queue(tiny, tmp_path):
    """A queue in a fresh clone: both settings run beside each other and are listed."""
    checkout = filled_clone(tiny, tmp_path / "clone")
    checkout.run("dvc", "exp", "run", "--queue", "-S", "eval.depth=100,120", f"bm25@{SET}")
    checkout.run("dvc", "queue", "start", "-j", "2")
    assert wait_for_queue(checkout) == 2
    shown = checkout.run("dvc", "exp", "show", "--only-changed", "--drop", r".*(/|\.txt|\.yaml)", "--csv").stdout
    assert "/" not in shown.splitlines()[0]
    assert "eval.depth" in shown.splitlines()[0]
    assert len(shown.strip().splitlines()) >= 4  # header, workspace, commit, experiments


def test_plots_diff_and_the_graph(tiny, tmp_path):
    checkout = clone(tiny, tmp_path / "clone")
    curve = checkout.path / "reports/training/nli.csv"
    columns = len(curve.read_text().splitlines()[0].split(","))
    curve.write_text(curve.read_text() + ",".join(["9999"] + ["0"] * (columns - 1)) + "\n")
    page = checkout.run("dvc", "plots", "diff", "--out", "dvc_plots").stdout.strip().splitlines()[-1]
    assert "9999" in Path(page.removeprefix("file://")).read_text()
    assert "train_retrieval" in checkout.run("dvc", "dag", "--md").stdout


OWN = {
    "nli/train.jsonl": {"anchor": "Kedi uyuyor.", "positive": "Bir kedi uykuda.", "negative": "Kedi koşuyor."},
    "sts/train.jsonl": {"sentence1": "Kuş ötüyor.", "sentence2": "Kuş şakıyor.", "score": 4.5},
    "sts/test.jsonl": {"sentence1": "Su akıyor.", "sentence2": "Su duruyor.", "score": 1.0},
    "retrieval/train.jsonl": {"anchor": "Ay nedir?", "positive": "Ay, Dünya'nın uydusudur."},
    "text/train.jsonl": {"text": "Deniz dalgalı."},
}


def test_own_files(tiny, tmp_path):
    """A person's own pairs, prepared by the files profile, and again when a file changes; the rest is left alone."""
    checkout = clone(tiny, tmp_path / "clone")
    folder = checkout.path / "data/external"
    for name, row in OWN.items():
        write_jsonl(folder / name, [row])
    for name in ("xquad_tr", "thquad_dev"):
        documents, queries = {"d1": "Ankara başkenttir."}, {"q1": "Başkent neresi?"}
        write_set(folder / "eval" / name, documents, queries, [("q1", "d1", 1)])
    flags = checkout.run(sys.executable, "-m", "src.profile", "files").stdout.split()
    targets = ["prepare@sts", "prepare@retrieval"]
    checkout.run("dvc", "exp", "run", *flags, *targets)
    assert len((checkout.path / "data/prepared/sts/train.jsonl").read_text().splitlines()) == 1
    train = folder / "retrieval/train.jsonl"
    train.write_text(train.read_text() + '{"anchor": "Güneş nedir?"}\n')
    failed = checkout.run("dvc", "repro", *targets, check=False)
    assert failed.returncode != 0
    assert "retrieval/train.jsonl:2" in failed.stderr + failed.stdout
    assert "Running stage 'prepare@sts'" not in failed.stdout


def test_sharing(tiny, tmp_path):
    """Models by a remote, an experiment by git."""
    checkout = filled_clone(tiny, tmp_path / "clone")
    checkout.run("dvc", "remote", "add", "-d", "storage", str(tmp_path / "storage"))
    checkout.git("commit", "-qam", "A remote")
    checkout.run("dvc", "push", "train_retrieval")
    checkout.run("git", "init", "-q", "--bare", str(tmp_path / "server"))
    checkout.git("remote", "set-url", "origin", str(tmp_path / "server"))
    checkout.git("push", "-q", "origin", "HEAD")
    other = clone(checkout, tmp_path / "other")
    other.run("dvc", "pull", "train_retrieval")
    assert (other.path / "models/retrieval/model.safetensors").read_bytes() == (
        tiny.path / "models/retrieval/model.safetensors"
    ).read_bytes()
    checkout.run("dvc", "exp", "run", "-n", "deeper", "-S", "eval.depth=120", f"bm25@{SET}")
    checkout.run("dvc", "exp", "push", "--no-cache", "origin", "deeper")
    assert "deeper" in checkout.run("dvc", "exp", "list", "origin").stdout
    checkout.run("dvc", "exp", "branch", "deeper", "deeper-branch")
    assert "deeper-branch" in checkout.git("branch")

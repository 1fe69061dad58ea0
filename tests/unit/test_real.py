"""The table of real Turkish: from one's own sets to runs, measures and README, by systems that need no encoder."""

import json
import shutil
from pathlib import Path

import pytest

from src.cli import real
from src.errors import UserError
from src.evaluation import packed
from src.evaluation.beir import read_qrels
from src.evaluation.metrics import means, per_query
from src.files import read_json
from src.reporting.readme import between
from tests.beir import write_set
from tests.checkout import ROOT

SETS = ("thquad_dev", "turhistquad_mteb", "xquad_tr_mteb")
TOPICS = ["İzmir'in limanı", "Kapadokya'nın balonları", "Van Gölü'nün kedileri", "Göbeklitepe'nin taşları"]


@pytest.fixture
def workspace(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(real, "PUBLISHED", ("mteb-bm25s",))
    shutil.copytree(ROOT / "params", "params")
    shutil.copy(ROOT / "expected.yaml", "expected.yaml")
    Path("README.md").write_text("# Title\n\n<!-- real:begin -->\nold\n<!-- real:end -->\n\nrest\n", encoding="utf-8")
    for name in SETS:
        documents = {f"d{n}": topic for n, topic in enumerate(TOPICS)}
        queries = {f"q{n}": f"{topic} nerede?" for n, topic in enumerate(TOPICS)}
        qrels = [(f"q{n}", f"d{n}", 1) for n in range(len(TOPICS))]
        write_set(tmp_path / "data/external/eval" / name, documents, queries, qrels)
    return tmp_path


def test_a_run_writes_runs_measures_and_readmes_table(workspace, capsys):
    real.main([])
    assert f"the row {real.TRIMMED} is left out" in capsys.readouterr().out
    summaries = real.read_summaries()
    assert sorted(summaries) == sorted(SETS)
    for name, summary in summaries.items():
        assert summary["models"]["bm25_lemma"]["nDCG@10"] == 1.0
        runs = packed.read_runs(real.REPORTS / name / real.RUNS)
        assert set(runs) == set(summary["models"]) and runs["bm25_lemma"]["q0"][0][0] == "d0"
    page = Path("README.md").read_text(encoding="utf-8")
    assert page.startswith("# Title") and page.endswith("<!-- real:end -->\n\nrest\n") and "old" not in page
    assert "BM25 (lemmas) | 1.0000 [1.000, 1.000]" in page
    assert "multilingual-e5-large (published)" in page, "rows that nobody here can run stand beside ours"


def test_a_missing_set_is_one_line(workspace):
    shutil.rmtree(workspace / "data" / "external" / "eval" / "thquad_dev")
    with pytest.raises(UserError, match="eval/thquad_dev: no such folder"):
        real.main([])


def test_the_table_in_readme_is_that_of_the_reports_in_git(monkeypatch):
    monkeypatch.chdir(ROOT)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert between(page, real.MARK, real.table(real.read_summaries()).markdown()) == page
    assert (real.REPORTS / "table.md").read_text(encoding="utf-8") == real.table(real.read_summaries()).markdown()


def test_git_holds_no_text_of_the_sets():
    files = [path for path in (ROOT / real.REPORTS).rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"table.md", real.SUMMARY, real.RUNS, real.QRELS}
    words = [json.dumps(read_json(path)) for path in files if path.name == real.SUMMARY]
    assert len(words) == len(SETS) and not any(key in row for row in words for key in ('"text"', '"query"'))


@pytest.mark.parametrize("name", SETS)
def test_every_measure_in_git_is_recomputed_from_the_runs_and_judgements_in_git(name):
    folder = ROOT / real.REPORTS / name
    qrels, summary = read_qrels(folder / real.QRELS), read_json(folder / real.SUMMARY)
    runs = packed.read_runs(folder / real.RUNS)
    assert set(runs) == set(summary["models"])
    for system, run in runs.items():
        assert means(per_query(qrels, run)) == pytest.approx(summary["models"][system], abs=1e-6)


def test_published_values_are_met(monkeypatch):
    """all-MiniLM-L6-v2 and MTEB's own BM25 to the fifth digit, as the summaries in git say."""
    monkeypatch.chdir(ROOT)
    verdicts = {
        (name, item["model"]): {other["verdict"] for other in summary["published"] if other["model"] == item["model"]}
        for name, summary in real.read_summaries().items()
        for item in summary["published"]
    }
    assert verdicts["xquad_tr_mteb", "mteb-bm25s"] == {"OK"}
    assert verdicts["xquad_tr_mteb", "all-minilm-l6-v2"] == verdicts["turhistquad_mteb", "all-minilm-l6-v2"] == {"OK"}

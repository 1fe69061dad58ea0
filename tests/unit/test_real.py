"""The table of real Turkish: from one's own sets to runs, measures and README, by systems that need no encoder."""

import shutil
from pathlib import Path

import pytest

from src.cli.real import __main__ as real
from src.cli.real import measure, table
from src.errors import UserError
from src.evaluation import packed
from src.evaluation.beir import read_qrels
from src.evaluation.expected import EXPECTED, of_set, read_expected
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
    monkeypatch.setattr(measure, "PUBLISHED", ("mteb-bm25s",))
    shutil.copytree(ROOT / "params", "params")
    shutil.copy(ROOT / "expected.yaml", "expected.yaml")
    Path("README.md").write_text("# Title\n\n<!-- real:begin -->\nold\n<!-- real:end -->\n\nrest\n", encoding="utf-8")
    documents = {f"d{n}": topic for n, topic in enumerate(TOPICS)}
    queries = {f"q{n}": f"{topic} nerede?" for n, topic in enumerate(TOPICS)}
    qrels = [(f"q{n}", f"d{n}", 1) for n in range(len(TOPICS))]
    for name in SETS:
        write_set(tmp_path / "data/external/eval" / name, documents, queries, qrels)
    return tmp_path


def test_a_run_writes_runs_measures_and_readmes_table(workspace, capsys):
    real.main([])
    printed = capsys.readouterr().out
    assert f"the row {measure.TRIMMED} is left out" in printed
    assert "mteb-bm25s: nDCG@10 0.8945 published, ours 1.0000: off" in printed
    summaries = table.read_summaries()
    assert [summary["set"] for summary in summaries] == sorted(SETS, reverse=True)
    for summary in summaries:
        assert summary["models"]["bm25_lemma"]["nDCG@10"] == 1.0
        runs = packed.read_runs(table.REPORTS / summary["set"] / table.RUNS)
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
    assert between(page, "real", table.table(table.read_summaries()).markdown()) == page


@pytest.mark.parametrize("name", SETS)
def test_git_holds_no_text_and_gives_every_measure_again(name):
    folder = ROOT / table.REPORTS / name
    assert {path.name for path in folder.iterdir()} == {table.SUMMARY, table.RUNS, table.QRELS}
    qrels, summary = read_qrels(folder / table.QRELS), read_json(folder / table.SUMMARY)
    runs = packed.read_runs(folder / table.RUNS)
    assert set(runs) == set(summary["models"])
    for system, run in runs.items():
        assert means(per_query(qrels, run)) == pytest.approx(summary["models"][system], abs=1e-6)


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("xquad_tr_mteb", "mteb-bm25s"),
        ("xquad_tr_mteb", "all-minilm-l6-v2"),
        ("turhistquad_mteb", "all-minilm-l6-v2"),
    ],
)
def test_published_values_are_met_to_the_fifth_digit(name, model):
    summary = read_json(ROOT / table.REPORTS / name / table.SUMMARY)
    compared = of_set(read_expected(ROOT / EXPECTED), name, summary)
    assert {item.verdict for item in compared if item.entry.model == model} == {"OK"}

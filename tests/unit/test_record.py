"""Records of runs, and README's table made of them."""

import json
import socket
from pathlib import Path

import pytest

from src import record as stage
from src.errors import UserError
from src.files import read_json
from src.reporting import metrics, readme, record
from src.reporting.inputs import read_inputs
from src.reporting.markdown import quoted
from tests.unit.reporting_run import make_run, write

ROOT = Path(__file__).parents[2]


def finished(root, synthetic=True):
    """A run with its report."""
    name = "scifact_tr_synthetic" if synthetic else "xquad_tr"
    params = make_run(root, [name], synthetic)
    write(root / "reports" / "metrics.json", metrics.merge(read_inputs(params, root)))
    for file in ("params.yaml", "dvc.lock", "reports/summary.json", "reports/checks.json"):
        write(root / file, "{}")
    write(root / "reports" / "figures" / "a.svg", "svg")
    write(root / "reports" / "data" / "x.md", "card")
    body = f"# Report\n\n[x](data/x.md)\n\n![a](figures/a.svg)\n\n{quoted('İstanbul nerede?')}\n\nEnd\n"
    write(root / "reports" / "REPORT.md", body)
    same = {"seconds": 1.0, "tokens_per_second": 5, "share_of_peak": 0.5, "padding_waste": 0.1, "encoded_once": 1.0}
    steps = [{"rows": 9}] + [
        same | {"step": n, "pairs_per_second": 10 * n, "peak_memory_mb": n} for n in (1, 2, 1, 2, 3)
    ]
    write(root / "logs" / "train_nli.jsonl", "".join(json.dumps(step) + "\n" for step in steps))


def test_a_record_holds_the_run_and_its_evidence(tmp_path):
    finished(tmp_path / "run")
    folder = tmp_path / "record"
    record.write_record(tmp_path / "run", folder)
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {
        *("params.yaml", "dvc.lock", "metrics.json", "summary.json", "checks.json", "REPORT.md", "environment.json"),
        *("cost.json", "logs/train_nli.jsonl", "figures/a.svg", "data/x.md"),
    }
    environment = json.loads((folder / "environment.json").read_text())
    assert environment["machine"]["cores"] >= 1 and environment["machine"]["cpu"]
    assert environment["packages"]["torch"]
    assert socket.gethostname() not in (folder / "environment.json").read_text()


def test_the_cost_is_that_of_the_last_training_in_the_log(tmp_path):
    finished(tmp_path / "run")
    record.write_record(tmp_path / "run", tmp_path / "record")
    cost = json.loads((tmp_path / "record" / "cost.json").read_text())
    speed = {"pairs_per_second": 20, "tokens_per_second": 5, "share_of_peak": 0.5}
    computed = {"padding_waste": 0.1, "encoded_once": 1.0, "peak_memory_mb": 3}
    assert cost == {"nli": {"steps": 3, "seconds": 3.0} | speed | computed}


@pytest.mark.parametrize(("synthetic", "kept"), [(True, True), (False, False)])
def test_texts_of_other_peoples_data_stay_out_of_a_record(tmp_path, synthetic, kept):
    finished(tmp_path / "run", synthetic)
    record.write_record(tmp_path / "run", tmp_path / "record")
    page = (tmp_path / "record" / "REPORT.md").read_text(encoding="utf-8")
    assert ("İstanbul" in page) is kept
    assert page.endswith("End\n")


def test_a_run_that_was_not_made_is_refused(tmp_path):
    finished(tmp_path)
    (tmp_path / "dvc.lock").unlink()
    with pytest.raises(UserError, match=r"dvc\.lock: no such file; run `dvc repro`"):
        record.write_record(tmp_path, tmp_path / "record")


@pytest.mark.parametrize("arguments", [["../x"], ["Mini"], ["a/b"]])
def test_a_name_that_is_no_folder_name_is_refused(arguments):
    with pytest.raises(UserError, match="expected a name of small letters"):
        stage.main(arguments)


def test_readme_has_a_line_for_each_set_of_each_record(tmp_path):
    finished(tmp_path / "run")
    record.write_record(tmp_path / "run", tmp_path / "records" / "mini")
    table = readme.results(tmp_path / "records")
    assert (
        "[mini](reports/records/mini/REPORT.md) | scifact_tr_synthetic (synthetic), full, with titles | 12 |" in table
    )
    assert "stsb_tr_synthetic (synthetic) | 50 | 0.8500 | 0.8100 | -0.0400 |" in table


def test_the_table_stands_between_its_marks():
    begin, end = "<!-- results:begin -->", "<!-- results:end -->"
    old = f"a\n{begin}\nold\n{end}\nb\n"
    assert readme.between(old, "results", "new\n") == f"a\n{begin}\nnew\n{end}\nb\n"
    with pytest.raises(UserError, match="results:begin"):
        readme.between("nothing", "results", "new\n")


def test_readme_shows_what_the_records_hold():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    records = ROOT / "reports" / "records"
    expected = readme.between(text, "results", readme.results(records))
    expected = readme.between(expected, "mini", readme.headline(read_json(records / "mini" / "metrics.json")))
    assert expected == text, "run `python -m src.reporting.readme`"

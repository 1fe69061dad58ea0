"""Records of runs: what is filed, that every number of it is recomputed, and README's table made of them."""

import json
import re
import shutil
import socket

import numpy as np
import pytest
from dvc.utils.serialize import dump_yaml

from src.errors import UserError
from src.evaluation import packed
from src.evaluation.runs import write_run
from src.files import read_json, read_yaml, write_json, write_text
from src.params.load import ABLATIONS
from src.recipe.systems import FORMS, at_dim, quantised
from src.record import __main__ as command
from src.record import evidence, facts, run, variants
from src.reporting import readme
from tests.checkout import ROOT
from tests.unit.reporting_run import CHAIN, MODELS, QUERIES, make_run
from tests.unit.test_ablation import CHAIN as CHAIN_STEPS
from tests.unit.test_ablation import VALUES, file_variant, seeds, variant

NAME = "xquad_tr"
STEP = {"seconds": 1.0, "tokens_per_second": 5, "share_of_peak": 0.5, "padding_waste": 0.1, "encoded_once": 1.0}


def finished(root, name=NAME):
    """A run with its report: runs of every system, values of every pair, and the numbers that follow from them."""
    params = make_run(root, [name], synthetic=False)
    shutil.rmtree(root / "reports" / "ablation")
    shutil.rmtree(root / "reports" / "runs")
    dump_yaml(root / "params.yaml", params.model_dump(mode="json"))
    write_text(root / "dvc.lock", "schema: '2.0'\n")
    random = np.random.default_rng(0)
    dims = params.eval.dims
    small = [at_dim("retrieval", dim) for dim in dims[1:]]
    small += [quantised("retrieval", dim, form) for dim in dims for form in FORMS]
    for folder, systems in (("reports", MODELS), ("data", small)):
        for system in systems:
            scores = random.random((QUERIES, QUERIES))
            run = {
                f"q{query:02d}": [(f"d{row}", float(line[row])) for row in np.argsort(-line)]
                for query, line in enumerate(scores)
            }
            write_run(root / folder / "runs" / name / f"{system}.trec", run, system)
    gold = np.arange(30) / 6
    pairs = {"score": gold} | {
        f"{model}/{dim}/{kind}": (gold + random.random(30)).astype(np.float32)
        for model in CHAIN
        for dim in dims
        for kind in ("cosine", "dot", "euclidean", "manhattan")
    }
    packed.write_columns(root / "data/similarity/pairs.parquet", pairs)
    right = {f"{model}/{dim}": random.random(30) > 0.3 for model in CHAIN for dim in dims}
    packed.write_columns(root / "data/similarity/triplets.parquet", right)
    write_text(root / "reports" / "data" / "x.md", "card")
    log = [{"rows": 9}, *(STEP | {"step": n, "pairs_per_second": 10 * n, "peak_memory_mb": n} for n in (1, 2, 1, 2, 3))]
    write_text(root / "logs" / "train_nli.jsonl", "".join(json.dumps(step) + "\n" for step in log))
    evidence.collect(root, params, root / "collected")
    evidence.rebuild(root / "collected", params, root / "rebuilt")
    for result in evidence.recomputed(root / "rebuilt", params):
        shutil.copyfile(root / "rebuilt" / result, root / result)


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    """A record; who changes it takes a copy."""
    folder = tmp_path_factory.mktemp("record")
    finished(folder / "run")
    (folder / "filed").mkdir()
    run.file(folder / "run", folder / "filed")
    return folder / "filed"


@pytest.fixture
def copied(filed, tmp_path):
    return shutil.copytree(filed, tmp_path / "copy")


def test_a_record_holds_the_run_and_its_evidence(filed):
    names = {path.relative_to(filed).as_posix() for path in filed.rglob("*") if path.is_file()}
    assert names >= {
        *("params.yaml", "dvc.lock", "metrics.json", "summary.json", "checks.json", "REPORT.md"),
        *("cost.json", "logs/train_nli.jsonl", f"figures/models-{NAME}.svg", "data/x.md"),
        *(f"evidence/data/runs/{NAME}.parquet", "evidence/data/similarity/pairs.parquet"),
        *(f"evidence/reports/forgetting_errors/{NAME}.csv", "evidence/reports/training/nli.csv"),
    }
    environment = facts.environment()
    assert environment["machine"]["cores"] >= 1 and environment["machine"]["cpu"]
    assert environment["packages"]["torch"]
    assert socket.gethostname() not in json.dumps(environment)


def test_no_text_of_a_data_set_is_in_a_record(filed):
    for path in filed.rglob("*"):
        assert path.suffix in (".parquet", "") or "Soru" not in path.read_text(encoding="utf-8"), path
    assert "Texts of the data set are left out" in (filed / "REPORT.md").read_text(encoding="utf-8")


def test_the_cost_is_that_of_the_last_training_in_the_log(filed):
    speed = {"pairs_per_second": 20, "tokens_per_second": 5, "share_of_peak": 0.5}
    computed = {"padding_waste": 0.1, "encoded_once": 1.0, "peak_memory_mb": 3}
    assert read_json(filed / "cost.json") == {"nli": {"steps": 3, "seconds": 3.0} | speed | computed}


def faults(folder):
    """What differs in a record."""
    lines = list(run.check(folder))
    assert len(lines) > 15 and sum(line.count for line in lines) > 1000
    return [str(line) for line in lines if line.fault]


def test_every_number_of_a_record_is_recomputed(filed):
    assert faults(filed) == []


def in_the_report(folder):
    page = (folder / "REPORT.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| base encoder |"))
    last = max(index for index, letter in enumerate(row) if letter.isdigit())
    changed = row[:last] + str((int(row[last]) + 1) % 10) + row[last + 1 :]
    (folder / "REPORT.md").write_text(page.replace(row, changed), encoding="utf-8")


def in_the_metrics(folder):
    values = read_json(folder / "metrics.json")
    values[NAME]["bm25"]["nDCG@10"] += 1e-4
    write_json(folder / "metrics.json", values)


def in_a_run(folder):
    path = folder / "evidence/data/runs" / f"{NAME}.parquet"
    runs = packed.read_runs(path)
    first, second, *rest = runs["colbert"]["q00"]
    runs["colbert"]["q00"] = [(second[0], first[1]), (first[0], second[1]), *rest]
    runs["colbert"]["q01"] = runs["colbert"]["q01"][::-1]
    runs["colbert"] |= {query: [(d, -score) for d, score in hits] for query, hits in runs["colbert"].items()}
    packed.write_runs(path, runs)


def in_a_pair(folder):
    path = folder / "evidence/data/similarity/pairs.parquet"
    columns = packed.read_columns(path)
    columns["retrieval/128/cosine"] = columns["retrieval/128/cosine"][::-1]
    packed.write_columns(path, columns)


@pytest.mark.parametrize(
    ("corrupt", "named"),
    [
        (in_the_report, "table table_1-xquad_tr"),
        (in_the_metrics, "metrics.json"),
        (in_a_run, "reports/eval/xquad_tr.json"),
        (in_a_pair, "reports/eval/sts.json"),
    ],
)
def test_a_corrupted_value_is_seen(copied, corrupt, named):
    corrupt(copied)
    assert any(fault.startswith(f"{named}:") and " differ, first " in fault for fault in faults(copied))


def test_a_key_that_params_have_got_since_is_as_in_mini(copied):
    lines = (copied / "params.yaml").read_text(encoding="utf-8").splitlines(keepends=True)
    older = [line for line in lines if not line.startswith("  start:")]
    assert len(older) < len(lines)
    (copied / "params.yaml").write_text("".join(older), encoding="utf-8")
    assert faults(copied) == []


def test_a_record_without_evidence_or_with_params_that_do_not_validate_is_refused(copied):
    with (copied / "params.yaml").open("a", encoding="utf-8") as stream:
        stream.write("\nnothing: 1\n")
    with pytest.raises(UserError, match="nothing: no such key"):
        list(run.check(copied))
    shutil.rmtree(copied / "evidence")
    with pytest.raises(UserError, match="a record without evidence cannot be checked"):
        list(run.check(copied))


def test_a_run_that_was_not_made_is_refused(tmp_path):
    finished(tmp_path)
    (tmp_path / "record").mkdir()
    (tmp_path / "reports/eval/sts.json").unlink()
    with pytest.raises(UserError, match=r"sts\.json: no such file; run `dvc repro`"):
        run.file(tmp_path, tmp_path / "record")
    (tmp_path / "dvc.lock").unlink()
    with pytest.raises(UserError, match=r"dvc\.lock: no such file; run `dvc repro`"):
        run.file(tmp_path, tmp_path / "record")


def test_a_run_of_which_a_stage_was_not_made_again_is_refused(tmp_path, monkeypatch):
    finished(tmp_path)
    path = tmp_path / "reports" / "eval" / f"{NAME}.json"
    values = read_json(path)
    values["models"]["bm25"]["nDCG@10"] += 0.01
    write_json(path, values)
    monkeypatch.chdir(tmp_path)
    for module in (command, facts):
        monkeypatch.setattr(module, "git", lambda *_: "")
    with pytest.raises(UserError, match="differ from what the record's files give"):
        command.main(["new"])
    assert not (tmp_path / command.RECORDS / "new").exists()


def test_readme_has_a_line_for_each_set_of_each_record(filed, tmp_path):
    shutil.copytree(filed, tmp_path / "records" / "mini")
    table = readme.results(tmp_path / "records")
    assert "[mini](reports/records/mini/REPORT.md) | xquad_tr, full, with titles | 12 |" in table
    change = read_json(filed / "metrics.json")["forgetting"]
    assert f"| 30 | {change['before']:.4f} | {change['after']:.4f} | {-change['drop']:+.4f} |" in table


def test_readme_shows_what_the_records_hold():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    records = ROOT / "reports" / "records"
    expected = readme.between(text, "results", readme.results(records))
    expected = readme.between(expected, "mini", readme.headline(read_json(records / "mini" / "metrics.json")))
    assert expected == text, "run `python -m src.reporting.readme`"


def test_variants_filed_before_a_key_was_there_are_read_as_mini_has_it(filed, tmp_path):
    values = read_yaml(filed / "evidence" / "ablations" / "params.yaml")
    kept = {key: value for key, value in values.items() if key not in ("sets", "seeds")}
    (tmp_path / "ablations").mkdir()
    dump_yaml(tmp_path / "ablations" / "params.yaml", kept)
    ablations = evidence.ablations_at(tmp_path / ABLATIONS, evidence.params_of(filed))
    assert (ablations.sets, ablations.seeds, list(ablations.variants)) == (None, [], list(values["variants"]))


@pytest.fixture
def variants_filed(tmp_path):
    """A record of three variants at three seeds."""
    rows = {"better": {"path": CHAIN_STEPS}, "same": {"path": ["nli", "retrieval"]}}
    (tmp_path / "run/ablations").mkdir(parents=True)
    shutil.copyfile(ROOT / "params.yaml", tmp_path / "run/params.yaml")
    full = VALUES["variants"]["full"]
    dump_yaml(tmp_path / "run/ablations/params.yaml", VALUES | {"variants": {"full": full, **rows}})
    for name, level in {"full": 0.5, "better": 0.8, "same": 0.5}.items():
        file_variant(tmp_path / "run/data/ablation", variant(name, **rows), seeds(level, 0.1))
    (tmp_path / "record").mkdir()
    variants.file(tmp_path / "run", tmp_path / "record")
    return tmp_path / "record"


def test_a_record_of_variants_is_recomputed_from_its_queries_and_pairs(variants_filed):
    assert command.kind(variants_filed) is variants
    lines = list(variants.check(variants_filed))
    assert [line for line in lines if line.fault] == []
    assert [line.what for line in lines[:2]] == ["comparison.json", "TABLE.md"]
    assert re.search(r"\| better \| 7 \| 0\.[78]\d\d ± ", (variants_filed / "TABLE.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", ["comparison.json", "better/queries.tsv"])
def test_a_changed_number_of_a_record_of_variants_is_named(variants_filed, file):
    path = variants_filed / file
    text = path.read_text(encoding="utf-8")
    *_, last = re.finditer(r"0\.\d\d", text)
    path.write_text(f"{text[: last.start()]}0.11{text[last.end() :]}", encoding="utf-8")
    faults = [str(line) for line in variants.check(variants_filed) if line.fault]
    assert faults and all("differ" in fault for fault in faults)


def test_a_record_of_variants_needs_them_all(variants_filed, tmp_path):
    shutil.rmtree(tmp_path / "run/data/ablation/same")
    with pytest.raises(UserError, match=r"same: no such folder; `dvc repro ablations/dvc.yaml:ablate@same`"):
        variants.file(tmp_path / "run", tmp_path)

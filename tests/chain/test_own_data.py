"""A few hundred pairs of one's own: the profile `files` from data to report, in the workspace, --temp and --queue."""

import sys
from contextlib import suppress

import pytest
from dvc.utils.serialize import dump_yaml

from src import check
from src.cli import compare_ablations
from src.files import read_json, read_yaml, write_jsonl
from tests.beir import write_set
from tests.checkout import Checkout, make_checkout, wait_for_queue
from tests.pipelines import run_pipeline, set_profile
from tests.stages import run_stage

pytestmark = pytest.mark.chain
CITIES = ("Ankara", "Bursa", "Edirne", "Hatay", "Konya", "Mersin", "Ordu", "Rize", "Sivas", "Trabzon")
GOODS = ("buğday", "çay", "elma", "fındık", "incir", "kayısı", "limon", "mısır", "pirinç", "zeytin")
YEARS = (2019, 2021, 2023)
# Sizes of the encoder alone: what depends on the size of the data is the profile's own.
SMALL = [
    *("base_model.vocab_size=400", "base_model.hidden_size=32", "base_model.layers=1", "base_model.heads=2"),
    *("base_model.intermediate_size=64", "colbert.dim=16", "eval.bootstrap_resamples=100"),
    *(f"{block}.dims=[32,16]" for block in ("nli", "sts", "train", "eval")),
]
KEPT = {"full", "batch_256", "batch_512", "batch_2048", "mix_inverse_cloze"}


def write_own_data(folder):
    """300 pairs, triplets and texts, 160 scored pairs, and an evaluation set of 40 questions."""
    facts = [(city, goods, year) for city in CITIES for goods in GOODS for year in YEARS]
    questions = [f"{city} ilinde {year} yılında {goods} hasadı nasıl geçti?" for city, goods, year in facts]
    answers = [f"{city} {year} yılında bol {goods} topladı." for city, goods, year in facts]
    denials = [f"{city} {year} yılında hiç {goods} toplamadı." for city, goods, year in facts]
    triples = list(zip(questions, answers, denials, strict=True))
    write_jsonl(folder / "text/train.jsonl", [{"text": text} for text in answers])
    write_jsonl(folder / "nli/train.jsonl", [{"anchor": a, "positive": p, "negative": n} for a, p, n in triples])
    write_jsonl(folder / "retrieval/train.jsonl", [{"anchor": a, "positive": p} for a, p, _ in triples])
    rated = [
        {"sentence1": p, "sentence2": other, "score": score} for _, p, n in triples for other, score in ((p, 5), (n, 1))
    ]
    write_jsonl(folder / "sts/train.jsonl", rated[:120])
    write_jsonl(folder / "sts/test.jsonl", rated[120:160])
    documents = {f"d{n}": f"{city}: {city} ilinin tarihi." for n, city in enumerate(CITIES)}
    queries = {f"q{n}": f"{city} ilinin tarihi nedir?" for n, city in enumerate(CITIES)}
    write_set(folder / "eval/mine", documents, queries, [(f"q{n}", f"d{n}", 1) for n in range(len(CITIES))])


@pytest.fixture
def own(tmp_path) -> Checkout:
    """A checkout with own data and their evaluation set named in params/files.yaml, as README says."""
    checkout = make_checkout(tmp_path / "repo")
    write_own_data(checkout.path / "data/external")
    profile = read_yaml(checkout.path / "params/files.yaml")
    options = next(iter(profile["eval"]["sets"].values()))
    profile["eval"]["sets"] = {"mine": options | {"path": "data/external/eval/mine"}}
    dump_yaml(checkout.path / "params/files.yaml", profile)
    checkout.git("config", "user.name", "t")
    checkout.git("config", "user.email", "t@example.org")
    checkout.git("commit", "-qam", "My evaluation set")
    return checkout


def test_300_pairs_give_a_full_report_at_the_first_try(own, monkeypatch, capsys):
    rows = read_yaml(own.path / "ablations/params.yaml")["variants"]
    fewer = [f"ablations/params.yaml:~variants.{name}" for name in rows if name not in KEPT]
    set_profile(own, "files", SMALL + fewer)
    run_pipeline(own, "dvc.yaml", "ablations/dvc.yaml")
    monkeypatch.chdir(own.path)
    compare_ablations.main([])
    for name in ("forgetting_errors", "report"):
        run_stage(name)
    comparison = read_json(own.path / "reports/ablation/comparison.json")
    card = read_json(own.path / "data/prepared/retrieval/card.json")
    pairs = card["splits"]["train"]["kept"]
    whole = read_json(own.path / "reports/ablation/full/summary.json")
    assert whole["trained"][-1]["rows"] == pairs <= 300 and {"full", "batch_256"} <= set(comparison["rows"])
    assert comparison["left_out"] == {
        "batch_512": f"its retrieval batch of 512 is larger than the {pairs} rows",
        "batch_2048": f"its retrieval batch of 2048 is larger than the {pairs} rows",
        "mix_inverse_cloze": comparison["left_out"]["mix_inverse_cloze"],  # passages of one sentence
    }
    report = (own.path / "reports/REPORT.md").read_text(encoding="utf-8")
    assert f"Left out: batch_512, since its retrieval batch of 512 is larger than the {pairs} rows." in report
    assert "### Batch size" in report and "mine" in report
    with suppress(SystemExit):
        check.main([])
    assert "not applicable  batch of the retrieval step: 128" in capsys.readouterr().out


def test_own_data_go_along_into_temp_and_queue(own):
    flags = own.run(sys.executable, "-m", "src.profile", "files").stdout.split()
    run = ["dvc", "exp", "run", "--copy-paths", "data/external", *flags]
    own.run(*run, "--temp", "prepare@sts")
    own.run(*run, "--queue", "prepare@nli")
    own.run("dvc", "queue", "start")
    assert wait_for_queue(own) == 1


def test_without_the_data_the_profile_stops_the_run_in_one_line(tmp_path):
    checkout = make_checkout(tmp_path / "repo")
    done = checkout.run("bash", "-c", "dvc exp run $(python -m src.profile files)", check=False)
    assert done.returncode != 0 and "Running stage" not in done.stdout
    fault, stopped = done.stderr.strip().splitlines()
    assert fault.startswith("error: missing: data/external/text/train")
    assert stopped.startswith("ERROR: 'profile-refused' does not exist")

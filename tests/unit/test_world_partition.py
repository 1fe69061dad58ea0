"""What the sets really tell: every finding is traced as it is put into words, at sizes near the mini profile's."""

import json
import random

import pytest
from dvc.utils.serialize import dump_yaml

from src.files import read_yaml
from src.params import load_params
from src.world import render, sets
from src.world.facts import Fact
from tests.stages import run_stage


@pytest.fixture
def told(monkeypatch):
    """The findings put into words so far, in order."""
    found: list[Fact] = []
    put_into_words = render.Words.__init__

    def traced(self, random_, fact, *arguments, **options):
        found.append(fact)
        put_into_words(self, random_, fact, *arguments, **options)

    monkeypatch.setattr(render.Words, "__init__", traced)
    return found


def texts_of(rows):
    return {text for row in rows for key, text in row.items() if isinstance(text, str) and key not in ("source", "_id")}


def test_training_and_evaluation_share_neither_finding_nor_text(told):
    stream = random.Random(11)
    trained = texts_of(
        [
            *sets.text(stream, 3000),
            *sets.nli(stream, 3000, False),
            *sets.sts(stream, 2000, False),
            *sets.retrieval(stream, 3000, 0.45),
        ]
    )
    findings = set(told)
    told.clear()
    claims = sets.claims(stream, documents=1000, dev=150, test=150, known=0.45)
    held = [*sets.nli(stream, 500, True), *sets.sts(stream, 500, True), *claims.documents, *claims.queries]
    assert len(findings) > 5000 and len(set(told)) > 1000
    assert not findings & set(told)
    assert not trained & texts_of(held)


def test_no_abstract_of_the_mini_world_answers_a_claim_that_it_is_not_judged_for(told, monkeypatch):
    """A second finding that met another claim would make a right answer count as wrong.

    The generator does not guarantee it: about a third of the seeds have such an abstract. So the world that is
    used is checked.
    """
    options = load_params().synthesize
    abstracts: list[tuple[Fact, list[Fact]]] = []
    make = sets.passage

    def traced(random_, fact, others):
        told.clear()
        made = make(random_, fact, others)
        abstracts.append((fact, list(told)))
        return made

    monkeypatch.setattr(sets, "passage", traced)
    stream, dev, test = random.Random(f"{options.seed} claims"), options.claims_dev, options.claims_test
    sets.claims(stream, options.documents, dev, test, options.known_words)
    assert len(abstracts) == options.documents
    claimed = {either for fact, _ in abstracts[: dev + test] for either in (fact, fact.opposite())}
    for main, findings in abstracts:
        assert not {fact for fact in findings if fact not in (main, main.opposite())} & claimed


def test_the_stage_writes_the_layout_of_users_data_alike_each_time(tmp_path, monkeypatch):
    params = read_yaml("params.yaml")
    small = dict.fromkeys(("nli_rows", "sts_rows", "retrieval_rows", "text_rows", "held_out_rows"), 20)
    params["synthesize"] |= small | {"documents": 60, "claims_dev": 10, "claims_test": 10}
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        dump_yaml(tmp_path / name / "params.yaml", params)
        run_stage("synthesize", "synthetic")
        root = tmp_path / name / "data/synthetic"
        written.append({str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()})
    assert written[0] == written[1]
    claims = "eval/scifact_tr_synthetic"
    expected = {f"{claims}/{file}" for file in ("corpus.jsonl", "queries.jsonl", "qrels/dev.tsv", "qrels/test.tsv")}
    assert expected | {"text/train.jsonl", "nli/dev.jsonl", "sts/test.jsonl", "retrieval/train.jsonl"} <= set(
        written[0]
    )
    sources = [json.loads(body) for file, body in written[0].items() if file.endswith("source.json")]
    assert len(sources) == 5 and all(source["synthetic"] is True and source["licence"] for source in sources)

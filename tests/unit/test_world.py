"""The synthetic world: deterministic, balanced, and no finding or text of evaluation stands in training."""

import json
import random

import pytest
from dvc.utils.serialize import dump_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from src.checked import read_checked
from src.errors import UserError
from src.files import read_yaml
from src.params import load_params
from src.world import render, sets
from src.world.facts import Fact, change, draw, likeness
from src.world.lexicon import (
    CONDITIONS,
    EFFECTS,
    FORMS,
    HELD_OUT_SOURCES,
    LEXICON,
    ORGANISMS,
    SOURCES,
    TARGETS,
    Entries,
    hosts,
)
from src.world.render import academic, everyday, negated
from tests.stages import run_stage

SEEDS = st.integers(0, 2**32)


def make_claims(seed: int = 1) -> sets.Claims:
    return sets.claims(random.Random(seed), documents=300, dev=40, test=40, known=0.4)


def test_a_lexicon_is_refused_by_the_name_of_the_key(tmp_path):
    text = LEXICON.read_text(encoding="utf-8")
    broken = tmp_path / "lexicon.yaml"
    broken.write_text(text.replace("forms:", "shapes:", 1), encoding="utf-8")
    with pytest.raises(UserError, match=r"lexicon\.yaml: forms: missing"):
        read_checked(Entries, broken)
    broken.write_text(text.replace("opposite: down", "opposite: 3", 1), encoding="utf-8")
    with pytest.raises(UserError, match=r"lexicon\.yaml: effects\.up\.opposite: .*string"):
        read_checked(Entries, broken)


@given(SEEDS, st.integers(1, 6), st.booleans())
@settings(max_examples=100)
def test_a_changed_finding_differs_in_so_many_slots_and_stays_on_its_side(seed, slots, held_out):
    random_ = random.Random(seed)
    fact = draw(random_, held_out)
    other = change(random_, fact, slots)
    assert sum(getattr(fact, name) != getattr(other, name) for name in Fact.__dataclass_fields__) == slots
    assert other.held_out == fact.held_out == held_out
    assert other.effect != EFFECTS[fact.effect].opposite
    assert other.organism in hosts(other.target)


@given(SEEDS)
@settings(max_examples=50)
def test_likeness_is_symmetric_and_highest_for_the_same_finding(seed):
    random_ = random.Random(seed)
    one, other = draw(random_, False), draw(random_, False)
    assert abs(likeness(one, one) - 1) < 1e-9
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, one.opposite()) < 0.7


def test_every_claim_has_its_abstract_and_abstracts_are_different_findings():
    claims = make_claims()
    ids = {row["_id"] for row in claims.documents}
    assert len(ids) == len(claims.documents) == 300
    assert {split: len(qrels) for split, qrels in claims.qrels.items()} == {"dev": 40, "test": 40}
    judged = [document for qrels in claims.qrels.values() for _, document, _ in qrels]
    assert set(judged) <= ids
    assert len(set(judged)) == 80
    assert not {q for q, _, _ in claims.qrels["dev"]} & {q for q, _, _ in claims.qrels["test"]}


def test_scores_cover_the_scale():
    scores = [row["score"] for row in sets.sts(random.Random(0), 500, False)]
    assert min(scores) == 0 and max(scores) == 5
    assert len({round(score) for score in scores}) == 6


def test_registers_share_few_words():
    """Words alone must not decide: two statements of a finding in different registers have few words in common."""
    random_ = random.Random(0)
    shares = []
    for _ in range(300):
        fact = draw(random_, False)
        one, other = (
            set(text.rstrip(".?").split()) for text in (academic(random_, fact), everyday(random_, fact, False))
        )
        shares.append(len(one & other) / len(one | other))
    assert sum(shares) / len(shares) < 0.1


def test_sentences_begin_with_a_capital_and_end_with_a_stop():
    random_ = random.Random(0)
    for _ in range(300):
        fact = draw(random_, False)
        for text in (academic(random_, fact), everyday(random_, fact, True), negated(random_, fact)):
            assert text[0].isupper() and text[-1] in ".?"
            assert "  " not in text and "+" not in text and "~" not in text


def test_no_two_concepts_share_a_word():
    """A shared word would make a distractor as right as the answer."""
    for concepts in (SOURCES + HELD_OUT_SOURCES, FORMS, TARGETS, ORGANISMS, CONDITIONS):
        words = [word for concept in concepts for word in {noun.text for noun in concept.academic + concept.everyday}]
        assert len(words) == len(set(words))
    stems = [stem for effect in EFFECTS.values() for stem in {verb.stem for verb in effect.academic + effect.everyday}]
    assert len(stems) == len(set(stems))


@pytest.fixture
def findings(monkeypatch):
    """The findings put into words so far, in order, at sizes near the mini profile's."""
    traced_facts: list[Fact] = []
    put_into_words = render.Words.__init__

    def traced(self, random_, fact, *arguments, **options):
        traced_facts.append(fact)
        put_into_words(self, random_, fact, *arguments, **options)

    monkeypatch.setattr(render.Words, "__init__", traced)
    return traced_facts


def texts_of(rows):
    return {text for row in rows for key, text in row.items() if isinstance(text, str) and key not in ("source", "_id")}


def test_training_and_evaluation_share_neither_finding_nor_text(findings):
    stream = random.Random(11)
    trained = texts_of(
        [
            *sets.text(stream, 3000),
            *sets.nli(stream, 3000, False),
            *sets.sts(stream, 2000, False),
            *sets.retrieval(stream, 3000, 0.45),
        ]
    )
    of_training = set(findings)
    findings.clear()
    claims = sets.claims(stream, documents=1000, dev=150, test=150, known=0.45)
    held = [*sets.nli(stream, 500, True), *sets.sts(stream, 500, True), *claims.documents, *claims.queries]
    assert len(of_training) > 5000 and len(set(findings)) > 1000
    assert not of_training & set(findings)
    assert not trained & texts_of(held)


def test_no_abstract_of_the_mini_world_answers_a_claim_that_it_is_not_judged_for(findings, monkeypatch):
    """A second finding that met another claim would make a right answer count as wrong.

    The generator does not guarantee it: about a third of the seeds have such an abstract. So the world that is
    used is checked.
    """
    options = load_params().synthesize
    abstracts: list[tuple[Fact, list[Fact]]] = []
    make = sets.passage

    def traced(random_, fact, others):
        findings.clear()
        made = make(random_, fact, others)
        abstracts.append((fact, list(findings)))
        return made

    monkeypatch.setattr(sets, "passage", traced)
    stream, dev, test = random.Random(f"{options.seed} claims"), options.claims_dev, options.claims_test
    sets.claims(stream, options.documents, dev, test, options.known_words)
    assert len(abstracts) == options.documents
    claimed = {either for fact, _ in abstracts[: dev + test] for either in (fact, fact.opposite())}
    for main, rendered in abstracts:
        assert not {fact for fact in rendered if fact not in (main, main.opposite())} & claimed


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

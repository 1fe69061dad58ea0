"""The synthetic world: deterministic, balanced, and what evaluates is never told in training."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.checked import read_checked
from src.errors import UserError
from src.world import sets
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

SEEDS = st.integers(0, 2**32)


def make_claims(seed: int = 1) -> sets.Claims:
    return sets.claims(random.Random(seed), documents=300, dev=40, test=40, known=0.4)


def rows_of(seed: int) -> list[list[dict]]:
    return [
        list(sets.nli(random.Random(seed), 50, False)),
        list(sets.sts(random.Random(seed), 50, False)),
        list(sets.retrieval(random.Random(seed), 50, 0.4)),
        list(sets.text(random.Random(seed), 50)),
    ]


def test_a_lexicon_is_refused_by_the_name_of_the_key(tmp_path):
    text = LEXICON.read_text(encoding="utf-8")
    broken = tmp_path / "lexicon.yaml"
    broken.write_text(text.replace("forms:", "shapes:", 1), encoding="utf-8")
    with pytest.raises(UserError, match=r"lexicon\.yaml: forms: missing"):
        read_checked(Entries, broken)
    broken.write_text(text.replace("opposite: down", "opposite: 3", 1), encoding="utf-8")
    with pytest.raises(UserError, match=r"lexicon\.yaml: effects\.up\.opposite: .*string"):
        read_checked(Entries, broken)


def test_the_same_seed_gives_the_same_world():
    assert rows_of(3) == rows_of(3) != rows_of(4)
    assert make_claims() == make_claims()


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


def test_no_evaluation_text_or_finding_is_told_in_training():
    evaluated = make_claims()
    texts = {row["text"] for row in evaluated.documents + evaluated.queries}
    trained = {text for rows in rows_of(5) for row in rows for text in row.values() if isinstance(text, str)}
    assert not texts & trained
    random_ = random.Random(0)
    pairs = {(fact.source, fact.target) for fact in (draw(random_, False) for _ in range(3000))}
    held = {(fact.source, fact.target) for fact in (draw(random_, True) for _ in range(3000))}
    assert not pairs & held
    assert all(source < len(SOURCES) for source, _ in pairs)
    assert any(source >= len(SOURCES) for source, _ in held)


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
    """Words alone must not decide: two tellings of a finding in different registers have few words in common."""
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

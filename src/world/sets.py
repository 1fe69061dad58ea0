"""The world as data sets: NLI triplets, scored pairs, query-passage pairs, plain text, claims against abstracts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from src.strict_json import Row
from src.world.facts import Fact, change, draw, likeness
from src.world.render import academic, background, everyday, negated, title


def statement(random_: random.Random, fact: Fact) -> str:
    """A sentence in either register."""
    return academic(random_, fact) if random_.random() < 0.5 else everyday(random_, fact, ask=False)


def nli(random_: random.Random, rows: int, held_out: bool) -> Iterator[Row]:
    """Triplets: a finding, the same in other words, and its denial, its opposite or a neighbour."""
    for _ in range(rows):
        fact = draw(random_, held_out)
        kind = random_.random()
        if kind < 0.3:
            negative = negated(random_, fact)
        else:
            negative = statement(
                random_, fact.opposite() if kind < 0.6 else change(random_, fact, random_.choice((1, 2)))
            )
        yield {"anchor": statement(random_, fact), "positive": statement(random_, fact), "negative": negative}


def sts(random_: random.Random, rows: int, held_out: bool) -> Iterator[Row]:
    """Pairs scored from 0 to 5 in steps of 0.2 by what they share."""
    for _ in range(rows):
        fact = draw(random_, held_out)
        slots = random_.choice((0, 0, 1, 2, 3, 4, 5, 6))
        other = change(random_, fact, slots) if slots else fact
        if random_.random() < 0.1:
            other = other.opposite()
        score = round(5 * likeness(fact, other) * 5) / 5
        yield {"sentence1": statement(random_, fact), "sentence2": statement(random_, other), "score": score}


def passage(random_: random.Random, fact: Fact, others: int) -> tuple[str, str]:
    """Title and text: the finding, further findings about its source or target, and a sentence of method."""
    sentences = [academic(random_, fact)]
    sentences += [academic(random_, change(random_, fact, random_.choice((2, 3)))) for _ in range(others)]
    sentences += [background(random_)] * (random_.random() < 0.4)
    random_.shuffle(sentences)
    return title(random_, fact), " ".join(sentences)


def retrieval(random_: random.Random, rows: int, known: float) -> Iterator[Row]:
    """Everyday queries with the passage that answers them. `known`: how often a query uses an academic word."""
    for _ in range(rows):
        fact = draw(random_, held_out=False)
        query = everyday(random_, fact, ask=random_.random() < 0.5, known=known)
        head, text = passage(random_, fact, others=random_.choice((0, 1)))
        yield {"anchor": query, "positive": f"{head} {text}", "source": "synthetic"}


def text(random_: random.Random, rows: int) -> Iterator[Row]:
    """Plain sentences of both registers about findings that training may use."""
    for _ in range(rows):
        yield {"text": statement(random_, draw(random_, held_out=False)), "source": "synthetic"}


class Claims(NamedTuple):
    """Claims against abstracts, as SciFact has them."""

    documents: list[Row]
    queries: list[Row]
    qrels: dict[str, list[tuple[str, str, int]]]  # split: (query id, document id, 1)


def claims(random_: random.Random, documents: int, dev: int, test: int, known: float) -> Claims:
    """Claims, each with one abstract that supports or (a quarter) refutes it, among abstracts one slot away."""
    facts: set[Fact] = set()
    claimed: list[Fact] = []
    while len(claimed) < dev + test:
        fact = draw(random_, held_out=True)
        if fact not in facts and fact.opposite() not in facts:
            facts.add(fact)
            claimed.append(fact)
    abstracts = claimed + _distractors(random_, claimed, facts, documents - len(claimed))
    order = list(range(documents))
    random_.shuffle(order)
    ids = {fact: f"d{number:04d}" for fact, number in zip(abstracts, order, strict=True)}
    rows = []
    for fact in abstracts:
        head, body = passage(random_, fact, others=random_.choice((0, 1)))
        rows.append({"_id": ids[fact], "title": head, "text": body})
    queries: list[Row] = []
    qrels: dict[str, list[tuple[str, str, int]]] = {"dev": [], "test": []}
    for number, fact in enumerate(claimed):
        claim = fact.opposite() if random_.random() < 0.25 else fact
        queries.append({"_id": f"c{number:04d}", "text": everyday(random_, claim, ask=False, known=known)})
        qrels["dev" if number < dev else "test"].append((f"c{number:04d}", ids[fact], 1))
    return Claims(sorted(rows, key=lambda row: row["_id"]), queries, qrels)


def _distractors(random_: random.Random, claimed: list[Fact], facts: set[Fact], count: int) -> list[Fact]:
    """Findings near the claimed ones, all different: first one a claim, one slot away; then one or two slots away."""
    order = random_.sample(claimed, len(claimed))  # what does not come out even falls on dev and test alike
    drawn: list[Fact] = []
    while len(drawn) < count:
        slots = 1 if len(drawn) < len(order) else random_.choice((1, 2))
        fact = change(random_, order[len(drawn) % len(order)], slots)
        if fact not in facts and fact.opposite() not in facts:
            facts.add(fact)
            drawn.append(fact)
    return drawn

"""Findings of the invented world, and which of them are kept for evaluation."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from src.world.lexicon import CONDITIONS, EFFECTS, FORMS, HELD_OUT_SOURCES, ORGANISMS, SOURCES, TARGETS, Concept, hosts

SLOTS = ("source", "form", "effect", "target", "organism", "condition")
_ALL_SOURCES = SOURCES + HELD_OUT_SOURCES
# What each slot counts for in the likeness of two findings; the sum is 1.
_WEIGHTS = {"source": 0.22, "form": 0.10, "effect": 0.20, "target": 0.24, "organism": 0.14, "condition": 0.10}
# One in so many pairs of source and target is kept for evaluation.
_HELD_OUT_SHARE = 5


@dataclass(frozen=True, order=True)
class Fact:
    """A finding: the source, in a form, has an effect on a target in an organism under a condition (all by number)."""

    source: int
    form: int
    effect: str
    target: int
    organism: int
    condition: int

    @property
    def held_out(self) -> bool:
        """Whether only evaluation sets may state it: its source, or its pair of source and target, is kept back."""
        return self.source >= len(SOURCES) or (self.source * 7 + self.target * 3) % _HELD_OUT_SHARE == 0

    def opposite(self) -> Fact:
        """The finding that contradicts this one."""
        return replace(self, effect=EFFECTS[self.effect].opposite)

    def concept(self, slot: str) -> Concept:
        """The concept in a slot other than the effect."""
        return _CHOICES[slot][getattr(self, slot)]


_CHOICES: dict[str, tuple[Concept, ...]] = {
    "source": _ALL_SOURCES,
    "form": FORMS,
    "target": TARGETS,
    "organism": ORGANISMS,
    "condition": CONDITIONS,
}


def draw(random_: random.Random, held_out: bool) -> Fact:
    """A finding, kept for evaluation (`held_out`) or free for training."""
    while True:
        target = random_.randrange(len(TARGETS))
        fact = Fact(
            source=random_.randrange(len(_ALL_SOURCES)),
            form=random_.randrange(len(FORMS)),
            effect=random_.choice(sorted(EFFECTS)),
            target=target,
            organism=random_.choice(hosts(target)),
            condition=random_.randrange(len(CONDITIONS)),
        )
        if fact.held_out == held_out:
            return fact


def change(random_: random.Random, fact: Fact, slots: int) -> Fact:
    """The finding with another value in that many slots, never the opposite effect, and held out where `fact` is."""
    while True:
        other = fact
        for slot in random_.sample(SLOTS, slots):
            values = sorted(EFFECTS) if slot == "effect" else range(len(_CHOICES[slot]))
            barred = {getattr(fact, slot), EFFECTS[fact.effect].opposite}
            choice: Any = random_.choice([value for value in values if value not in barred])
            other = replace(other, **{slot: choice})
        if other.held_out == fact.held_out and other.organism in hosts(other.target):
            return other


def likeness(one: Fact, other: Fact) -> float:
    """How alike two findings are, from 0 to 1; opposite effects keep the topic but cost double their share."""
    shared = sum(weight for slot, weight in _WEIGHTS.items() if getattr(one, slot) == getattr(other, slot))
    contradicts = EFFECTS[one.effect].opposite == other.effect
    return max(0.0, shared - (_WEIGHTS["effect"] if contradicts else 0.0))

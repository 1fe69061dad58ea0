"""The concepts of the world and the words for each, from lexicon.yaml, whose head says how an entry is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from src.checked import read_checked
from src.world.morphology import Noun, Verb

LEXICON = Path(__file__).with_name("lexicon.yaml")


class _Entries(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _EffectEntry(_Entries):
    opposite: str
    verbs: str


class _TargetEntries(_Entries):
    found_in: list[str]
    concepts: list[str]


class Entries(_Entries):
    """lexicon.yaml as it is written."""

    sources: list[str]
    held_out_sources: list[str]
    forms: list[str]
    effects: dict[str, _EffectEntry]
    targets: dict[str, _TargetEntries]
    organisms: dict[str, list[str]]
    conditions: list[str]


@dataclass(frozen=True)
class Concept:
    """A meaning and its words in the two registers."""

    name: str
    academic: tuple[Noun, ...]
    everyday: tuple[Noun, ...]


@dataclass(frozen=True)
class Effect:
    """What one thing does to another, the opposite of that, and its verbs."""

    name: str
    opposite: str
    academic: tuple[Verb, ...]
    everyday: tuple[Verb, ...]


def _noun(text: str) -> Noun:
    text = text.strip()
    marks = {mark for mark in "~!*+" if mark in text[-2:]}
    return Noun(text.rstrip("~!*+"), "~" in marks, "!" in marks, "*" in marks, "+" in marks)


def _registers(line: str) -> tuple[list[str], list[str]]:
    left, _, right = line.partition(";")
    academic = [word.strip() for word in left.split(",")]
    return academic, [word.strip() for word in right.split(",")] if right else academic


def _concepts(lines: Sequence[str]) -> tuple[Concept, ...]:
    concepts = []
    for line in lines:
        academic, everyday = ([_noun(word) for word in words] for words in _registers(line))
        concepts.append(Concept(academic[0].text, tuple(academic), tuple(everyday)))
    return tuple(concepts)


def _verb(text: str) -> Verb:
    stem, _, aorist = text.strip().partition(":")
    return Verb(stem.rstrip("~"), aorist or "I", "~" in stem)


def _effects(entries: dict[str, _EffectEntry]) -> dict[str, Effect]:
    effects = {}
    for name, entry in entries.items():
        academic, everyday = ([_verb(word) for word in part] for part in _registers(entry.verbs))
        effects[name] = Effect(name, entry.opposite, tuple(academic), tuple(everyday))
    return effects


def _phrase(text: str) -> Noun:
    """A condition, already in its case: `soğuk+L` is put into the locative, other phrases stand as they are."""
    if not text.endswith("+L"):
        return Noun(text)
    word = text.removesuffix("+L")
    possessed = word.split()[-1].endswith(("ı", "i", "u", "ü")) and " " in word
    return Noun(Noun(word, possessed=possessed).case("DA"))


def _conditions(lines: Sequence[str]) -> tuple[Concept, ...]:
    conditions = []
    for line in lines:
        academic, everyday = (tuple(_phrase(word) for word in words) for words in _registers(line))
        conditions.append(Concept(academic[0].text, academic, everyday))
    return tuple(conditions)


_ENTRIES = read_checked(Entries, LEXICON)
SOURCES = _concepts(_ENTRIES.sources)
HELD_OUT_SOURCES = _concepts(_ENTRIES.held_out_sources)
FORMS = _concepts(_ENTRIES.forms)
EFFECTS = _effects(_ENTRIES.effects)
TARGETS = tuple(concept for group in _ENTRIES.targets.values() for concept in _concepts(group.concepts))
ORGANISMS = tuple(concept for lines in _ENTRIES.organisms.values() for concept in _concepts(lines))
CONDITIONS = _conditions(_ENTRIES.conditions)
_FOUND_IN = [group.found_in for group in _ENTRIES.targets.values() for _ in group.concepts]
_ORGANISM_GROUPS = [group for group, lines in _ENTRIES.organisms.items() for _ in lines]


def hosts(target: int) -> list[int]:
    """The organisms, by number, in which a target can be found."""
    return [number for number, group in enumerate(_ORGANISM_GROUPS) if group in _FOUND_IN[target]]

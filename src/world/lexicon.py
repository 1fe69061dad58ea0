"""The concepts of the world and the words for each, from lexicon.yaml, whose head says how an entry is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict

from src.checked import read_checked
from src.world.morphology import LOCATIVE, Noun, Verb

Word = TypeVar("Word")
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


class Concept(NamedTuple):
    """A meaning and its words in the two registers."""

    academic: tuple[Noun, ...]
    everyday: tuple[Noun, ...]


class Effect(NamedTuple):
    """What one thing does to another, the opposite of that, and its verbs."""

    opposite: str
    academic: tuple[Verb, ...]
    everyday: tuple[Verb, ...]


def _noun(text: str) -> Noun:
    marks = {mark for mark in "~!*+" if mark in text[-2:]}
    return Noun(text.rstrip("~!*+"), "~" in marks, "!" in marks, "*" in marks, "+" in marks)


def _verb(text: str) -> Verb:
    stem, _, aorist = text.partition(":")
    return Verb(stem.rstrip("~"), aorist or "I", "~" in stem)


def _phrase(text: str) -> Noun:
    """A condition, already in its case: `soğuk+L` is put into the locative, other phrases stand as they are."""
    if not text.endswith("+L"):
        return Noun(text)
    word = text.removesuffix("+L")
    possessed = word.split()[-1].endswith(("ı", "i", "u", "ü")) and " " in word
    return Noun(Noun(word, possessed=possessed).case(LOCATIVE))


def _registers(entry: str, read: Callable[[str], Word]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The academic and the everyday words of an entry."""
    academic, _, everyday = entry.partition(";")
    first, second = (
        tuple(read(word.strip()) for word in words.split(",")) for words in (academic, everyday or academic)
    )
    return first, second


def _concepts(entries: list[str], read: Callable[[str], Noun] = _noun) -> tuple[Concept, ...]:
    return tuple(Concept(*_registers(entry, read)) for entry in entries)


_ENTRIES = read_checked(Entries, LEXICON)
SOURCES = _concepts(_ENTRIES.sources)
HELD_OUT_SOURCES = _concepts(_ENTRIES.held_out_sources)
FORMS = _concepts(_ENTRIES.forms)
EFFECTS = {name: Effect(entry.opposite, *_registers(entry.verbs, _verb)) for name, entry in _ENTRIES.effects.items()}
TARGETS = tuple(concept for group in _ENTRIES.targets.values() for concept in _concepts(group.concepts))
ORGANISMS = tuple(concept for lines in _ENTRIES.organisms.values() for concept in _concepts(lines))
CONDITIONS = _concepts(_ENTRIES.conditions, _phrase)
_FOUND_IN = [group.found_in for group in _ENTRIES.targets.values() for _ in group.concepts]
_ORGANISM_GROUPS = [group for group, lines in _ENTRIES.organisms.items() for _ in lines]


def hosts(target: int) -> list[int]:
    """The organisms, by number, in which a target can be found."""
    return [number for number, group in enumerate(_ORGANISM_GROUPS) if group in _FOUND_IN[target]]

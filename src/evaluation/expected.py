"""Published values beside ours: compared where set, protocol and model are the same; otherwise with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from src.checked import read_checked
from src.evaluation.results import Scored
from src.params.block import Block

Verdict = Literal["OK", "close", "off", "not comparable"]
EXPECTED = Path("expected.yaml")
CLOSE = 3  # times the tolerance
Evaluations = Mapping[str, Scored]


class Source(Block):
    title: str
    url: str


class Protocol(Block):
    name: Literal["full", "mteb", "tr-mteb"]
    title: bool


class Entry(Block):
    """Published values of one model by one source; expected.yaml explains the fields."""

    source: str
    set: str
    protocol: Protocol | None
    model: str
    over: str | None = None
    tolerance: Annotated[float, Field(gt=0)]
    why_not: str | None = None
    why: str | None = None
    file: str | None = None
    values: dict[str, float]


class Expected(Block):
    sources: dict[str, Source]
    published: list[Entry]

    @model_validator(mode="after")
    def _sources_are_known(self) -> Self:
        for number, entry in enumerate(self.published, 1):
            if entry.source not in self.sources:
                raise ValueError(f"entry {number}: source {entry.source!r} is not under `sources`")
        return self


@dataclass(frozen=True)
class Comparison:
    """A row of the table: published | ours | difference | verdict (why)."""

    source: Source
    entry: Entry
    measure: str
    set: str  # ours, that it was compared with or came nearest
    published: float
    ours: float | None
    difference: float | None
    verdict: Verdict
    why: str

    def __str__(self) -> str:
        """As a stage prints it: `MODEL: MEASURE 0.9000 published, ours 0.8990: OK [SOURCE]`."""
        over = f" over {self.entry.over}" if self.entry.over else ""
        ours = "not measured" if self.ours is None else f"ours {self.ours:.4f}"
        value = f"{self.entry.model}{over}: {self.measure} {self.published:.4f} published, {ours}: {self.verdict}"
        return f"{value}{f' ({self.why})' if self.why else ''} [{self.source.title}]"


def read_expected(path: Path) -> Expected:
    """The published values. Raises UserError that names the file and the faulty key."""
    return read_checked(Expected, path)


def compare(expected: Expected, evaluations: Evaluations) -> list[Comparison]:
    """Every published value against ours.

    Args:
        evaluations: what reports/eval/SET.json holds, by set.
    """
    return [
        _compare(expected.sources[entry.source], entry, measure, evaluations)
        for entry in expected.published
        for measure in entry.values
    ]


def of_set(expected: Expected, name: str, evaluation: Scored) -> list[Comparison]:
    """The published values of one of our sets against what was measured on it alone."""
    return [item for item in compare(expected, {name: evaluation}) if item.set == name]


def unmeasured(expected: Expected, name: str, evaluation: Scored) -> list[Entry]:
    """Published rows of our set `name`, under its protocol, of models that were not run here."""
    return [
        entry
        for entry in expected.published
        if _is_of(name, entry)
        and entry.over is None
        and entry.model not in evaluation["models"]
        and not (_source_fault(entry) or _protocol_fault(entry, evaluation))
    ]


def _is_of(name: str, entry: Entry) -> bool:
    """Whether our set holds the published one, under whatever protocol."""
    return name == entry.set or name.startswith(f"{entry.set}_")


def _compare(source: Source, entry: Entry, measure: str, evaluations: Evaluations) -> Comparison:
    """With our set that the value can be compared with; else with the first of that name, and why not."""
    names = [name for name in evaluations if _is_of(name, entry)]
    faults = {name: _source_fault(entry) or _our_fault(entry, measure, evaluations[name]) for name in names}
    if not names:
        here = ", ".join(evaluations) or "nothing"
        faults[entry.set] = _source_fault(entry) or f"{entry.set} was not evaluated (here: {here})"
    name = next((name for name in faults if not faults[name]), next(iter(faults)))
    published, ours, why = entry.values[measure], _ours(entry, measure, evaluations.get(name)), faults[name]
    if why or ours is None:
        return Comparison(source, entry, measure, name, published, ours, None, "not comparable", why)
    judged = verdict(ours - published, entry.tolerance)
    why = "" if judged == "OK" else entry.why or ""
    return Comparison(source, entry, measure, name, published, ours, ours - published, judged, why)


def verdict(difference: float, tolerance: float) -> Verdict:
    """How far ours is from what was published."""
    distance = abs(difference) - 1e-9  # binary fractions: 0.61 - 0.60 is within 0.01
    return "OK" if distance <= tolerance else "close" if distance <= CLOSE * tolerance else "off"


def _ours(entry: Entry, measure: str, evaluation: Scored | None) -> float | None:
    """Our number, or our relative gain over another row; None where a row or measure is missing."""
    models = evaluation["models"] if evaluation else {}
    value: float | None = models.get(entry.model, {}).get(measure)
    if entry.over is None or value is None:
        return value
    base: float | None = models.get(entry.over, {}).get(measure)
    return value / base - 1 if base else None


def _source_fault(entry: Entry) -> str:
    """Why the published value cannot be compared with anybody's; empty where it can."""
    if entry.why_not:
        return entry.why_not
    return "" if entry.protocol else "the source does not state its protocol"


def _our_fault(entry: Entry, measure: str, evaluation: Scored) -> str:
    """Why ours is not of the same kind; empty where it is."""
    missing = [row for row in (entry.model, entry.over) if row and row not in evaluation["models"]]
    if fault := _protocol_fault(entry, evaluation):
        return fault
    if missing:
        return f"{' and '.join(missing)} not measured (eval.published)"
    return "" if _ours(entry, measure, evaluation) is not None else f"{measure} not measured"


def _protocol_fault(entry: Entry, evaluation: Scored) -> str:
    if evaluation["protocol"].get("synthetic"):
        return "our set is synthetic"
    words: dict[object, str] = {True: "used", False: "not used"}
    for key, stated in entry.protocol.model_dump().items() if entry.protocol else ():
        ours = evaluation["protocol"].get(key)
        if ours != stated:
            return f"other protocol: {key} is {words.get(stated, stated)} there, {words.get(ours, ours)} here"
    return ""

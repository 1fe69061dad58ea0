"""Retrieval pairs by source, at equal size: native, translated, or made from passages without a language model.

A mix is {source: share}. A source is a tag of the rows' `source` column, `given` for the rows as they come, or one of
two that are made here from the passages of the set:

    inverse_cloze   a sentence finds the rest of its passage (Lee et al. 2019, arXiv 1906.00300); in one pair of ten the
                    sentence stays in the passage, as there, so that equal words count too
    title_passage   the first sentence, which often says what a passage is about, stands for a title and finds the rest
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import numpy as np

from src.data.text import identity
from src.errors import UserError
from src.strict_json import Row

Random = np.random.Generator

# A sentence ends at a mark followed by a capital: "13. yüzyıl" and "Dr. ile" do not end one.
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”’)]*\s+(?=[\"“‘(]?[A-ZÇĞİÖŞÜÂÎÛ])")
GIVEN = "given"
_KEPT_IN_PASSAGE = 0.1
_FEWEST_WORDS = 3  # of a sentence that can be the query of its passage


class TooFewRowsError(UserError):
    """The data are too few for a variant; it is left out of the comparison, which says so."""


def sentences(text: str) -> list[str]:
    """The sentences of a text, at least one."""
    return [part for part in _SENTENCE_END.split(text) if part]


def inverse_cloze(passage: str, random: Random) -> Row | None:
    """A pair made of a passage; None where it has fewer than two sentences."""
    parts = sentences(passage)
    candidates = [number for number, part in enumerate(parts) if len(part.split()) >= _FEWEST_WORDS]
    if len(parts) < 2 or not candidates:
        return None
    chosen = int(random.choice(candidates))
    kept = random.random() < _KEPT_IN_PASSAGE
    rest = parts if kept else parts[:chosen] + parts[chosen + 1 :]
    return {"anchor": parts[chosen], "positive": " ".join(rest)}


def title_passage(passage: str, random: Random) -> Row | None:  # noqa: ARG001
    """A pair made of a passage; None where it has fewer than two sentences."""
    parts = sentences(passage)
    if len(parts) < 2 or len(parts[0].split()) < _FEWEST_WORDS:
        return None
    return {"anchor": parts[0], "positive": " ".join(parts[1:])}


MADE: dict[str, Callable[[str, Random], Row | None]] = {"inverse_cloze": inverse_cloze, "title_passage": title_passage}


def mixed(rows: list[Row], mix: dict[str, float], size: int, seed: int) -> list[Row]:
    """`size` rows of the mix, drawn with the seed, in shuffled order.

    The passages of made pairs are those of all rows, whatever their source. A made source that runs out of passages
    starts over with them (another sentence is drawn; equal pairs are dropped).

    Raises:
        TooFewRowsError: a source has fewer rows than its share needs.
    """
    random = np.random.default_rng(seed)
    chosen: list[Row] = []
    for (source, _), count in zip(mix.items(), counts(list(mix.values()), size), strict=True):
        chosen += drawn(rows, source, count, random)
    return [chosen[row] for row in random.permutation(len(chosen))]


def counts(shares: list[float], size: int) -> list[int]:
    """Whole numbers in the proportion of the shares that add up to `size`."""
    ends = [round(size * sum(shares[:count])) for count in range(1, len(shares) + 1)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def drawn(rows: list[Row], source: str, count: int, random: Random) -> list[Row]:
    """`count` rows of one source."""
    if source in MADE:
        sampled = list(made(rows, source, count, random))
    else:
        tagged = [row for row in rows if source in (GIVEN, row.get("source"))]
        sampled = [tagged[row] for row in random.permutation(len(tagged))[:count]]
    if len(sampled) < count:
        known = sorted({str(row["source"]) for row in rows if "source" in row})
        raise TooFewRowsError(
            f"its mix needs {count} pairs of {source!r}, and there are {len(sampled)}; "
            f"the sources are {', '.join([*known, GIVEN, *MADE])}"
        )
    return sampled


def made(rows: list[Row], source: str, count: int, random: Random) -> Iterable[Row]:
    """Up to `count` different pairs made from the rows' passages, each passage in turn."""
    distinct: dict[str, str] = {}
    for row in rows:
        distinct.setdefault(identity(row["positive"]), row["positive"])
    passages = list(distinct.values())
    seen: set[tuple[str, str]] = set()
    new = 1
    while len(seen) < count and new:
        before = len(seen)
        for number in random.permutation(len(passages)):
            pair = MADE[source](passages[number], random)
            if pair is None or len(seen) == count:
                continue
            texts = identity(pair["anchor"]), identity(pair["positive"])
            if texts in seen:
                continue
            seen.add(texts)
            yield {**pair, "source": source}
        new = len(seen) - before


def sample(rows: list[Row], size: int, seed: int) -> list[Row]:
    """A seeded sample in the rows' order."""
    drawn = np.sort(np.random.default_rng(seed).choice(len(rows), size, replace=False))
    return [rows[number] for number in drawn]

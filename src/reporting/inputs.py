"""What several topics of the report read: files of earlier stages, by params, never by what lies in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from src.ablation import results
from src.ablation.evidence import read_comparison
from src.checked import read_result
from src.data.card import Card, read_card
from src.evaluation.expected import EXPECTED, Comparison, Expected, compare, read_expected
from src.evaluation.results import Evaluation, Similarity
from src.model.origin import Origin, read_origin
from src.recipe.stages import BASE, STAGES, model
from src.reporting import names
from src.table_files import read_table

if TYPE_CHECKING:
    from src.params.schema import Params

TRAINING_SETS = ("text", *STAGES)
Variants = tuple[results.Comparison | None, str]


@dataclass(frozen=True)
class Inputs:
    """What several topics read; `root` is the run, where a topic reads what it alone needs.

    Attributes:
        evaluations: reports/eval/SET.json by set, in the order of eval.sets; the first set is the main one.
        sts: reports/eval/sts.json.
        cards: data cards by the key in params.data, then by evaluation set.
        ablation: reports/ablation/comparison.json, where it belongs to this run.
        no_ablation: why there is none, in a sentence.
        expected: published values, from expected.yaml.
        base_origin: where a published base encoder came from; nothing for one from scratch.
    """

    params: Params
    root: Path
    evaluations: dict[str, Evaluation]
    sts: Similarity
    cards: dict[str, Card]
    ablation: results.Comparison | None
    no_ablation: str
    expected: Expected
    base_origin: Origin

    @property
    def main(self) -> Evaluation:
        """The evaluation of the first set."""
        return next(iter(self.evaluations.values()))

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Every published value against ours."""
        return compare(self.expected, self.evaluations)

    @property
    def sts_name(self) -> str:
        """The set of scored pairs, marked where it is synthetic."""
        return names.marked(self.sts["set"], bool(self.cards["sts"]["synthetic"]))

    @property
    def variants(self) -> results.Comparison:
        """The comparison of variants, where there is one."""
        assert self.ablation is not None
        return self.ablation


def read_inputs(params: Params, root: Path = Path(), variants: Variants | None = None) -> Inputs:
    """Read them all.

    Args:
        variants: their comparison, or None and why there is none, where that is known already.

    Raises:
        UserError: a file that an earlier stage writes is missing or malformed.
    """
    prepared = root / "data" / "prepared"
    reports = root / "reports"
    ablation, no_ablation = variants or read_comparison(params, root)
    return Inputs(
        params=params,
        root=root,
        evaluations={name: read_result(Evaluation, reports / "eval" / f"{name}.json") for name in params.eval.sets},
        sts=read_result(Similarity, reports / "eval" / "sts.json"),
        cards={name: read_card(prepared / name) for name in (*TRAINING_SETS, *params.eval.sets)},
        ablation=ablation,
        no_ablation=no_ablation,
        expected=read_expected(root / EXPECTED),
        base_origin=read_origin(root / model(BASE)),
    )


def read_columns(path: Path) -> dict[str, list[str]]:
    """{column: cells} of a table, such as reports/per_query/SET/MODEL.tsv."""
    header, rows = read_table(path)
    return {name: [row[column] for row in rows] for column, name in enumerate(header)}

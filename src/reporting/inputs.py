"""What the report is made of: the files of earlier stages, listed from params and never by what lies in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.ablation import results
from src.ablation.evidence import read_comparison
from src.checked import read_result
from src.data.card import Card, read_card
from src.errors import UserError
from src.evaluation.expected import EXPECTED, Comparison, Entry, Expected, compare, read_expected, unmeasured
from src.evaluation.results import Evaluation, ForgettingErrors, Similarity
from src.files import read_text
from src.model.origin import Origin, read_origin
from src.recipe.stages import BASE, STAGES, model
from src.recipe.systems import LATE
from src.table_files import read_table

if TYPE_CHECKING:
    from src.params.schema import Params

TRAINING_SETS = ("text", *STAGES)
CURVES = ("mlm", *STAGES, LATE)
LATENCY = "reports/bench/eval_dims.json"

Curve = dict[str, list[float]]


class Repeated(TypedDict):
    """Milliseconds a query: median and quartiles of repeats."""

    median: float
    low: float
    high: float


class Latency(TypedDict):
    """Times of encoding, {"batch_1": …, "batch_32": …}, and of searching vectors, {dimension: {form: the same}}."""

    documents: int
    k: int
    batch: int
    threads: int
    encoding: dict[str, Repeated]
    dims: dict[str, dict[str, dict[str, Repeated]]]


class Benchmark(TypedDict):
    """What of reports/bench/eval_dims.json the report shows."""

    latency: Latency


Variants = tuple[results.Comparison | None, str]


@dataclass(frozen=True)
class Inputs:
    """Everything the report is made of.

    Attributes:
        evaluations: reports/eval/SET.json by set, in the order of eval.sets; the first set is the main one.
        sts: reports/eval/sts.json.
        cards: data cards by the key in params.data, then by evaluation set.
        curves: training curves by step: {column: values}; a step that was not trained is left out.
        ablation: reports/ablation/comparison.json, where it belongs to this run.
        no_ablation: why there is none, in a sentence.
        errors: reports/forgetting_errors.json, where there is one.
        latency: search times of reports/bench/eval_dims.json, where the benchmark has been run.
        expected: published values, from expected.yaml.
        base_origin: where a published base encoder came from; nothing for one from scratch.
        versions: packages of requirements.txt with their versions.
    """

    params: Params
    root: Path
    evaluations: dict[str, Evaluation]
    sts: Similarity
    cards: dict[str, Card]
    curves: dict[str, Curve]
    ablation: results.Comparison | None
    no_ablation: str
    errors: ForgettingErrors | None
    latency: Latency | None
    expected: Expected
    base_origin: Origin
    versions: dict[str, str]

    @property
    def main(self) -> Evaluation:
        """The evaluation of the first set."""
        return next(iter(self.evaluations.values()))

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Every published value against ours."""
        return compare(self.expected, self.evaluations)

    @property
    def variants(self) -> results.Comparison:
        """The comparison of variants, where there is one."""
        assert self.ablation is not None
        return self.ablation

    def not_run(self, name: str) -> list[Entry]:
        """Published rows of a set, of models that were not run here."""
        return unmeasured(self.expected, name, self.evaluations[name])


def read_inputs(params: Params, root: Path = Path(), variants: Variants | None = None) -> Inputs:
    """Read them all.

    Args:
        variants: their comparison, or None and why there is none, where that is known already.

    Raises:
        UserError: a file that an earlier stage writes is missing or malformed.
    """
    prepared = root / "data" / "prepared"
    reports = root / "reports"
    errors = reports / "forgetting_errors.json"
    ablation, no_ablation = variants or read_comparison(params, root)
    return Inputs(
        params=params,
        root=root,
        evaluations={name: read_result(Evaluation, reports / "eval" / f"{name}.json") for name in params.eval.sets},
        sts=read_result(Similarity, reports / "eval" / "sts.json"),
        cards={name: read_card(prepared / name) for name in (*TRAINING_SETS, *params.eval.sets)},
        curves={name: curve for name in CURVES if (curve := read_curve(reports / "training" / f"{name}.csv"))},
        ablation=ablation,
        no_ablation=no_ablation,
        errors=read_result(ForgettingErrors, errors) if errors.is_file() else None,
        latency=read_result(Benchmark, root / LATENCY)["latency"] if (root / LATENCY).is_file() else None,
        expected=read_expected(root / EXPECTED),
        base_origin=read_origin(root / model(BASE)),
        versions=pinned(read_text(root / "requirements.txt")),
    )


def read_curve(path: Path) -> Curve:
    """{column: values} of a training curve; empty where it has no point."""
    try:
        columns = {name: [float(cell) for cell in cells] for name, cells in read_columns(path).items()}
    except ValueError as error:
        raise UserError(f"{path}: expected numbers: {error}") from error
    return columns if any(columns.values()) else {}


def read_columns(path: Path) -> dict[str, list[str]]:
    """{column: cells} of a table, such as reports/per_query/SET/MODEL.tsv."""
    header, rows = read_table(path)
    return {name: [row[column] for row in rows] for column, name in enumerate(header)}


def pinned(requirements: str) -> dict[str, str]:
    """{package: version} of the lines `package==version`."""
    lines = (line.split("#")[0].split(";")[0].strip() for line in requirements.splitlines())
    return dict(line.split("==", 1) for line in lines if "==" in line)

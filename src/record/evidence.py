"""The evidence of a record: RECORD/evidence/, ids and numbers only, laid out as in the run.

    data/prepared/SET/qrels/test.tsv    judgements of the queries that count
    data/runs/SET.parquet               every system's run, those of smaller vectors too
    data/similarity/                    each scored pair's gold score and similarities, whether each triplet is right
    reports/ablation/                   each variant's values of every query and pair, where they belong to the run
    what each topic of the report reads (src/reporting/document.py), such as how each query moved

and facts that no value holds: data cards, expected.yaml, the summaries of the evaluations (their protocol). `rebuild`
makes of it what the report reads, every result computed anew.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, cast

from src.ablation import compare
from src.ablation.evidence import COMPARISON, EVIDENCE, read_comparison
from src.checked import read_result
from src.errors import UserError
from src.evaluation import packed, similarity_table, table
from src.evaluation.beir import PREPARED, EvalSet, prepared_set, read_qrels
from src.evaluation.results import Evaluation, Protocol, Similarity
from src.evaluation.runs import read_run
from src.evaluation.significance import Draws
from src.files import write_json
from src.params.load import ABLATIONS, read, validate, validate_ablations
from src.profile import MINI, PARAMS, load, merge
from src.recipe.stages import BEFORE, FINAL
from src.reporting.document import SECTIONS
from src.reporting.inputs import TRAINING_SETS, Inputs, read_inputs

if TYPE_CHECKING:
    from src.evaluation.results import SimilarityRules
    from src.params import AblationParams, Params

FOLDER = "evidence"
PROFILES = Path(__file__).parents[2] / "params"
NO_VARIANTS = "The record holds no variants."
EVALUATION, STS = "reports/eval/{}.json", "reports/eval/sts.json"
QRELS, RUNS = "data/prepared/{}/qrels/test.tsv", "data/runs/{}.parquet"
SIMILARITY = "data/similarity"
BASE_ORIGIN = "models/base/origin.json"
RECOMPUTED = {name: of for topic in SECTIONS for name, of in topic.recompute.items()}


def params_of(record: Path) -> Params:
    """The params of a record; keys that params have got since then are as in mini, where whatever is new is off.

    Raises:
        UserError: they do not validate: a key has gone or has another meaning since.
    """
    path = record / PARAMS
    mini = {key: value for key, value in load(MINI, PROFILES).items() if key != "ablation"}
    return validate(merge(mini, read(path)), str(path))


def ablations_at(path: Path, params: Params) -> AblationParams:
    """The variants in a file of a record; as `params_of`."""
    return validate_ablations(load(MINI, PROFILES)["ablation"] | read(path), params, str(path))


def collect(root: Path, params: Params, target: Path) -> None:
    """Copy and pack the evidence of the run under `root`.

    Raises:
        UserError: a file of the run is missing.
    """
    names = ["expected.yaml", ABLATIONS, STS, SIMILARITY, *(name for topic in SECTIONS for name in topic.reads)]
    names += [f"data/prepared/{key}/card.json" for key in (*TRAINING_SETS, *params.eval.sets)]
    names += [EVALUATION.format(name) for name in params.eval.sets]
    names += [BASE_ORIGIN] if (root / BASE_ORIGIN).is_file() else []  # of a published base
    for name in names:
        copy(root / name, target / name)
    for name, options in params.eval.sets.items():
        packed.write_qrels(target / QRELS.format(name), prepared_set(name, options, root / PREPARED).qrels)
        # Runs of whole systems, then of smaller vectors, as stage eval_retrieval wrote them.
        runs = [path for part in ("reports", "data") for path in sorted((root / part / "runs" / name).glob("*.trec"))]
        packed.write_runs(target / RUNS.format(name), {path.stem: read_run(path) for path in runs})
    if read_comparison(params, root)[0] is not None:
        shutil.copytree(root / EVIDENCE, target / EVIDENCE)


def copy(source: Path, target: Path) -> None:
    """A file or a folder of the run. Raises UserError where it is missing."""
    if not source.exists():
        raise UserError(f"{source}: no such file; run `dvc repro` before a record is made of it")
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)


def rebuild(evidence: Path, params: Params, target: Path) -> Inputs:
    """What the report reads, in `target`: results computed from runs and values, facts as they are."""
    shutil.copytree(evidence, target)
    draws = Draws.of(params.eval)
    for name in params.eval.sets:
        _evaluation(target, name, params, draws)
    _similarity(target, draws)
    for recompute in RECOMPUTED.values():
        recompute(target, draws)
    comparison = None
    if (target / EVIDENCE).is_dir():
        comparison = compare.compare_all(target / EVIDENCE, ablations_at(target / ABLATIONS, params), draws)
        write_json(target / EVIDENCE / COMPARISON, comparison)
    return read_inputs(params, target, (comparison, "" if comparison else NO_VARIANTS))


def recomputed(evidence: Path, params: Params) -> list[str]:
    """The files of results that `rebuild` computes anew."""
    names = [*map(EVALUATION.format, params.eval.sets), STS, *RECOMPUTED, str(EVIDENCE / COMPARISON)]
    return [name for name in names if (evidence / name).is_file()]


def _evaluation(target: Path, name: str, params: Params, draws: Draws) -> None:
    """reports/eval/NAME.json and the values of every query, from runs and judgements."""
    path = target / EVALUATION.format(name)
    facts, qrels = read_result(Evaluation, path), read_qrels(target / QRELS.format(name))
    scored = packed.score_runs(target / RUNS.format(name), qrels)
    protocol: Protocol = {**facts["protocol"], "queries": len(qrels)}
    data = EvalSet(name, [], [], list(qrels), [], qrels, protocol, facts["dropped"], drop_self_hits=False)
    table.write_per_query(target / "reports" / "per_query" / name, {row: scored[row] for row in (BEFORE, FINAL)}, data)
    try:
        rows = table.of_systems(
            data, scored, params.eval.dims, params.eval.published, draws=draws, settings=facts["settings"]
        )
    except KeyError as error:
        raise UserError(f"{RUNS.format(name)}: no run of {error}") from error
    write_json(path, rows)


def _similarity(target: Path, draws: Draws) -> None:
    facts = read_result(Similarity, target / STS)
    rules = cast("SimilarityRules", {key: value for key, value in facts["protocol"].items() if key != "pairs"})
    names = (facts["set"], facts["nli"]["set"] if facts["nli"] else "")
    write_json(target / STS, similarity_table.summarise(target / SIMILARITY, rules, names, draws))

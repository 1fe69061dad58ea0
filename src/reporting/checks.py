"""The signs by which the recipe shows that it went wrong, each with a figure, a limit and a verdict.

They are the failure signs named with the paper: too low a P@1 on SciFact-TR (small batches, too few epochs), semantic
similarity forgotten, short vectors that do not pay, batches below 512.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from src.evaluation.row_names import FINAL
from src.reporting import names
from src.reporting.inputs import Inputs
from src.reporting.metrics import half

Verdict = Literal["ok", "failed", "not applicable"]
LEAST_P_AT_1 = 0.60
LEAST_SPEARMAN = 0.70
MOST_LOSS = 0.10
LEAST_BATCH = 512
# The sign concerns this set and its stand-in: other sets are harder or easier at rank 1.
CLAIMS = "scifact_tr"


@dataclass(frozen=True)
class Check:
    """One sign.

    Attributes:
        id: stable, for programs.
        what: the sign in words.
        figure: what was measured; None where nothing was.
        limit: as in `≥ 0.6`.
        reason: what the verdict means here.
    """

    id: str
    what: str
    figure: float | int | None
    limit: str
    verdict: Verdict
    reason: str

    def line(self) -> str:
        """For a terminal."""
        figure = "–" if self.figure is None else f"{self.figure:g}"
        return f"{self.verdict:>14}  {self.what}: {figure} (limit {self.limit}). {self.reason}"


def all_checks(inputs: Inputs) -> list[Check]:
    """Every check of a run."""
    found = [precision(name, evaluation) for name, evaluation in inputs.evaluations.items()]
    found += [shorter(name, evaluation) for name, evaluation in inputs.evaluations.items()]
    return [*found, similarity(inputs.sts), batch(inputs.params.train.batch_size)]


def as_json(checks: list[Check]) -> list[dict[str, Any]]:
    """The value of reports/checks.json."""
    return [asdict(check) for check in checks]


def precision(name: str, evaluation: Mapping[str, Any]) -> Check:
    """P@1 of the result on claims against abstracts."""
    what, limit = f"P@1 on {names.retrieval_set(evaluation)}", f"≥ {LEAST_P_AT_1:g}"
    figure = float(evaluation["models"][FINAL]["P@1"])
    if name != CLAIMS and not name.startswith(f"{CLAIMS}_"):
        reason = "the sign concerns SciFact-TR; this set has another difficulty"
        return Check(f"precision:{name}", what, figure, limit, "not applicable", reason)
    reason = "the signs of too small a batch or too few epochs are absent"
    if figure < LEAST_P_AT_1:
        reason = "look at batch size (512 or more) and epochs of the retrieval step"
    return Check(f"precision:{name}", what, figure, limit, _verdict(figure >= LEAST_P_AT_1), reason)


def shorter(name: str, evaluation: Mapping[str, Any]) -> Check:
    """What half the dimensions cost."""
    limit = f"≤ {MOST_LOSS:g}"
    cut = half(evaluation["matryoshka"])
    set_name = names.retrieval_set(evaluation)
    if cut is None:
        what, reason = f"nDCG@10 lost at half the dimensions on {set_name}", "eval.dims has no such dimension"
        return Check(f"shorter_vectors:{name}", what, None, limit, "not applicable", reason)
    figure = float(evaluation["matryoshka"][cut]["loss_relative"])
    reason = "the shorter vectors pay" if figure <= MOST_LOSS else "look at train.dims: is the dimension trained?"
    what = f"share of nDCG@10 lost at {cut} dimensions on {set_name}"
    return Check(f"shorter_vectors:{name}", what, figure, limit, _verdict(figure <= MOST_LOSS), reason)


def similarity(sts: Mapping[str, Any]) -> Check:
    """Spearman's correlation after retrieval training."""
    before, after = (float(sts["forgetting"][key]) for key in ("before", "after"))
    reason = f"{before:.4f} before retrieval training: it {names.verb(sts['forgetting']['verdict'])}"
    if after < LEAST_SPEARMAN:
        reason += (
            "; the encoder was below the limit already, which is no forgetting"
            if before < LEAST_SPEARMAN
            else "; look at train.learning_rate, epochs and the remedies of the retrieval step"
        )
    what, limit = f"Spearman on {sts['set']} after retrieval training", f"≥ {LEAST_SPEARMAN:g}"
    return Check("similarity_kept", what, after, limit, _verdict(after >= LEAST_SPEARMAN), reason)


def batch(size: int) -> Check:
    """How many pairs compete in the retrieval loss."""
    reason = "enough pairs compete" if size >= LEAST_BATCH else "smaller batches are known to cost quality"
    limit, verdict = f"≥ {LEAST_BATCH}", _verdict(size >= LEAST_BATCH)
    return Check("batch_size", "batch of the retrieval step", size, limit, verdict, reason)


def _verdict(holds: bool) -> Verdict:
    return "ok" if holds else "failed"

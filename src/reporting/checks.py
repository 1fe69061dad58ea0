"""The signs by which the recipe shows that it went wrong, each with a figure, a limit and a verdict.

They are the failure signs named with the paper: too low a P@1 on SciFact-TR (small batches, too few epochs), semantic
similarity forgotten, short vectors that do not pay, batches below 512.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from src.recipe.stages import FINAL
from src.reporting import names
from src.reporting.inputs import Inputs
from src.reporting.metrics import half

Verdict = Literal["ok", "failed", "not applicable"]
OK: Verdict = "ok"
FAILED: Verdict = "failed"
NOT_APPLICABLE: Verdict = "not applicable"
VERDICTS = (OK, FAILED, NOT_APPLICABLE)
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
    about_claims = any(is_claims(name) for name in inputs.evaluations)
    return [*found, similarity(inputs.sts), batch(inputs.params.train.batch_size, about_claims)]


def as_json(checks: list[Check]) -> list[dict[str, Any]]:
    """The value of reports/checks.json."""
    return [asdict(check) for check in checks]


def is_claims(name: str) -> bool:
    """Whether an evaluation set is SciFact-TR or its stand-in."""
    return name == CLAIMS or name.startswith(f"{CLAIMS}_")


def precision(name: str, evaluation: Mapping[str, Any]) -> Check:
    """P@1 of the result on claims against abstracts."""
    what, limit = f"P@1 on {names.retrieval_set(evaluation)}", f"≥ {LEAST_P_AT_1:g}"
    figure = float(evaluation["models"][FINAL]["P@1"])
    if not is_claims(name):
        reason = "the sign concerns SciFact-TR; this set has another difficulty"
        return Check(f"precision:{name}", what, figure, limit, NOT_APPLICABLE, reason)
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
        return Check(f"shorter_vectors:{name}", what, None, limit, NOT_APPLICABLE, reason)
    figure = float(evaluation["matryoshka"][cut]["loss_relative"])
    reason = "the shorter vectors pay" if figure <= MOST_LOSS else "look at train.dims: is the dimension trained?"
    what = f"share of nDCG@10 lost at {cut} dimensions on {set_name}"
    return Check(f"shorter_vectors:{name}", what, figure, limit, _verdict(figure <= MOST_LOSS), reason)


def similarity(sts: Mapping[str, Any]) -> Check:
    """Spearman's correlation after retrieval training; an encoder below the limit before has not forgotten that."""
    before, after = (float(sts["forgetting"][key]) for key in ("before", "after"))
    reason, verdict = f"{before:.4f} before retrieval training: it {names.verb(sts['forgetting']['verdict'])}", OK
    if after < LEAST_SPEARMAN <= before:
        verdict = FAILED
        reason += "; look at train.learning_rate, epochs and the remedies of the retrieval step"
    elif after < LEAST_SPEARMAN:
        verdict = NOT_APPLICABLE
        reason += "; the encoder was below the limit already, which is no forgetting"
    what, limit = f"Spearman on {sts['set']} after retrieval training", f"≥ {LEAST_SPEARMAN:g}"
    return Check("similarity_kept", what, after, limit, verdict, reason)


def batch(size: int, about_claims: bool) -> Check:
    """How many pairs compete in the retrieval loss; `about_claims`: the run is measured on SciFact-TR."""
    what, limit = "batch of the retrieval step", f"≥ {LEAST_BATCH}"
    if size < LEAST_BATCH and not about_claims:
        reason = "the sign concerns SciFact-TR; other data may be too few for such batches"
        return Check("batch_size", what, size, limit, NOT_APPLICABLE, reason)
    reason = "enough pairs compete" if size >= LEAST_BATCH else "smaller batches are known to cost quality"
    return Check("batch_size", what, size, limit, _verdict(size >= LEAST_BATCH), reason)


def counted(checks: Sequence[Check]) -> str:
    """`3 ok, 0 failed, 1 not applicable`."""
    return ", ".join(f"{sum(check.verdict == verdict for check in checks)} {verdict}" for verdict in VERDICTS)


def _verdict(holds: bool) -> Verdict:
    return OK if holds else FAILED

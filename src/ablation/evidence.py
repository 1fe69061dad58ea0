"""The comparison of variants that reports/ablation/ holds, and whether it belongs to the run at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from src.ablation.origin import code, differences, origins
from src.ablation.results import Comparison
from src.ablation.variants import variant
from src.checked import read_result
from src.files import read_json
from src.params import load_ablations
from src.params.load import ABLATIONS

if TYPE_CHECKING:
    from src.params import Params

EVIDENCE = Path("reports/ablation")
COMPARISON = "comparison.json"
PLOT = "plot.csv"
COMMAND = "`make ablations` trains, compares and reports those of this run."


def read_comparison(params: Params, root: Path = Path()) -> tuple[Comparison | None, str]:
    """The comparison, or None and a sentence why: there is none, or it came from other params, code, models or data."""
    path = root / EVIDENCE / COMPARISON
    if not path.is_file():
        return None, f"No variants have been trained. {COMMAND}"
    filed: Comparison = read_json(path)  # of older code it may have another shape
    other = what_differs(filed, params, root)
    if other:
        return (
            None,
            f"The variants in {EVIDENCE}/ are left out: they were made with other {', '.join(other)}. {COMMAND}",
        )
    return read_result(Comparison, path), ""


def what_differs(comparison: Comparison, params: Params, root: Path) -> list[str]:
    """What the comparison was made with that is otherwise now."""
    ablations = load_ablations(params, root / ABLATIONS)
    trained_by = code(root)
    expected = origins((variant(name, params, ablations, trained_by) for name in ablations.variants), root)
    tests = comparison["reference"], comparison["protocol"]["resamples"], comparison["protocol"]["seed"]
    wanted = ablations.reference, params.eval.bootstrap_resamples, params.eval.seed
    return differences(comparison.get("origins", {}), expected) or ([] if tests == wanted else ["tests"])

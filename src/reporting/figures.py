"""All figures of a run."""

from __future__ import annotations

from pathlib import Path

from src.reporting import figures_ablation, figures_retrieval, figures_training
from src.reporting.inputs import Inputs


def draw_all(inputs: Inputs, folder: Path) -> None:
    """Write every figure as PNG and SVG into `folder`."""
    for evaluation in inputs.evaluations.values():
        figures_retrieval.models(evaluation, folder)
        figures_retrieval.memory(evaluation, folder)
        figures_retrieval.queries(inputs, evaluation, folder)
    figures_retrieval.dimensions(inputs.evaluations, folder)
    figures_retrieval.latency(inputs, folder)
    figures_training.curves(inputs, folder)
    figures_training.forgetting(inputs, folder)
    figures_ablation.draw(inputs, folder)
    figures_ablation.errors(inputs, folder)

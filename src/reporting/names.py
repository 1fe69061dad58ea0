"""How sets and protocols are called wherever a reader meets them."""

from __future__ import annotations

from src.evaluation.results import Evaluation

SYNTHETIC = "synthetic"


def marked(name: str, synthetic: bool) -> str:
    """The set's name, followed by `(synthetic)` where it is."""
    return f"{name} ({SYNTHETIC})" if synthetic else name


def retrieval_set(evaluation: Evaluation) -> str:
    """An evaluation set by its marked name."""
    return marked(evaluation["set"], bool(evaluation["protocol"].get("synthetic")))


def verb(verdict: str) -> str:
    """A verdict on a change (fell, rose, no significant change) as it stands behind `it`."""
    return "did not change significantly" if verdict.startswith("no ") else verdict


def protocol(evaluation: Evaluation) -> str:
    """The rules of an evaluation in one line: protocol, sizes, titles."""
    rules = evaluation["protocol"]
    title = "title and text" if rules["title"] else "text alone"
    removed = ", self-hits removed" if rules.get("self_hits") == "removed" else ""
    sizes = f"n = {rules['queries']:,} queries, {rules['documents']:,} documents"
    return f"protocol {rules['name']}, {sizes}, {title}{removed}"

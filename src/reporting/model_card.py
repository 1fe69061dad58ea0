"""The model card of the retrieval encoder: model_card.md, filled in.

It holds no dates, times or sampled sentences, so that the same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from src.evaluation.metrics import BRIEF
from src.evaluation.results import Scores
from src.model.prompts import CONVENTIONS
from src.params.schema import Params
from src.recipe.stages import FINAL, STAGES
from src.reporting import training
from src.reporting.dimensions import dimensions
from src.reporting.inputs import TRAINING_SETS, Inputs
from src.reporting.run import base_encoder
from src.reporting.tables import Table

CORRELATIONS = ("spearman", "pearson")
TEMPLATE = Path(__file__).with_suffix(".md")


def model_card(inputs: Inputs) -> str:
    """The card: YAML for the Hub, then Markdown."""
    params, sts = inputs.params, inputs.sts["models"][FINAL]
    cards = [inputs.cards[key] for key in TRAINING_SETS]
    synthetic = all(card["synthetic"] for card in cards)
    card = ModelCard.from_template(
        hub_data(inputs, synthetic),
        str(TEMPLATE),
        synthetic=synthetic,
        base=base_encoder(inputs),
        steps=[stage.title for stage in STAGES.values() if params.block(stage).epochs],
        dims=params.train.dims,
        prompts=prompts(params),
        max_length=params.train.max_length,
        results=[dimensions(evaluation).markdown() for evaluation in inputs.evaluations.values()],
        settings=inputs.main["settings"],
        sts=inputs.sts_name,
        correlations=", ".join(f"{key} {sts[key]:.4f}" for key in CORRELATIONS),
        training=Table("training", training.SETTINGS, list(training.chain(params).values())).markdown(),
        seed=params.seed,
        cards=cards,
    )
    return f"{card}\n"


def hub_data(inputs: Inputs, synthetic: bool) -> ModelCardData:
    """What the Hub reads: language, licence, base, and the results as `model-index`."""
    source, sts = inputs.params.base_model.source, inputs.sts
    found = _results("Semantic Similarity", sts["set"], CORRELATIONS, sts["models"][FINAL])
    for name, evaluation in inputs.evaluations.items():
        found += _results("Information Retrieval", name, BRIEF, evaluation["models"][FINAL])
    return ModelCardData(
        language=["tr"],
        license="apache-2.0" if synthetic else "other",
        library_name="sentence-transformers",
        pipeline_tag="sentence-similarity",
        tags=["sentence-transformers", "feature-extraction", "retrieval", "matryoshka", "turkish"],
        base_model=source if "/" in source and not Path(source).exists() else None,
        model_name="turkish-retrieval-encoder",
        eval_results=found,
    )


def _results(task: str, name: str, measures: Sequence[str], scores: Scores) -> list[EvalResult]:
    """A set's results in the Hub's terms."""
    kind = task.lower().replace(" ", "-")
    return [EvalResult(kind, name, name, key, round(scores[key], 4), task, metric_name=key) for key in measures]


def prompts(params: Params) -> str:
    """What stands before a text, in a sentence."""
    base = params.base_model
    if base.prompts is None and base.source != "scratch":
        return f"`encode_query` and `encode_document` put before a text what {base.source} declares, if anything."
    query, document = CONVENTIONS[base.prompts or "none"]
    if not query + document:
        return "No prompt for queries or documents."
    return f"`encode_query` puts `{query}` before a query, `encode_document` `{document}` before a document."

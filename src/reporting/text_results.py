"""The report's sections on results: the paper's tables, every model, dimensions, single queries, published values."""

from __future__ import annotations

from src.recipe import systems
from src.recipe.stages import BEFORE, FINAL
from src.reporting import examples, names, retrieval_tables, similarity_tables
from src.reporting import published as published_values
from src.reporting.document import Section, figure, quoted
from src.reporting.inputs import Inputs
from src.reporting.tables import interval, percent


def table_1(inputs: Inputs) -> Section:
    """The paper's Table I."""
    found = published_values.comparisons(inputs)
    parts = [
        "The paper compares its model with Turkish-ColBERT on SciFact-TR. It states neither corpus nor use of titles, "
        "and its P@1 of 0.7116 is no multiple of 1/300, as a plain P@1 over the 300 test queries would be: so its "
        "values stand beside ours, and are not subtracted from them.",
        published_values.table_1(inputs, found).markdown(),
        f"{systems.label(FINAL)} is the recipe run here; turkembed4retrieval is the released model, which is measured "
        "when `eval.published` names it.",
        "Ours in the shape of that table:",
        *(retrieval_tables.table_1(evaluation).markdown() for evaluation in inputs.evaluations.values()),
    ]
    return Section("Table I: retrieval against ColBERT", "published | ours | verdict, and gains over ColBERT", parts)


def all_models(inputs: Inputs) -> Section:
    """The main table of every set."""
    parts = []
    for name, evaluation in inputs.evaluations.items():
        parts += [
            f"### {names.retrieval_set(evaluation)}",
            retrieval_tables.models(evaluation, published_values.not_run(inputs, name)).markdown(),
            figure(f"models-{name}", f"nDCG@10 of every model on {name} with 95 % intervals"),
            retrieval_tables.significance(evaluation).markdown(),
        ]
    return Section("Every model", "all measures with intervals, and what differs significantly from what", parts)


def dimensions(inputs: Inputs) -> Section:
    """Shorter vectors and smaller indexes."""
    parts = [figure("dimensions", "nDCG@10 of the retrieval model against the number of dimensions")]
    for name, evaluation in inputs.evaluations.items():
        parts += [
            retrieval_tables.dimensions(evaluation).markdown(),
            figure(f"memory-{name}", f"nDCG@10 against bytes a document on {name}, by form of the index"),
            retrieval_tables.quantisation(evaluation).markdown(),
        ]
    if inputs.latency and retrieval_tables.timed_dims(inputs.main, inputs.latency):
        first = next(iter(inputs.evaluations))
        parts.append(figure(f"latency-{first}", f"nDCG@10 against milliseconds a query on {first}"))
        parts.append(retrieval_tables.latency(inputs.main, inputs.latency).markdown())
    return Section("Dimensions, memory, speed", "the Matryoshka curve and points to deploy at", parts)


def table_3(inputs: Inputs) -> Section:
    """The paper's Table III."""
    rated, nli = (bool(inputs.cards[name]["synthetic"]) for name in ("sts", "nli"))
    found = inputs.sts["forgetting"]
    relative = percent(-found["drop"] / found["before"]) if found["before"] else "–"
    bounds = interval([-bound for bound in found["interval"][::-1]])
    accuracy = similarity_tables.triplets(inputs.sts, nli)
    parts = [
        "The paper reports that semantic similarity falls only slightly by retrieval training; its numbers are not "
        f"among our sources, so none are compared. Ours: {found['before']:.4f} → {found['after']:.4f} ({relative}; "
        f"change {-found['drop']:+.4f}, 95 % interval {bounds}). Verdict: **{found['verdict']}**.",
        similarity_tables.table_3(inputs.sts, rated).markdown(),
        "At every dimension:",
        similarity_tables.forgetting(inputs.sts, rated).markdown(),
        figure("forgetting", "Spearman's correlation before and after retrieval training, by dimension"),
        *([accuracy.markdown()] if accuracy else []),
    ]
    return Section("Table III: semantic similarity kept", "STS before and after retrieval, every dimension, NLI", parts)


def single_queries(inputs: Inputs) -> Section:
    """What retrieval training did to single queries."""
    parts = [f"Before: {systems.label(BEFORE)}. After: {systems.label(FINAL)}."]
    for name, evaluation in inputs.evaluations.items():
        parts += [
            f"### {names.retrieval_set(evaluation)}, query by query",
            figure(f"queries-{name}", f"nDCG@10 of every query of {name} before and after retrieval training"),
        ]
        for word, chosen in zip(("gained", "lost"), examples.extremes(inputs, name), strict=True):
            if chosen:
                texts = examples.table(f"{word}-{name}", inputs, name, chosen).markdown()
                parts.append(quoted(f"**{word.title()} most** ({retrieval_tables.caption(evaluation)}):\n\n{texts}"))
            else:
                parts.append(f"No query {word}.")
    return Section("Gains and losses by query", "the queries that retrieval training helped and hurt most", parts)


def published(inputs: Inputs) -> Section:
    """Published values other than the paper's."""
    parts = [published_values.others(inputs, published_values.comparisons(inputs)).markdown()]
    return Section("Other published values", "model cards and benchmarks on SciFact-TR, with verdicts", parts)

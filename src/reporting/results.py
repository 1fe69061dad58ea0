"""All tables of a run, in the order of the report."""

from __future__ import annotations

from src.reporting import ablation, published, retrieval_tables, run_tables, similarity_tables, text_ablation
from src.reporting.checks import Check
from src.reporting.inputs import Inputs
from src.reporting.tables import Table


def all_tables(inputs: Inputs, checks: list[Check]) -> list[Table]:
    """Every table that is written to reports/tables/."""
    found = [run_tables.data(inputs), run_tables.recipe(inputs)]
    for name, evaluation in inputs.evaluations.items():
        found += [
            retrieval_tables.models(evaluation, published.not_run(inputs, name)),
            retrieval_tables.table_1(evaluation),
            retrieval_tables.significance(evaluation),
            retrieval_tables.dimensions(evaluation),
            retrieval_tables.quantisation(evaluation),
        ]
    if inputs.latency:
        found.append(retrieval_tables.latency(inputs.main, inputs.latency))
    found += similarity(inputs)
    compared = published.comparisons(inputs)
    found += [published.table_1(inputs, compared), published.others(inputs, compared), published.checks(checks)]
    if inputs.ablation:
        found += [ablation.table(key, rows, inputs) for key, rows in ablation.groups(inputs.ablation).items()]
    if inputs.errors:
        found += [text_ablation.correlations(name, value, inputs) for name, value in inputs.errors["sets"].items()]
    return [*found, run_tables.truncation(inputs), run_tables.work(inputs)]


def similarity(inputs: Inputs) -> list[Table]:
    """The tables of semantic similarity."""
    rated, nli = (bool(inputs.cards[name]["synthetic"]) for name in ("sts", "nli"))
    tables = [similarity_tables.table_3(inputs.sts, rated), similarity_tables.forgetting(inputs.sts, rated)]
    accuracy = similarity_tables.triplets(inputs.sts, nli)
    return tables + ([accuracy] if accuracy else [])

"""All tables of a run, in the order of the report."""

from __future__ import annotations

from src.reporting import retrieval_tables, run_tables, similarity_tables
from src.reporting.inputs import Inputs
from src.reporting.tables import Table


def all_tables(inputs: Inputs) -> list[Table]:
    """Every table that is written to reports/tables/."""
    found = [run_tables.data(inputs), run_tables.recipe(inputs)]
    for evaluation in inputs.evaluations.values():
        found += [
            retrieval_tables.models(evaluation),
            retrieval_tables.table_1(evaluation),
            retrieval_tables.significance(evaluation),
            retrieval_tables.dimensions(evaluation),
            retrieval_tables.quantisation(evaluation),
        ]
    found += similarity(inputs)
    return found


def similarity(inputs: Inputs) -> list[Table]:
    """The tables of semantic similarity."""
    rated, nli = (bool(inputs.cards[name]["synthetic"]) for name in ("sts", "nli"))
    tables = [similarity_tables.table_3(inputs.sts, rated), similarity_tables.forgetting(inputs.sts, rated)]
    accuracy = similarity_tables.triplets(inputs.sts, nli)
    return tables + ([accuracy] if accuracy else [])

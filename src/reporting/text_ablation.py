"""The report's sections on the ablations, and on whether forgetting goes with retrieval errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from src.reporting import ablation, names
from src.reporting.document import Section, figure, quoted, slug
from src.reporting.inputs import Inputs
from src.reporting.tables import Cell, Table, interval, plain

SHIFTS = {
    "local_forgetting": "STS pairs near the query are judged worse",
    "query_shift": "the query's vector moved",
    "positive_shift": "the relevant document's vector moved",
    "match_change": "query and relevant document came nearer",
}
TARGETS = {"ndcg_change": "change of nDCG@10", "margin_change": "change of the relevant document's margin"}
SHOWN = 5
_WORDS = {
    ablation.BATCH: "The paper used batches of 1024 and saw gains up to 4096.",
    ablation.ORDER: "The recipe is NLI → STS → retrieval; here steps are left out or change places.",
    ablation.SETTINGS: "The paper trains every Matryoshka dimension and freezes early layers, without the number.",
    ablation.SOURCES: "Retrieval pairs by origin, at equal size; inverse cloze pairs are made of the passages alone.",
    ablation.REMEDIES: "Beyond the paper: against forgetting (rehearsal, held similarities) and for retrieval "
    "(mined negatives, false negatives masked).",
    ablation.MIXING: "The weights of the model before and after retrieval training, mixed without further training.",
}


def sections(inputs: Inputs) -> list[Section]:
    """The ablations, or a sentence why there are none; forgetting and errors, where there are results."""
    return [ablations(inputs), *([errors(inputs)] if inputs.errors else [])]


def ablations(inputs: Inputs) -> Section:
    """Every question with its table and figure."""
    if inputs.ablation is None:
        return Section("Ablations", "none of this run", [inputs.no_ablation])
    found = ablation.groups(inputs.ablation)
    parts = [
        "Each variant is trained and measured by itself, on equally many pairs, and compared with the reference on the "
        "same queries and pairs. Rows and epochs differ from the main run's, so these figures compare with each other, "
        "not with the tables above; who picks a setting by them has seen the test sets (docs/ablations.md)."
    ]
    for key, rows in found.items():
        parts += [f"### {ablation.QUESTIONS[key]}", _WORDS[key], ablation.table(key, rows, inputs).markdown()]
        if key != ablation.MIXING:
            parts.append(figure(f"ablation-{key}", f"{ablation.QUESTIONS[key]}: nDCG@10 and Spearman of each variant"))
    parts += [f"Left out: {name}, since {reason}." for name, reason in inputs.ablation["left_out"].items()]
    parts += [
        "### Retrieval against similarity",
        figure("pareto", "nDCG@10 against Spearman: weights mixed before and after, and variants as points"),
    ]
    questions = " · ".join(f"[{ablation.in_a_sentence(key)}](#{slug(ablation.QUESTIONS[key])})" for key in found)
    return Section("Ablations", questions, parts)


def errors(inputs: Inputs) -> Section:
    """The paper's open question: does the STS drop go with retrieval errors?"""
    assert inputs.errors is not None
    rules = inputs.errors["protocol"]
    parts = [
        "An open question of the paper. For every query, what changed in retrieval is set against how the embedding "
        f"space moved there ({rules['from']} → {rules['to']}). Nearby: the {rules['nearest_pairs']} STS pairs nearest "
        "to the query. A query that stood first before can only fall, so the correlation is also given with nDCG@10 "
        "before held fixed (partial)."
    ]
    for name, found in inputs.errors["sets"].items():
        parts += [
            f"### {names.retrieval_set(inputs.evaluations[name])}: forgetting and errors",
            answer(found),
            correlations(name, found, inputs).markdown(),
            figure(f"forgetting_errors-{name}", f"Change in retrieval against shifts of the space, queries of {name}"),
        ]
        if found["worst"]:
            parts.append(quoted(f"Worst losses, with texts:\n\n{worst(name, found).markdown()}"))
    return Section(
        "Does forgetting go with retrieval errors?", "query by query: shifts of the space against losses", parts
    )


def answer(found: Mapping[str, Any]) -> str:
    """What the correlation says, in a sentence; an interval that holds zero says nothing."""
    value = found["correlations"]["ndcg_change"]["local_forgetting"]
    low, high = value["partial_interval"]
    figures = (
        f"partial ρ = {value['partial']:+.3f} {interval(value['partial_interval'])}, n = {found['queries']:,} queries"
    )
    if high < 0:
        return f"**Yes, here:** where semantic similarity is judged worse, queries lose more ({figures})."
    if low > 0:
        return f"**The reverse, here:** where semantic similarity is judged worse, queries gain more ({figures})."
    return f"**Not seen here:** the correlation's interval holds zero ({figures})."


def correlations(name: str, found: Mapping[str, Any], inputs: Inputs) -> Table:
    """Spearman's correlations with intervals; bold where the interval leaves zero out."""
    rows: list[list[Cell]] = []
    for shift, words in SHIFTS.items():
        cells: list[Cell] = [words]
        for target in TARGETS:
            value = found["correlations"][target][shift]
            cells += [_correlation(value["spearman"], value["interval"])]
            cells += [_correlation(value["partial"], value["partial_interval"])]
        rows.append(cells)
    header = ["shift", *(part for words in TARGETS.values() for part in (f"{words}, ρ", "partial"))]
    assert inputs.errors is not None
    rules = inputs.errors["protocol"]
    counts = f"n = {found['queries']:,} queries, {found['better']} better, {found['worse']} worse"
    caption = f"{names.retrieval_set(inputs.evaluations[name])}: {counts}"
    notes = f"Spearman's ρ; {rules['interval'][name]}, seed {rules['seed']}. Bold: zero is outside."
    return Table(f"forgetting_errors-{name}", header, rows, caption, notes)


def _correlation(value: float, bounds: list[float]) -> str:
    text = f"{value:+.3f} {interval(bounds)}"
    return f"**{text}**" if bounds[0] > 0 or bounds[1] < 0 else text


def worst(name: str, found: Mapping[str, Any]) -> Table:
    """The queries that lost most, with what stands first now."""
    rows: list[list[Cell]] = [
        [
            plain(item["query"]),
            plain(item["relevant"]),
            plain(item["now_first"]),
            f"{item['ndcg_before']:.2f} → {item['ndcg_before'] + item['ndcg_change']:.2f}",
            f"{item['local_forgetting']:+.3f}",
        ]
        for item in found["worst"][:SHOWN]
    ]
    return Table(
        f"worst-{name}",
        ["query", "relevant document", "first now", "nDCG@10", "STS pairs nearby judged worse by"],
        rows,
    )

"""The report's sections on the run itself: what it was, in brief, its checks, its work, how to recompute it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from src.files import read_json
from src.model.card import altered
from src.recipe import systems
from src.recipe.stages import BEFORE, FINAL
from src.recipe.systems import LEMMA
from src.reporting import names, published, run_tables
from src.reporting.checks import Check, counted
from src.reporting.document import Section, figure
from src.reporting.inputs import Inputs
from src.reporting.metrics import half
from src.reporting.retrieval_tables import MAIN, baseline, p_value, pair
from src.reporting.tables import interval, percent


def heading(inputs: Inputs) -> str:
    """Sets and encoder: they tell runs apart. The commit is git's to tell: a file cannot hold the one that it is in."""
    base = inputs.params.base_model
    encoder = f"{base.layers} × {base.hidden_size} from scratch" if base.source == "scratch" else base.source
    return f"# Report: {', '.join(map(names.retrieval_set, inputs.evaluations.values()))}, encoder {encoder}"


def warning(inputs: Inputs) -> list[str]:
    """What no reader may miss: numbers from invented text, and data or models that may change under them."""
    return [*_synthetic(inputs), *_unpinned(inputs)]


def _synthetic(inputs: Inputs) -> list[str]:
    used = dict(inputs.cards)
    base = inputs.params.base_model
    if base.source != "scratch" and base.vocabulary == "keep":
        used.pop("text", None)  # read by an encoder from scratch, and where a vocabulary is cut
    invented = [card["name"] for card in used.values() if card["synthetic"]]
    if not invented:
        return []
    everything = len(invented) == len(used)
    which = "Every number here comes" if everything else f"Numbers on {', '.join(invented)} come"
    return [
        f"> **Synthetic data.** {which} from an invented Turkish world (docs/world.md), marked ({names.SYNTHETIC}) "
        "wherever it appears. It shows that the pipeline works and how its parts compare; it says nothing about how "
        "well a model serves real Turkish, and is not to be compared with published numbers."
    ]


def _unpinned(inputs: Inputs) -> list[str]:
    found = [card["name"] for card in inputs.cards.values() if card.get("pinned") is False]
    known = inputs.main["settings"].get("published", {})
    found += [name for name, model in known.items() if model.get("pinned") is False]
    base = base_origin(inputs)
    if base.get("pinned") is False:
        found.append(f"the base model {base['source']} ({base['revision']})")
    if not found:
        return []
    return [
        f"> **Unpinned.** {', '.join(found)}: taken from the Hub without a fixed commit, so that another run may get "
        "other contents. The data cards name the commits of this run's data; `python -m src.hub pin` fixes them all."
    ]


def base_origin(inputs: Inputs) -> dict[str, Any]:
    """Where a published base encoder came from; nothing for one from scratch."""
    path = inputs.root / "models" / "base" / "origin.json"
    return dict(read_json(path)) if path.is_file() else {}


def in_brief(inputs: Inputs, checks: list[Check]) -> str:
    """The run in a few lines."""
    lines = [line for evaluation in inputs.evaluations.values() for line in _set_in_brief(evaluation)]
    drop = inputs.sts["forgetting"]
    sts = names.marked(inputs.sts["set"], bool(inputs.cards["sts"]["synthetic"]))
    bounds = interval([-bound for bound in drop["interval"][::-1]])
    lines.append(
        f"**Semantic similarity** on {sts}: Spearman {drop['before']:.3f} before retrieval training, "
        f"{drop['after']:.3f} after; it {names.verb(drop['verdict'])} (change {-drop['drop']:+.3f}, "
        f"95 % interval {bounds})."
    )
    lines.append(f"**Checks**: {counted(checks)}.")
    return "\n".join(f"- {line}" for line in lines)


def _set_in_brief(evaluation: Mapping[str, Any]) -> list[str]:
    models = evaluation["models"]
    bounds = interval(evaluation["intervals"][FINAL][MAIN])
    over = baseline(evaluation)
    others = [f"{systems.label(row)} {models[row][MAIN]:.3f}" for row in (BEFORE, over, LEMMA) if row in models]
    tested = pair(evaluation, MAIN, FINAL, over)
    against = ""
    if tested:
        word = "significant" if tested["significant"] else "not significant"
        against = (
            f" Against {systems.label(over)}: {tested['difference']:+.3f}, {word} ({p_value(evaluation, tested)})."
        )
    lines = [
        f"**Retrieval** on {names.retrieval_set(evaluation)}: {MAIN} {models[FINAL][MAIN]:.3f} {bounds}, P@1 "
        f"{models[FINAL]['P@1']:.3f}. Beside it: {'; '.join(others)}.{against}"
    ]
    cut = half(evaluation["matryoshka"])
    if cut:
        lost = percent(-evaluation["matryoshka"][cut]["loss_relative"])
        lines.append(f"**Shorter vectors** on {names.retrieval_set(evaluation)}: {lost} {MAIN} at {cut} dimensions.")
    return lines


def what_was_run(inputs: Inputs) -> Section:
    """Data, models, recipe, seeds, versions."""
    params = inputs.params
    base = params.base_model
    revision = base_origin(inputs).get("revision", base.revision)
    origin = f"`{base.source}`" + (f" at revision `{revision}`" if revision else "") + altered(base_origin(inputs))
    if base.source == "scratch":
        origin = (
            f"a GTE encoder with random weights, {base.layers} layers × {base.hidden_size}, and a BPE vocabulary of "
            f"{base.vocab_size:,} pieces trained on {params.data.text.name}"
        )
        mlm = base.mlm
        origin += f", pretrained by masked language modelling for {mlm.epochs:g} epochs" if mlm.epochs else ""
    cards = ", ".join(f"[{card['name']}](data/{card['name']}.md)" for card in inputs.cards.values())
    published_rows = _published_rows(inputs)
    leaks = "removed from training" if params.prepare.leakage == "remove" else "kept (prepare.leakage)"
    parts = [
        run_tables.data(inputs).markdown(),
        f"Data cards (checksums, what was dropped and why, lengths in words and tokens): {cards}. Training rows whose "
        f"text stands in an evaluation set are {leaks}.",
        run_tables.recipe(inputs).markdown(),
        f"- Base: {origin}.\n"
        f"- Remedies in the retrieval step: {run_tables.remedies(inputs)}.\n"
        f"- Rows of the tables: BM25 with Turkish case folding: plain words, stems, lemmas; a late-interaction model "
        f"({params.colbert.dim} dimensions a token) trained here from the same base on the same pairs; the encoder "
        f"after each step; hybrids by reciprocal rank fusion and by the sum of z-scores; "
        f"published models: {published_rows}.\n"
        f"- Seeds: {params.seed} for training, {params.eval.seed} for intervals and tests, "
        f"{params.eval.bootstrap_resamples:,} resamples.\n"
        f"- Versions: {run_tables.versions(inputs)}.",
        figure("training", "Training curves: loss by optimizer step"),
    ]
    return Section("What was run", "data, recipe, seeds, versions, training curves", parts)


def _published_rows(inputs: Inputs) -> str:
    """Published models by name, source and commit."""
    known = inputs.main["settings"].get("published", {})
    named = []
    for name in inputs.params.eval.published:
        model = known.get(name, {})
        where = f" (`{model['source']}`" + (f" at `{model['revision'][:8]}`)" if model.get("revision") else ")")
        named.append(name + (where if model else ""))
    return ", ".join(named) or "none"


def checks(found: list[Check]) -> Section:
    """The signs of failure and their verdicts."""
    parts = [
        "Signs by which the recipe shows that it went wrong, named with the paper. `make check` prints them and fails "
        "on a failed one.",
        published.checks(found).markdown(),
    ]
    return Section("Checks", "signs of failure, each with figure, limit and verdict", parts)


def work(inputs: Inputs) -> Section:
    """What the run cost that does not depend on the machine."""
    parts = [
        "Steps and sizes are the same on every machine. Seconds, memory and energy are not, so they stay out of the "
        "metrics: each training writes them to `logs/`, and `reports/records/` keeps them with the processor they "
        "were taken on. Benchmarks are in `reports/bench/`.",
        run_tables.work(inputs).markdown(),
    ]
    return Section("Work", "optimizer steps, pairs and parameters behind the numbers", parts)


def recompute(inputs: Inputs) -> Section:
    """Where each number comes from."""
    settings = inputs.main["settings"]
    parts = [
        f"- Every retrieval number comes from a TREC run in `reports/runs/SET/`, scored against "
        f"`data/prepared/SET/qrels/test.tsv` with trec_eval's definitions; depth {settings['depth']}, texts cut at "
        f"{settings['max_length']} tokens or sooner (below), scores {settings['scores']}, relevant: "
        f"{settings['relevant']}.\n"
        f"- Values of every query: `reports/per_query/SET/`. Tables as CSV: `reports/tables/`. All numbers: "
        f"`reports/metrics.json`.\n"
        f"- BM25: {settings['bm25']}; stemmed: {settings['bm25_stem']}; lemmas: {settings['bm25_lemma']}. "
        f"Hybrids: {settings['hybrid']}; {settings['hybrid_z']}.\n"
        f"- `dvc repro` writes this report again; without changes it is the same, byte for byte, on a like machine.",
        run_tables.truncation(inputs).markdown(),
    ]
    return Section("How to recompute", "runs, qrels, definitions", parts)

"""Every set ranked by every system and measured; then README's table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from src.cli.real.table import QRELS, REPORTS, RUNS, SUMMARY, Summary, read_summaries, table
from src.data.splits import cleaned_splits
from src.evaluation import lexical, metrics, packed, significance
from src.evaluation.beir import EvalSet, prepared_set
from src.evaluation.expected import EXPECTED, of_set, read_expected
from src.evaluation.fusion import FUSIONS
from src.evaluation.published import Descriptor, rank_published, read_descriptor
from src.evaluation.results import DECIMALS, System
from src.evaluation.runs import Run
from src.files import fresh_dir, read_text, round_floats, write_json, write_text
from src.model.encoder import save_encoder
from src.model.prompts import set_prompts
from src.model.vocabulary import trim
from src.params import Params
from src.recipe.systems import LEMMA
from src.reporting.readme import README, between
from src.runtime import device
from src.stages import base_model, prepare_eval

WHOLE = "multilingual-e5-small-q4"
TRIMMED, FOLDER = f"{WHOLE}-trimmed", Path(".cache/real/trimmed")
PUBLISHED = ("mteb-bm25s", "all-minilm-l6-v2", WHOLE)


def run(params: Params) -> None:
    """Write reports/real/SET of every set, and the table."""
    for name in params.eval.sets:
        prepare_eval.run(params, name)
    models = descriptors(params)
    with fresh_dir(REPORTS) as folder:
        for name, options in params.eval.sets.items():
            measured(prepared_set(name, options), params, models, folder / name)
    write_text(README, between(read_text(README), "real", table(read_summaries()).markdown()))
    print(f"{REPORTS}: {len(params.eval.sets)} sets; the table stands in {README}")


def descriptors(params: Params) -> dict[str, Descriptor]:
    """The published models, and the trimmed encoder where there is text to trim by."""
    models = {name: read_descriptor(name) for name in PUBLISHED}
    if not Path(params.data.text.path).is_dir():
        print(f"{params.data.text.path}: no such folder; the row {TRIMMED} is left out")
        return models
    encoder, _ = base_model.published(params)
    set_prompts(encoder, params.base_model.prompts)
    texts = [row["text"] for row in cleaned_splits("text", params)["train"].rows]
    report = trim(encoder, texts, params.base_model.vocabulary_threshold)
    print(f"{TRIMMED}: {report['pieces']:,} of {report['pieces_before']:,} pieces")
    with fresh_dir(FOLDER) as folder:
        save_encoder(encoder, folder)
    return {**models, TRIMMED: models[WHOLE].model_copy(update={"source": str(FOLDER), "revision": None})}


def measured(data: EvalSet, params: Params, models: Mapping[str, Descriptor], folder: Path) -> None:
    """Write a set's runs, judgements and summary; print the published values of what was run."""
    ranked, systems = ranked_by_all(data, params, models)
    packed.write_runs(folder / RUNS, ranked)
    packed.write_qrels(folder / QRELS, data.qrels)
    scored = packed.score_runs(folder / RUNS, data.qrels)
    draws, clusters = significance.Draws.of(params.eval), significance.clusters_of(data.qrels)
    summary: Summary = {
        "set": data.name,
        "protocol": data.protocol,
        "dropped": data.dropped,
        "systems": systems,
        "models": {name: metrics.means(values) for name, values in scored.items()},
        "intervals": significance.intervals(scored, draws, clusters),
        "significance": significance.compare(scored, draws, clusters),
    }
    write_json(folder / SUMMARY, round_floats(summary, DECIMALS))
    for published in of_set(read_expected(EXPECTED), data.name, summary):
        if published.ours is not None:
            print(published)


def ranked_by_all(
    data: EvalSet, params: Params, models: Mapping[str, Descriptor]
) -> tuple[dict[str, Run], dict[str, System]]:
    """A run of every system, and what is known of it: source, checksum, length, texts cut."""
    options, on = params.eval, device(params.runtime)
    runs = dict(lexical.rank(data, options.depth))
    systems: dict[str, System] = {
        name: {"source": f"Lucene's BM25, k1 {lexical.K1:g}, b {lexical.B:g}"} for name in runs
    }
    for name, descriptor in models.items():
        runs[name], systems[name] = rank_published(
            name, descriptor, data, depth=options.depth, batch_size=options.batch_size, device=on
        )
    dense = list(models)[-1]
    for name, fuse in FUSIONS.items():
        runs[name], systems[name] = fuse([runs[LEMMA], runs[dense]], options.depth), {"source": f"{LEMMA} and {dense}"}
    if TRIMMED in systems:  # its folder means nothing on another machine
        systems[TRIMMED]["source"] = f"{systems[WHOLE]['source']}, vocabulary trimmed by data.text"
    return runs, systems

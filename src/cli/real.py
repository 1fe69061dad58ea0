"""Encoders of the package index on real Turkish, as they are, beside BM25 and published rows: `make real`.

Sets, text and lengths are those of the profile e5 (params/e5.yaml), read from data/external/; nothing is trained.
Without data.text the row of the trimmed vocabulary is left out, and a line says so. Embeddings are kept by content in
.cache/, so a second run takes seconds. Writes README's table and reports/real/SET/: a summary, judgements, and all runs
as one Parquet file, from which every number can be recomputed without a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import TypedDict  # typing's own carries too little for pydantic before Python 3.12

from src.checked import read_result
from src.errors import UserError, run_command
from src.evaluation.results import Protocol, Scores, Significance, System
from src.files import fresh_dir, read_text, round_floats, write_json, write_text
from src.params import Params
from src.params.load import validate
from src.profile import PARAMS, complete
from src.recipe import systems
from src.recipe.systems import LEMMA
from src.reporting.readme import README, between
from src.reporting.tables import Cell, Table, interval
from src.runtime import set_environment, use_threads

if TYPE_CHECKING:
    from src.evaluation.beir import EvalSet
    from src.evaluation.published import Descriptor
    from src.evaluation.runs import Run

PROFILE, DEV = "e5", "pairs_dev"
REPORTS = Path("reports/real")
SUMMARY, RUNS, QRELS = "summary.json", "runs.parquet", "qrels.tsv"  # of each set
TRIMMED_FOLDER = Path(".cache/real/trimmed")
PUBLISHED = ("mteb-bm25s", "all-minilm-l6-v2", "multilingual-e5-small-q4")
TRIMMED = "multilingual-e5-small-q4-trimmed"
MAIN = "nDCG@10"
MARK = "real"  # of the table in README
LABELS = {
    "mteb-bm25s": "BM25 as MTEB has it (English stems)",
    "all-minilm-l6-v2": "all-MiniLM-L6-v2 (an English model)",
    "multilingual-e5-small-q4": "multilingual-e5-small, 4-bit weights",
    TRIMMED: "the same, vocabulary trimmed to Turkish",
    "hybrid": "hybrid of BM25 (lemmas) and e5-small, by ranks",
    "hybrid_z": "hybrid of BM25 (lemmas) and e5-small, by z-scores",
}


class Published(TypedDict):
    """A published value beside ours."""

    model: str
    measure: str
    published: float
    ours: float | None
    verdict: str
    why: str
    source: str
    file: str | None


class Summary(TypedDict):
    """summary.json of a set; `published_alone`: values of models that nobody here can run."""

    set: str
    protocol: Protocol
    dropped: dict[str, int]
    systems: dict[str, System]
    models: dict[str, Scores]
    intervals: dict[str, dict[str, list[float]]]
    significance: Significance
    published: list[Published]
    published_alone: dict[str, Scores]


def main(_: list[str]) -> None:
    """Rank every set by every system, measure, and write the table."""
    params = measured_sets(validate(complete(PROFILE)[PARAMS], f"params/{PROFILE}.yaml"))
    for name, options in params.eval.sets.items():
        if not Path(options.path).is_dir():
            raise UserError(f"{options.path}: no such folder; put the set {name} there (docs/data.md)")
    set_environment(params.runtime)
    use_threads(params.runtime)
    descriptors = all_descriptors(params)
    with fresh_dir(REPORTS) as folder:
        for name in params.eval.sets:
            write_json(folder / name / SUMMARY, one_set(name, params, descriptors, folder / name))
    write_text(REPORTS / "table.md", table(read_summaries()).markdown())
    write_text(README, between(read_text(README), MARK, table(read_summaries()).markdown()))
    print(f"{REPORTS}: {len(params.eval.sets)} sets; the table stands in {README}")


def measured_sets(params: Params) -> Params:
    """The profile without its dev set, which is made of training pairs and which no table shows."""
    sets = {name: options for name, options in params.eval.sets.items() if name != DEV}
    return params.model_copy(update={"eval": params.eval.model_copy(update={"sets": sets})})


def all_descriptors(params: Params) -> dict[str, Descriptor]:
    """The published models, and the trimmed encoder where there is text to trim by."""
    from src.evaluation.published import read_descriptor

    descriptors = {name: read_descriptor(name) for name in PUBLISHED}
    if not Path(params.data.text.path).is_dir():
        print(f"{params.data.text.path}: no such folder; the row {TRIMMED} is left out")
        return descriptors
    trim_encoder(params)
    whole = descriptors[PUBLISHED[-1]]
    return descriptors | {TRIMMED: whole.model_copy(update={"source": str(TRIMMED_FOLDER), "revision": None})}


def trim_encoder(params: Params) -> None:
    """The profile's encoder with the vocabulary of data.text, kept in .cache."""
    from src.data.splits import cleaned_splits
    from src.model.encoder import save_encoder
    from src.model.load import load_encoder
    from src.model.prompts import set_prompts
    from src.model.vocabulary import trim
    from src.runtime import device

    base = params.base_model
    encoder = load_encoder(base.source, base.revision, device(params.runtime), base.max_length, base.pooling)
    set_prompts(encoder, base.prompts)
    texts = [row["text"] for row in cleaned_splits("text", params)["train"].rows]
    done = trim(encoder, texts, base.vocabulary_threshold)
    with fresh_dir(TRIMMED_FOLDER) as folder:
        save_encoder(encoder, folder)
    pieces, parameters = f"{done['pieces']:,} of {done['pieces_before']:,}", done["parameters"] / 1e6
    print(f"{TRIMMED}: {pieces} pieces, {parameters:.1f} M parameters")


def one_set(name: str, params: Params, descriptors: Mapping[str, Descriptor], folder: Path) -> Summary:
    """A set's measures, intervals, tests and published rows; its runs and judgements go to `folder`."""
    from src.evaluation import expected, metrics, packed, significance
    from src.evaluation.beir import prepared_set
    from src.evaluation.results import DECIMALS
    from src.stages import prepare_eval

    prepare_eval.run(params, name)
    data = prepared_set(name, params.eval.sets[name])
    ranked, known = rank_all(data, params, descriptors)
    packed.write_runs(folder / RUNS, ranked)
    packed.write_qrels(folder / QRELS, data.qrels)
    scored = packed.score_runs(folder / RUNS, data.qrels)
    draws = significance.Draws.of(params.eval)
    clusters = significance.clusters_of(data.qrels)
    summary: Summary = {
        "set": name,
        "protocol": data.protocol,
        "dropped": data.dropped,
        "systems": known,
        "models": {system: metrics.means(values) for system, values in scored.items()},
        "intervals": significance.intervals(scored, draws, clusters),
        "significance": significance.compare(scored, draws, clusters),
        "published": [],
        "published_alone": {},
    }
    published = expected.read_expected(expected.EXPECTED)
    rounded: Summary = round_floats(summary, DECIMALS)
    rounded["published"] = [
        {
            "model": item.entry.model,
            "measure": item.measure,
            "published": item.published,
            "ours": item.ours,
            "verdict": item.verdict,
            "why": item.why,
            "source": item.source.title,
            "file": item.entry.file,
        }
        for item in expected.of_set(published, name, rounded)
        if item.verdict != "not comparable"
    ]
    rounded["published_alone"] = {
        entry.model: dict(entry.values) for entry in expected.unmeasured(published, name, rounded)
    }
    return rounded


def rank_all(
    data: EvalSet, params: Params, descriptors: Mapping[str, Descriptor]
) -> tuple[dict[str, Run], dict[str, System]]:
    """A run of every system, and what is known of it: source, checksum, length, texts cut."""
    from src.evaluation import lexical
    from src.evaluation.fusion import FUSIONS
    from src.evaluation.published import rank_published
    from src.runtime import device

    options = params.eval
    ranked: dict[str, Run] = dict(lexical.rank(data, options.depth))
    lucene = f"Lucene's BM25, k1 {lexical.K1:g}, b {lexical.B:g}"
    known: dict[str, System] = {name: {"source": lucene} for name in ranked}
    for name, descriptor in descriptors.items():
        ranked[name], known[name] = rank_published(
            name, descriptor, data, depth=options.depth, batch_size=options.batch_size, device=device(params.runtime)
        )
    dense = list(descriptors)[-1]
    for name, fuse in FUSIONS.items():
        ranked[name] = fuse([ranked[LEMMA], ranked[dense]], options.depth)
        known[name] = {"source": f"{LEMMA} and {dense}"}
    if TRIMMED in known:  # a folder of this machine
        known[TRIMMED]["source"] = f"{known[PUBLISHED[-1]]['source']}, vocabulary trimmed by data.text"
    return ranked, known


def read_summaries() -> dict[str, Summary]:
    """The summary of every set, XQuAD first."""
    return {path.parent.name: read_result(Summary, path) for path in sorted(REPORTS.glob(f"*/{SUMMARY}"), reverse=True)}


def table(summaries: Mapping[str, Summary]) -> Table:
    """nDCG@10 of every system on every set with its interval, then published rows."""
    names = list(next(iter(summaries.values()))["models"])
    rows: list[list[Cell]] = [
        [label(system), *(cell(summary, system) for summary in summaries.values())] for system in names
    ]
    others = dict.fromkeys(model for summary in summaries.values() for model in summary["published_alone"])
    rows += [
        [f"{model} (published)", *(_published(summary, model) for summary in summaries.values())]
        for model in others
        if any(MAIN in summary["published_alone"].get(model, {}) for summary in summaries.values())
    ]
    rules = {name: summary["protocol"] for name, summary in summaries.items()}
    header = [
        "system",
        *(f"{name} ({r['queries']:,} queries, {r['documents']:,} documents)" for name, r in rules.items()),
    ]
    return Table("real", header, rows, f"{MAIN} with 95 % intervals", notes(summaries))


def cell(summary: Summary, system: str) -> str:
    """`0.9469 [0.934, 0.959]*`: a star where it differs from BM25 of lemmas after Holm's correction."""
    pairs = summary["significance"]["pairs"][MAIN]
    tested = next((pair for pair in pairs if {pair["a"], pair["b"]} == {system, LEMMA}), None)
    star = "\\*" if tested and tested["significant"] else ""
    return f"{summary['models'][system][MAIN]:.4f} {interval(summary['intervals'][system][MAIN])}{star}"


def label(system: str) -> str:
    """A system in words."""
    return LABELS.get(system) or systems.label(system)


def _published(summary: Summary, model: str) -> str | None:
    value = summary["published_alone"].get(model, {}).get(MAIN)
    return None if value is None else f"{value:.4f}"


def notes(summaries: Mapping[str, Summary]) -> str:
    """What the table's numbers are made of."""
    first = next(iter(summaries.values()))
    cut = "; ".join(
        f"{system} at {info['truncation']['document_tokens']} tokens: "
        + ", ".join(
            f"{summary['systems'][system]['truncation']['documents_cut']} of {summary['protocol']['documents']}"
            for summary in summaries.values()
        )
        for system, info in first["systems"].items()
        if "truncation" in info
    )
    weights = first["systems"][PUBLISHED[-1]].get("weights", "as published")
    return (
        f"multilingual-e5-small: {weights}. \\* differs from {systems.label(LEMMA)}: {first['significance']['test']}. "
        f"Documents cut, set by set: {cut or 'none'}. Published rows: MTEB's results, not run here."
    )


if __name__ == "__main__":
    run_command(main)

"""What was run: data, models, recipe, versions; how to recompute a number."""

from __future__ import annotations

import re
from functools import partial

from src.data.card import COPY, DEV_COPY, WHOLE
from src.files import read_text
from src.recipe import systems
from src.reporting import names, training
from src.reporting.inputs import TRAINING_SETS, Inputs
from src.reporting.section import Figure, Part, Section
from src.reporting.tables import Cell, Table, plain

REQUIREMENTS = "requirements.txt"
LIBRARIES = ["torch", "transformers", "sentence-transformers", "tokenizers", "numpy", "scipy"]
LIBRARIES += ["bm25s", "ir-measures", "dvc"]


def what_was_run(inputs: Inputs) -> Section:
    """Data, models, recipe, seeds, versions."""
    params = inputs.params
    cards = ", ".join(f"[{card['name']}](data/{card['name']}.md)" for card in inputs.cards.values())
    published_rows = _published_rows(inputs)
    curves = training.read_curves(inputs.root)
    parts: list[Part] = [
        data(inputs),
        f"Data cards (checksums, what was dropped and why, lengths in words and tokens): {cards}. {leaks(inputs)}",
        training.recipe(inputs, curves),
        f"- Base: {base_encoder(inputs)}.\n"
        f"- Beyond the paper in the retrieval step (anti-forgetting, negatives): {training.beyond_the_paper(inputs)}.\n"
        f"- Rows of the tables: BM25 with Turkish case folding: plain words, stems, lemmas; a late-interaction model "
        f"({params.colbert.dim} dimensions a token) trained here on the retrieval step's pairs; the encoder "
        f"after each step; hybrids by reciprocal rank fusion and by the sum of z-scores; "
        f"published models: {published_rows}.\n"
        f"- Seeds: {params.seed} for training, {params.eval.seed} for intervals and tests, "
        f"{params.eval.bootstrap_resamples:,} resamples.\n"
        f"- Versions: {versions(read_text(inputs.root / REQUIREMENTS))}.",
        Figure("training", "Training curves: loss by optimizer step", partial(training.draw_curves, inputs, curves)),
    ]
    return Section("What was run", "data, recipe, seeds, versions, training curves", parts)


def base_encoder(inputs: Inputs) -> str:
    """The encoder before any training, and what was done to the weights and vocabulary of a published one."""
    base, origin = inputs.params.base_model, inputs.base_origin
    if base.source == "scratch":
        pretrained = f", pretrained by masked language modelling for {base.mlm.epochs:g} epochs"
        return (
            f"a GTE encoder with random weights, {base.layers} layers × {base.hidden_size}, and a BPE vocabulary of "
            f"{base.vocab_size:,} pieces trained on {inputs.params.data.text.name}"
        ) + (pretrained if base.mlm.epochs else "")
    revision = origin.get("revision", base.revision)
    words = f"`{base.source}`" + (f" at revision `{revision}`" if revision else "")
    words += f" ({origin['weights']})" if origin.get("weights") else ""
    cut = origin.get("vocabulary")
    if not cut:
        return words
    return (
        f"{words} (vocabulary cut to {cut['pieces']:,} of {cut['pieces_before']:,} pieces, those that {cut['text']} "
        f"uses {cut['threshold']} or more times and single characters: {cut['parameters'] / 1e6:.1f} M parameters in "
        f"place of {cut['parameters_before'] / 1e6:.1f} M; {cut['cut_otherwise']:.2%} of its tokens are cut otherwise)"
    )


def leaks(inputs: Inputs) -> str:
    """What of the evaluation sets was taken out of training, with the rows counted by stage prepare."""
    rules = inputs.params.prepare
    if rules.leakage == "keep":
        return "Training rows that leak from evaluation sets are kept (prepare.leakage)."
    dropped = [inputs.cards[key]["splits"]["train"]["dropped"] for key in TRAINING_SETS]
    counts = {reason: sum(counted.get(reason, 0) for counted in dropped) for reason in (WHOLE, COPY, DEV_COPY)}
    removed = f"Removed from training: {counts[WHOLE]:,} rows of which a text {WHOLE}"
    if rules.overlap is None:
        return f"{removed}. Near copies were not looked for (prepare.overlap)."
    return (
        f"{removed}; {counts[COPY]:,} with a {COPY} ({rules.overlap:.0%} of the word 5-grams of either are shared, or "
        f"more), and {counts[DEV_COPY]:,} with a {DEV_COPY}."
    )


def data(inputs: Inputs) -> Table:
    """Every data set: what for, where from, how many rows were kept."""
    rows: list[list[Cell]] = []
    for key, card in inputs.cards.items():
        kept = {split: counts["kept"] for split, counts in card["splits"].items()}
        read = sum(counts["read"] for counts in card["splits"].values())
        lengths: dict[str, int] = next(iter(card["words"].values()), {})
        use = f"training: {key}" if key in TRAINING_SETS else "evaluation"
        text = names.SYNTHETIC if card["synthetic"] else "real"
        counts = ", ".join(f"{split} {count:,}" for split, count in kept.items())
        origin = [plain(card[part]) for part in ("source", "licence")]
        rows.append([card["name"], use, text, *origin, counts, read - sum(kept.values()), lengths.get("p50")])
    header = ["set", "used for", "text", "source", "licence", "rows kept", "dropped", "median words"]
    return Table("data", header, rows)


def _published_rows(inputs: Inputs) -> str:
    """Published models by name, source and commit."""
    named = dict.fromkeys(inputs.params.eval.published, "")
    for name, system in inputs.main["settings"]["published"].items():
        revision = system.get("revision")
        named[name] = f" (`{system['source']}`" + (f" at `{revision[:8]}`)" if revision else ")")
    return ", ".join(name + where for name, where in named.items()) or "none"


def versions(requirements: str) -> str:
    """The pinned packages that decide results, on one line."""
    pins = {name: re.search(rf"(?m)^{name}==([^\s;#]+)", requirements) for name in LIBRARIES}
    return ", ".join(f"{name} {pin[1]}" for name, pin in pins.items() if pin)


def recompute(inputs: Inputs) -> Section:
    """Where each number comes from."""
    settings = inputs.main["settings"]
    parts: list[Part] = [
        f"- Every retrieval number comes from a TREC run in `reports/runs/SET/` (of smaller vectors in "
        f"`data/runs/SET/`, which DVC keeps), scored against "
        f"`data/prepared/SET/qrels/test.tsv` with trec_eval's definitions; depth {settings['depth']}, texts cut at "
        f"{settings['max_length']} tokens or sooner (below), scores {settings['scores']}, relevant: "
        f"{settings['relevant']}; dense encoders run by {settings['backend']}.\n"
        f"- Values of every query: `reports/per_query/SET/`. Tables as CSV: `reports/tables/`. All numbers: "
        f"`reports/metrics.json`.\n"
        f"- BM25: {settings['bm25']}; stemmed: {settings['bm25_stem']}; lemmas: {settings['bm25_lemma']}. "
        f"Hybrids: {settings['hybrid']}; {settings['hybrid_z']}.\n"
        f"- `dvc repro` writes this report again; without changes it is the same, byte for byte, on a like machine. "
        f"Seconds, memory and energy differ by machine, so they stay out of the metrics: each training writes them to "
        f"`logs/`, `reports/records/` keeps them with their processor, and benchmarks are in `reports/bench/`.",
        truncation(inputs),
    ]
    return Section("How to recompute", "runs, qrels, definitions", parts)


def truncation(inputs: Inputs) -> Table:
    """Tokens that each encoder reads, and how many texts are longer."""
    rows: list[list[Cell]] = []
    for evaluation in inputs.evaluations.values():
        for name, cut in evaluation["settings"]["truncation"].items():
            tokens = dict.fromkeys((cut["document_tokens"], cut["query_tokens"]))
            read = " / ".join(map(str, tokens))
            rows.append([evaluation["set"], systems.label(name), read, cut["documents_cut"], cut["queries_cut"]])
    for name, texts in inputs.sts["protocol"]["truncation"].items():
        rows.append([inputs.sts["set"], systems.label(name), str(texts["tokens"]), texts["cut"], None])
    header = ["set", "model", "tokens read", "documents cut", "queries cut"]
    notes = "What is longer is cut: the rest of it is not read. Two numbers: of a document, of a query. Sentences of "
    return Table("truncation", header, rows, notes=f"{notes}pairs and triplets count as documents.")

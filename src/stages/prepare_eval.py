"""Stage prepare_eval: check an evaluation set and write it under its protocol."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from src.data.card import FILE, Card, Counts, checksums, origin, word_quantiles
from src.data.evaluation_set import PROTOCOLS, BeirSet, read_beir
from src.data.hub import local
from src.files import fresh_dir, write_json, write_jsonl
from src.params import Params
from src.params.schema import EvalSetParams
from src.table_files import write_table


def run(params: Params, name: str) -> None:
    """Write data/prepared/SET/{corpus.jsonl, queries.jsonl, qrels/*.tsv, card.json}."""
    options = params.eval.sets[name]
    raw = local(Path(options.path))
    beir = read_beir(raw, options.protocol)
    prepared = PROTOCOLS[options.protocol](beir)
    with fresh_dir(f"data/prepared/{name}") as folder:
        write_beir(folder, prepared)
        write_json(folder / FILE, make_card(name, options, raw, beir, prepared))
    print(f"{name}: {len(prepared.queries)} queries, {len(prepared.documents)} documents, protocol {options.protocol}")
    for part, mended in beir.mended.items():
        if mended:
            counts = ", ".join(f"{kind} in {count}" for kind, count in sorted(mended.items()))
            print(f"{name}: mended in texts of {part}: {counts}")
    for split, (query, document, _) in beir.first_unknown.items():
        count = beir.counts[f"{split} judgements of unknown ids"]
        print(f"{name}: dropped {count} {split} judgements of unknown ids, first query {query}, document {document}")


def write_beir(folder: Path, beir: BeirSet) -> None:
    """The set in BEIR layout."""
    documents = beir.documents.items()
    write_jsonl(
        folder / "corpus.jsonl", ({"_id": id_, "title": title, "text": text} for id_, (title, text) in documents)
    )
    write_jsonl(folder / "queries.jsonl", ({"_id": id_, "text": text} for id_, text in beir.queries.items()))
    for split, qrels in beir.qrels.items():
        write_table(folder / "qrels" / f"{split}.tsv", ("query-id", "corpus-id", "score"), qrels)


def make_card(name: str, options: EvalSetParams, folder: Path, beir: BeirSet, prepared: BeirSet) -> Card:
    """The data card of an evaluation set, whose files are in `folder`."""
    stated = origin(folder)
    files = [folder / "corpus.jsonl", folder / "queries.jsonl", folder / "qrels" / "test.tsv"]
    documents = [f"{title} {text}".strip() for title, text in prepared.documents.values()]
    return {
        "name": name,
        **stated,
        "protocol": options.protocol,
        "files": checksums(files, stated),
        "splits": {
            "documents": counts(len(beir.documents), documents, beir.mended["documents"]),
            "queries": counts(len(beir.queries), list(prepared.queries.values()), beir.mended["queries"]),
            **{
                f"{split} judgements": {
                    "read": len(beir.qrels[split]) + beir.counts[f"{split} judgements of unknown ids"],
                    "kept": len(qrels),
                    "dropped": {"unknown ids": beir.counts[f"{split} judgements of unknown ids"]},
                    "noted": {},
                }
                for split, qrels in prepared.qrels.items()
            },
        },
        "words": {
            "document": word_quantiles(documents),
            "query": word_quantiles(prepared.queries.values()),
        },
    }


def counts(read: int, texts: list[str], mended: Counter[str]) -> Counts:
    """Texts read and kept, what was mended in them, and how many are empty, which evaluation leaves out."""
    empty = sum(not text for text in texts)
    noted = dict(sorted(mended.items())) | ({"without text": empty} if empty else {})
    return {"read": read, "kept": len(texts), "dropped": {}, "noted": noted}

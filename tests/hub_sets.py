"""Small repositories with the schemas of the Hub's Turkish data sets, in the layouts that such repositories have.

Every table is spread over several files and row groups. Texts are sentences of a small vocabulary; a claim shares
words with its abstract, a query with its passage, so that something can be learned from them.
"""

import csv
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

VOCABULARY = "ışık göz kan hücre şeker ilaç doku ağrı beyin kalp çocuk yaş risk etki düzey oran gen yağ"
STEMS = VOCABULARY.split()
ENDINGS = ("", "i", "nin", "e", "de", "den", "ler", "lerin", "siz", "li")
VERBS = ("artırır", "azaltır", "önler", "etkiler", "belirler", "yükseltir", "gösterir")


class Words:
    """Sentences from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def some(self, count: int) -> list[str]:
        return [self.random.choice(STEMS) + self.random.choice(ENDINGS) for _ in range(count)]

    def sentence(self, words: Sequence[str] = (), length: int = 6) -> str:
        kept = [*words, *self.some(max(0, length - len(words)))]
        self.random.shuffle(kept)
        return " ".join([*kept, self.random.choice(VERBS)]).capitalize() + "."


def write_parquet(folder: Path, name: str, rows: list[dict[str, Any]], files: int = 2, groups: int = 3) -> None:
    """`rows` as NAME-0000i-of-0000n.parquet with several row groups each."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(rows) // files)
    for i in range(files):
        part = pa.Table.from_pylist(rows[i * size : (i + 1) * size])
        path = folder / f"{name}-{i:05d}-of-{files:05d}.parquet"
        pq.write_table(part, path, row_group_size=max(1, -(-len(part) // groups)))


def write_readme(folder: Path, configs: dict[str, dict[str, str]]) -> None:
    lines = ["---", "configs:"]
    for config, splits in configs.items():
        lines += [f"- config_name: {config}", "  data_files:"]
        lines += [line for split, path in splits.items() for line in (f"  - split: {split}", f"    path: {path}")]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text("\n".join([*lines, "---", "# A data set"]) + "\n", encoding="utf-8")


def all_nli(root: Path, rows: int) -> None:
    folder, words = root / "datasets" / "emrecan" / "all-nli-tr", Words(1)
    for split, count in (("train", rows), ("dev", 20), ("test", 20)):
        triplets = []
        for _ in range(count):
            shared = words.some(3)
            anchor, positive = words.sentence(shared), words.sentence(shared)
            triplets.append({"anchor": anchor, "positive": positive, "negative": words.sentence()})
        pairs = [{"premise": row["anchor"], "hypothesis": row["positive"], "label": 0} for row in triplets]
        write_parquet(folder / "triplet", split, triplets)
        write_parquet(folder / "pair-class", split, pairs, files=1)
    configs = {name: {s: f"{name}/{s}-*" for s in ("train", "dev", "test")} for name in ("pair-class", "triplet")}
    write_readme(folder, configs)


def sts_rows(seed: int, count: int) -> list[dict[str, Any]]:
    words, rows = Words(seed), []
    for _ in range(count):
        shared = words.some(words.random.randint(0, 5))
        rows.append(
            {"sentence1": words.sentence(shared), "sentence2": words.sentence(shared), "score": float(len(shared))}
        )
    return rows


def stsb(root: Path, rows: int) -> None:
    """One as JSON behind a loader script, one as CSV; neither declares its files."""
    folder = root / "datasets" / "figenfikri" / "stsb_tr"
    folder.mkdir(parents=True)
    (folder / "stsb_tr.py").write_text("raise SystemExit('never run')\n", encoding="utf-8")
    other = root / "datasets" / "emrecan" / "stsb-mt-turkish"
    other.mkdir(parents=True)
    for seed, (split, count) in enumerate((("train", rows), ("validation", 40), ("test", 40))):
        pairs = sts_rows(seed, count)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in pairs)
        as_array = json.dumps(pairs, ensure_ascii=False)
        (folder / f"stsb_tr_{split}.json").write_text(as_array if split == "test" else lines, encoding="utf-8")
        with (other / f"{split}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, ["sentence1", "sentence2", "score"])
            writer.writeheader()
            writer.writerows(pairs)


def msmarco(root: Path, rows: int) -> None:
    """Triples of ids, a tenth of which find no text; and the same triples joined, under other column names."""
    folder, words = root / "datasets" / "parsak" / "msmarco-tr", Words(3)
    topics = [words.some(3) for _ in range(rows)]
    passages = [{"pid": 7 * i, "text": words.sentence(topic, 14)} for i, topic in enumerate(topics)]
    queries = [{"qid": 1000 + i, "text": " ".join(topic) + " nedir"} for i, topic in enumerate(topics)]
    triples = []
    for i in range(rows):
        lost = 7_000_001 if i % 10 == 0 else 0
        negative = 7 * words.random.randrange(rows)
        triples.append({"qid": 1000 + i, "pid_pos": lost or 7 * i, "pid_neg": negative})
    words.random.shuffle(passages)
    write_parquet(folder / "passages", "train", passages)
    write_parquet(folder / "queries", "train", queries)
    write_parquet(folder / "queries", "dev", [{"qid": 9, "text": "kalp nedir"}], files=1)
    write_parquet(folder / "qrels", "train", [{"qid": 1000, "q0": 0, "pid": 0, "rank": 1}], files=1)
    write_parquet(folder / "triples", "train", triples)
    configs = {name: {"train": f"{name}/train-*"} for name in ("passages", "qrels", "triples")}
    write_readme(folder, configs | {"queries": {"train": "queries/train-*", "dev": "queries/dev-*"}})
    text = {row["pid"]: row["text"] for row in passages}
    query = {row["qid"]: row["text"] for row in queries}
    joined = [
        {"query_text": query[t["qid"]], "pos_text": text[t["pid_pos"]], "neg_text": text[t["pid_neg"]]}
        for t in triples
        if t["pid_pos"] in text
    ]
    write_parquet(root / "datasets" / "newmindai" / "ms-marco-turkish-triplets" / "data", "train", joined)


def claims(documents: int, judged: int) -> tuple[list[dict], list[dict], list[dict]]:
    """Corpus, queries (more than are judged) and judgements."""
    words = Words(4)
    topics = [words.some(4) for _ in range(documents)]
    corpus = [
        {"_id": str(100 + i), "title": " ".join(topic[:2]), "text": words.sentence(topic, 20)}
        for i, topic in enumerate(topics)
    ]
    queries = [{"_id": str(i), "text": words.sentence(topic)} for i, topic in enumerate(topics[: 2 * judged])]
    qrels = [{"query-id": str(i), "corpus-id": str(100 + i), "score": 1} for i in range(judged)]
    return corpus, queries, qrels


def scifact(root: Path, documents: int, judged: int) -> None:
    corpus, queries, qrels = claims(documents, judged)
    folder = root / "datasets" / "AbdulkaderSaoud"
    write_parquet(folder / "scifact-tr" / "data", "corpus", corpus)
    write_parquet(folder / "scifact-tr" / "data", "queries", queries)
    write_readme(folder / "scifact-tr", {"default": {"corpus": "data/corpus-*", "queries": "data/queries-*"}})
    as_numbers = [row | {"query-id": int(row["query-id"]), "corpus-id": int(row["corpus-id"])} for row in qrels]
    write_parquet(folder / "scifact-tr-qrels" / "data", "test", as_numbers)


def trmteb(root: Path, name: str, documents: int, judged: int) -> None:
    """BEIR layout: JSON lines and a configuration for each file."""
    folder = root / "datasets" / "trmteb" / f"{name}-tr"
    write_readme(
        folder,
        {
            "default": {"test": "qrels/test.jsonl"},
            "corpus": {"corpus": "corpus.jsonl"},
            "queries": {"queries": "queries.jsonl"},
        },
    )
    (folder / "qrels").mkdir()
    for part, rows in zip(("corpus", "queries", "qrels/test"), claims(documents, judged), strict=True):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{part}.jsonl").write_text(lines, encoding="utf-8")


def build(root: Path, rows: int = 60, documents: int = 30, judged: int = 10) -> Path:
    """Every repository that params/hub/ names, below ROOT/datasets."""
    all_nli(root, rows)
    stsb(root, rows)
    msmarco(root, rows)
    scifact(root, documents, judged)
    for name in ("scifact", "nfcorpus", "arguana", "scidocs", "fiqa", "quora", "squad"):
        trmteb(root, name, documents, judged)
    return root

"""An evaluation set of your own domain, out of its training pairs, to choose settings on.

    python -m src.cli.dev_set data/external/retrieval data/external/eval/own_dev 1500

draws about 1,500 rows of train with the seed of params.yaml; rows that share a text stay together, so no document of
the set is a passage of the rows left. Named in `eval.sets`, it counts as any other set: `prepare` takes its rows, and
near copies of its passages, out of train.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from src.data.columns import KINDS
from src.data.dev_split import split_off
from src.data.text import identity
from src.data.training_set import clean_rows, split_files
from src.errors import UserError, run_command
from src.evaluation.packed import QRELS
from src.files import fresh_dir, write_json, write_jsonl
from src.params import Params, load_params
from src.strict_json import Row
from src.table_files import write_table


def main(arguments: list[str]) -> None:
    """Write NEW_FOLDER/{corpus.jsonl, queries.jsonl, qrels/test.tsv, source.json}."""
    source, target = Path(arguments[0]), Path(arguments[1])
    if not (arguments[2].isdecimal() and int(arguments[2])):
        raise UserError(f"{arguments[2]!r} rows; expected a whole number above 0")
    if target.exists():
        raise UserError(f"{target}: is there already; a dev set that choices were made on stays as it is")
    rows = draw(source, int(arguments[2]), load_params())
    documents, queries, qrels = as_beir(rows)
    with fresh_dir(target) as folder:
        write_jsonl(folder / "corpus.jsonl", documents)
        write_jsonl(folder / "queries.jsonl", queries)
        write_table(folder / "qrels" / "test.tsv", QRELS, qrels)
        write_json(folder / "source.json", {"source": f"{len(rows)} training pairs of {source.name}, held out"})
    print(f"{target}: {len(queries)} queries, {len(documents)} documents; named in eval.sets, they leave train")


def draw(source: Path, count: int, params: Params) -> list[Row]:
    """About `count` cleaned rows of the folder's train files that share no text with the others."""
    kind = KINDS["retrieval"]
    files = split_files(source, "train", params.data.retrieval.files)
    train = clean_rows(kind, files, params.prepare.max_words, unique=True)
    return split_off(kind, train, count, params.seed).rows


def as_beir(rows: Sequence[Row]) -> tuple[list[Row], list[Row], list[tuple[str, str, int]]]:
    """Documents, queries and judgements of pairs: a text that stands in several rows is one document or query."""
    documents = _numbered("d", [row["positive"] for row in rows])
    queries = _numbered("q", [row["anchor"] for row in rows])
    qrels = {(queries[identity(row["anchor"])]["_id"], documents[identity(row["positive"])]["_id"], 1) for row in rows}
    return list(documents.values()), list(queries.values()), sorted(qrels)


def _numbered(letter: str, texts: Sequence[str]) -> dict[str, Row]:
    """Rows of ids and texts by a text's identity; of texts that are the same the first stands."""
    rows: dict[str, Row] = {}
    for text in texts:
        rows.setdefault(identity(text), {"_id": f"{letter}{len(rows):05}", "text": text})
    return rows


if __name__ == "__main__":
    run_command(main, "FOLDER_OF_PAIRS NEW_FOLDER ROWS", "data/external/retrieval data/external/eval/own_dev 1500")

"""Stage prepare: check and clean one training set, remove what leaks, write its card."""

from __future__ import annotations

from pathlib import Path

from src.data.card import FILE, Card, Counts, Quantiles, checksums, origin, word_quantiles
from src.data.columns import KINDS, Kind
from src.data.hub import local
from src.data.splits import SPLITS, cleaned_splits
from src.data.training_set import Split, split_files
from src.files import fresh_dir, write_json, write_jsonl
from src.params import Params


def run(params: Params, name: str) -> None:
    """Write data/prepared/NAME/{train,dev,test}.jsonl and card.json."""
    splits = cleaned_splits(name, params)
    card = make_card(name, splits, params)
    with fresh_dir(f"data/prepared/{name}") as folder:
        for split, rows in splits.items():
            write_jsonl(folder / f"{split}.jsonl", rows.rows)
        write_json(folder / FILE, card)
    print(f"{name}: " + ", ".join(f"{len(rows.rows)} of {rows.read} {split} rows" for split, rows in splits.items()))


def make_card(name: str, splits: dict[str, Split], params: Params) -> Card:
    """The data card of a cleaned set."""
    kind, options, folder = KINDS[name], getattr(params.data, name), local(Path(getattr(params.data, name).path))
    stated = origin(folder)
    files = [file for split in SPLITS for file in split_files(folder, split, options.files)]
    sampled = options.max_rows is not None
    carved = options.dev_rows and not split_files(folder, "dev", options.files)
    return {
        "name": options.name,
        **stated,
        "sampling": f"{options.max_rows} rows drawn with seed {params.seed}" if sampled else None,
        "carving": carving(options.dev_rows, len(splits["dev"].rows), params.seed) if carved else None,
        "leakage": params.prepare.leakage,
        "overlap": params.prepare.overlap,
        "copies": dict(sorted(splits["train"].copies.items())),
        "files": checksums(files, stated),
        "splits": {split: counts(rows) for split, rows in splits.items()},
        "words": words(kind, splits),
    }


def carving(wanted: int, drawn: int, seed: int) -> str:
    """How the dev split was made, and whether it has the size that params want."""
    size = f"{drawn} rows" if drawn == wanted else f"{drawn} rows, the nearest to the {wanted} of dev_rows,"
    return f"dev: {size} drawn from train with seed {seed}; rows that share a text stay together"


def counts(split: Split) -> Counts:
    """Rows read, kept, dropped by reason, and what was mended or only counted."""
    dropped = {reason: count for reason, count in sorted(split.dropped.items()) if count}
    noted = {reason: count for reason, count in sorted(split.mended.items()) if count}
    return {"read": split.read, "kept": len(split.rows), "dropped": dropped, "noted": noted}


def words(kind: Kind, splits: dict[str, Split]) -> dict[str, Quantiles]:
    """Quantiles of words in each text column of train."""
    rows = splits["train"].rows
    return {c: word_quantiles(row[c] for row in rows) for c in kind.texts if c in rows[0]}

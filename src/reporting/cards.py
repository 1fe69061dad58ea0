"""Data cards of the report: what stage prepare counted, with lengths in tokens of the base model."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from src.data.card import markdown, token_quantiles
from src.errors import UserError
from src.files import fresh_dir, read_jsonl, write_json, write_text
from src.strict_json import Row

if TYPE_CHECKING:
    from src.reporting.inputs import Inputs

# Texts of a column whose tokens are counted; more would cost minutes on large sets and change no quantile.
COUNTED = 20_000
COLUMNS = ("anchor", "positive", "negative", "sentence1", "sentence2", "text")


def write_cards(inputs: Inputs, target: Path) -> None:
    """Write TARGET/NAME.json and TARGET/NAME.md for every training and evaluation set.

    Raises:
        UserError: two sets go by one name.
    """
    tokenizer = load_tokenizer(inputs.root / "models" / "base")
    with fresh_dir(target) as folder:
        for key, card in inputs.cards.items():
            path = folder / f"{card['name']}.json"
            if path.exists():
                raise UserError(f"params.yaml: two data sets are called {card['name']!r}; give each its own name")
            full = card | {"tokens": tokens(inputs.root / "data" / "prepared" / key, tokenizer)}
            full["tokens_counted"] = f"first {COUNTED:,} texts of a column, tokenizer of models/base"
            write_json(path, full)
            write_text(path.with_suffix(".md"), markdown(full))


def load_tokenizer(folder: Path) -> Tokenizer:
    """The base model's tokenizer alone: transformers around it would cost seconds of imports for the same counts."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()  # texts longer than the model takes are what is counted here
    tokenizer.no_padding()
    return tokenizer


def tokens(folder: Path, tokenizer: Tokenizer) -> dict[str, dict[str, int]]:
    """Token quantiles of every text column of a prepared set: of train, or of documents and queries."""
    return {name: token_quantiles(texts, tokenizer) for name, texts in columns(folder).items() if texts}


def columns(folder: Path) -> dict[str, list[str]]:
    """The counted texts by column."""
    if (folder / "corpus.jsonl").is_file():
        documents = (f"{row['title']} {row['text']}".strip() for row in _rows(folder / "corpus.jsonl"))
        return {"document": list(documents), "query": [row["text"] for row in _rows(folder / "queries.jsonl")]}
    rows = list(_rows(folder / "train.jsonl"))
    return {name: [row[name] for row in rows if row.get(name)] for name in COLUMNS}


def _rows(path: Path) -> Iterator[Row]:
    return islice(read_jsonl(path), COUNTED)

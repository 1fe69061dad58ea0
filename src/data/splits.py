"""A training set as stage prepare keeps it: every split cleaned, train without what leaks."""

from __future__ import annotations

from pathlib import Path

from src.data.columns import KINDS
from src.data.dev_split import split_off
from src.data.hub import local
from src.data.leakage import without_copies_of_dev, without_leaks
from src.data.training_set import Split, clean_rows, count_unjoined, sample, split_files
from src.errors import UserError
from src.params import Params

SPLITS = ("train", "dev", "test")


def cleaned_splits(name: str, params: Params) -> dict[str, Split]:
    """Every split that the folder holds or that is drawn from train, train without leaks.

    Raises:
        UserError: a file is malformed, an evaluation set is missing, or no row of train is left.
    """
    kind, options, folder = KINDS[name], getattr(params.data, name), local(Path(getattr(params.data, name).path))
    splits = {}
    for split in SPLITS:
        files = split_files(folder, split, options.files)
        if files:
            splits[split] = clean_rows(kind, files, params.prepare.max_words, unique=split == "train")
            count_unjoined(splits[split], folder, split)
    if params.prepare.leakage == "remove":
        splits["train"] = without_leaks(kind, splits["train"], params)
    sample(splits["train"], options.max_rows, params.seed)
    if options.dev_rows and "dev" not in splits and splits["train"].rows:
        splits["dev"] = split_off(kind, splits["train"], options.dev_rows, params.seed)
    if "dev" in splits:
        splits["train"] = without_copies_of_dev(kind, splits["train"], splits["dev"], params.prepare.overlap)
    if not splits["train"].rows:
        raise UserError(f"{folder}: no row of train is left: {dict(splits['train'].dropped)}")
    return splits

"""Which files of a repository make a split: by patterns, by its README's `configs`, or by their names.

Only data files count: never a script, and never two formats of the same rows.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from src.data.hub_descriptor import Part
from src.errors import UserError
from src.files import parse_yaml

README = "README.md"
# In the order of preference where a split is there in several formats.
FORMATS = (".parquet", ".jsonl", ".json", ".csv", ".tsv")
_NO_DATA = {"dataset_infos.json", "dataset_info.json", "dataset_dict.json", "state.json", "config.json"}
_SYNONYMS = {
    "train": ("train", "training"),
    "dev": ("dev", "validation", "valid", "val"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SHOWN = 8


def choose(part: Part, files: Iterable[str], readme: str, where: str) -> list[str]:
    """The paths of a part, sorted; `where` is what the user calls it.

    Raises:
        UserError: nothing fits; names what there is.
    """
    there = sorted(path for path in files if _format(path) and Path(path).name not in _NO_DATA)
    if part.files is not None:
        patterns = part.files
    else:
        patterns = _declared(readme, part.config, part.split, where) or _by_name(part, there)
    matching = [path for path in there if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)]
    if not matching:
        wanted = ", ".join(part.files or [f"{part.config or ''} {part.split or ''}".strip()])
        shown = ", ".join(there[:_SHOWN]) + (f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else "")
        raise UserError(f"{where}: no data file for {wanted}; there are: {shown or 'none'} (name them under `files`)")
    return _one_format(matching)


def _format(path: str) -> str | None:
    suffix = Path(path.removesuffix(".gz")).suffix
    return suffix if suffix in FORMATS else None


def _one_format(paths: list[str]) -> list[str]:
    best = next(suffix for suffix in FORMATS if any(_format(path) == suffix for path in paths))
    return [path for path in paths if _format(path) == best]


def _declared(readme: str, config: str | None, split: str | None, where: str) -> list[str]:
    """Patterns of a split from the front matter of README.md; none where it declares no configurations."""
    configs = {item.get("config_name", "default"): item for item in _front_matter(readme, where).get("configs") or []}
    if not configs:
        return []
    name = config or ("default" if "default" in configs else next(iter(configs)) if len(configs) == 1 else "")
    if name not in configs:
        raise UserError(f"{where}: no configuration {name!r}; README.md declares {', '.join(configs)}")
    splits: dict[str, list[str]] = {}
    for declared, pattern in _data_files(configs[name].get("data_files")):
        splits.setdefault(declared, []).append(pattern)
    if not splits or split is None:
        return [pattern for patterns in splits.values() for pattern in patterns]
    files = next((splits[same] for same in _SYNONYMS.get(split, (split,)) if same in splits), None)
    if files is None:
        raise UserError(f"{where}: no split {split!r} in {name!r}; README.md declares {', '.join(splits)}")
    return files


def _front_matter(readme: str, where: str) -> dict[str, Any]:
    match = re.match(r"\ufeff?---\s*\n(.*?)\n---", readme, re.DOTALL)
    values = parse_yaml(match.group(1), f"{where}: {README}") if match else None
    return values if isinstance(values, dict) else {}


def _data_files(declared: Any) -> Iterator[tuple[str, str]]:
    """(split, pattern) of each of the forms that `data_files` may have."""
    if isinstance(declared, str):
        yield "train", declared
    elif isinstance(declared, dict):
        for split, patterns in declared.items():
            yield from ((split, pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns))
    elif isinstance(declared, list):
        for item in declared:
            if isinstance(item, str):
                yield "train", item
            else:
                yield from _data_files({item["split"]: item["path"]})


def _by_name(part: Part, there: list[str]) -> list[str]:
    """Files whose folders or names hold the configuration and the split as words; all of them if it is the only one."""
    inside = [path for path in there if part.config is None or part.config in Path(path).parent.parts]
    inside = inside or [path for path in there if part.config is not None and _has_word(path, part.config)]
    split = part.split
    if split is None:
        return [_literal(path) for path in inside]
    named = [path for path in inside if any(_has_word(path, word) for word in _SYNONYMS.get(split, (split,)))]
    others = [word for words in _SYNONYMS.values() for word in words]
    if not named and not any(_has_word(path, word) for path in inside for word in others):
        named = inside if split == "train" else []
    return [_literal(path) for path in named]


def _literal(path: str) -> str:
    """A pattern that matches the path alone."""
    return re.sub(r"([\[*?])", r"[\1]", path)


def _has_word(path: str, word: str) -> bool:
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z])", path) is not None

"""A data set on the Hub as a plain folder, in the layout of users' own data.

`local` downloads what FOLDER/hub.yaml describes and writes it to .cache/hub/, once for a descriptor and a commit; the
folder appears whole or not at all. Its source.json says what was resolved: repositories, commits, files and checksums.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow
import pyarrow.compute as pc
import pyarrow.parquet

from src.data.card import HubFile, Joined, Origin
from src.data.columns import HIGHEST
from src.data.hub_descriptor import FILE, README, Descriptor, Join, Part, choose, is_hub_set, read_descriptor
from src.data.join import join, read_texts
from src.data.judgements import as_id, as_score
from src.data.readers import batches
from src.downloads import hub
from src.downloads.hub import Entry, Repository
from src.errors import UserError
from src.files import fingerprint, fresh_dir, sha256, write_json, write_jsonl
from src.strict_json import Row
from src.table_files import write_table

# Part of the folder's name: raise it when another folder would be written from the same files.
_LAYOUT = 1
_BEIR = {
    "corpus": {"_id": "_id", "title": "title", "text": "text"},
    "queries": {"_id": "_id", "text": "text"},
    "qrels": {"query-id": "query-id", "corpus-id": "corpus-id", "score": "score"},
}


def local(folder: Path) -> Path:
    """The folder itself, or what its hub.yaml describes as a folder of files.

    Raises:
        UserError: the descriptor is malformed, or the Hub, the network or the disk fails; one line, what to do.
    """
    if not is_hub_set(folder):
        return folder
    from filelock import FileLock

    descriptor = read_descriptor(folder)
    repositories = [hub.resolve(name, descriptor.type, revision) for name, revision in descriptor.sources()]
    commits = [repository.revision for repository in repositories]
    key = fingerprint({"layout": _LAYOUT, "descriptor": descriptor.model_dump(), "commits": commits}, [])
    cache = Path(os.environ.get("DVC_ROOT", ".")) / ".cache" / "hub"
    target = cache / f"{folder.name}-{key}"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{target}.lock"):
        if not target.is_dir():
            print(f"{folder.name}: {', '.join(map(str, repositories))}", flush=True)
            with fresh_dir(target) as fresh:
                HubSet(folder, descriptor, [open_source(repository) for repository in repositories]).write(fresh)
    return target


@dataclass
class Source:
    """A repository at its commit, its files, and what was used of them."""

    repository: Repository
    entries: dict[str, Entry]
    readme: str
    used: dict[str, HubFile] = field(default_factory=dict)

    def batches(
        self, path: str, folder: Path, columns: dict[str, str], optional: tuple[str, ...]
    ) -> Iterator[pyarrow.RecordBatch]:
        """The batches of a file that lies in `folder`, as `src.data.readers.batches`; records its rows."""
        rows = 0
        try:
            for batch in batches(folder / path, columns, optional):
                rows += len(batch)
                yield batch
        except UserError as error:
            raise UserError(f"{self.repository}: {path}: {error}") from error
        self.used[path] = {"rows": rows, "bytes": self.entries[path].size, "sha256": sha256(folder / path)}


def open_source(repository: Repository) -> Source:
    """The repository with the list of its files; downloads its README alone."""
    entries = hub.listing(repository)
    readme = ""
    if README in entries:
        path = hub.download(repository, [README], entries) / README
        readme = path.read_text(encoding="utf-8", errors="replace")
    return Source(repository, entries, readme)


@dataclass
class HubSet:
    """What FOLDER/hub.yaml describes, and its repositories in the order of `descriptor.sources()`."""

    folder: Path
    descriptor: Descriptor
    sources: list[Source]

    def write(self, target: Path) -> None:
        """Write the set in the layout of users' own data, with its source.json."""
        joined: dict[str, Joined] = {}
        for name, part in self.descriptor.parts.items():
            if self.descriptor.is_evaluation:
                self.write_beir(name, part, target)
            elif self.descriptor.join:
                joined[name] = self.write_joined(name, part, self.descriptor.join, target)
            else:
                rows = self.batches(part, part.columns or self.descriptor.columns)
                self.write_training(name, (_scaled(batch, self.descriptor.score_scale) for batch in rows), target)
        write_json(target / "source.json", origin(self.descriptor, self.sources, joined))

    def files(
        self, part: Part, columns: dict[str, str], optional: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, Iterator[pyarrow.RecordBatch]]]:
        """Each of a part's files, downloaded now, as (what the user calls it, its batches)."""
        source = self.sources[self.descriptor.sources().index(self.descriptor.source_of(part))]
        paths = choose(part, source.entries, source.readme, f"{self.folder / FILE}: {source.repository}")
        folder = hub.download(source.repository, paths, source.entries)
        for path in paths:
            yield f"{source.repository}: {path}", source.batches(path, folder, columns, optional)

    def batches(self, part: Part, columns: dict[str, str]) -> Iterator[pyarrow.RecordBatch]:
        """Batches of a part's files, one after another."""
        return (batch for _, of_file in self.files(part, columns) for batch in of_file)

    def write_training(self, name: str, rows: Iterable[pyarrow.RecordBatch], target: Path) -> None:
        """Write a split of a training set."""
        write_rows(rows, target / f"{name}.parquet", f"{self.folder / FILE}: {name}")

    def write_joined(self, name: str, part: Part, settings: Join, target: Path) -> Joined:
        """Write a split of ids as one of texts; the rows read, and those dropped by reason."""
        tables = {
            table: read_texts(self.batches(part, {"id": part.id, "text": part.text}))
            for table, part in settings.tables.items()
        }
        lookups = {column: (lookup.key, tables[lookup.table]) for column, lookup in settings.columns.items()}
        counts: Counter[str] = Counter()
        ids = self.batches(part, {column: key for column, (key, _) in lookups.items()})
        self.write_training(name, join(ids, lookups, counts), target)
        rows = counts.pop("rows")
        dropped = {reason: count for reason, count in sorted(counts.items()) if count}
        noted = {f"repeated id in {table}": texts.repeated for table, texts in tables.items() if texts.repeated}
        return {"rows": rows, "dropped": dropped, "noted": noted}

    def write_beir(self, name: str, part: Part, target: Path) -> None:
        """Write corpus.jsonl, queries.jsonl or a qrels/*.tsv."""
        columns = _BEIR[name.removesuffix("_dev")]
        rows = numbered(self.files(part, columns | (part.columns or {}), optional=("title",)))
        if name in ("corpus", "queries"):
            write_jsonl(target / f"{name}.jsonl", (texts_of(row, where) for where, row in rows))
        else:
            path = target / "qrels" / ("dev.tsv" if name == "qrels_dev" else "test.tsv")
            write_table(path, tuple(columns), (judgement(row, where) for where, row in rows))


def _scaled(batch: pyarrow.RecordBatch, scale: tuple[float, float] | None) -> pyarrow.RecordBatch:
    """Scores brought from `scale` to 0–5; a score that is no number is left for stage prepare to name."""
    if scale is None or "score" not in batch.schema.names:
        return batch
    index = batch.schema.get_field_index("score")
    try:
        score = batch.column(index).cast(pyarrow.float64())
    except pyarrow.ArrowInvalid:
        return batch
    score = pc.multiply(pc.subtract(score, scale[0]), HIGHEST / (scale[1] - scale[0]))
    return batch.set_column(index, "score", score)


def write_rows(rows: Iterable[pyarrow.RecordBatch], path: Path, where: str) -> None:
    """Write batches to one Parquet file, every column as text.

    Raises:
        UserError: there is no row, or a column is no text or number.
    """
    writer = None
    try:
        for batch in rows:
            text = batch.cast(pyarrow.schema(dict.fromkeys(batch.schema.names, pyarrow.string())))
            options = {"compression": "zstd", "use_dictionary": False, "write_statistics": False}
            writer = writer or pyarrow.parquet.ParquetWriter(path, text.schema, **options)
            writer.write_batch(text)
    except pyarrow.ArrowException as error:
        raise UserError(f"{where}: {str(error).splitlines()[0]}; expected text or numbers") from error
    finally:
        if writer:
            writer.close()
    if writer is None:
        raise UserError(f"{where}: no rows")


def numbered(files: Iterable[tuple[str, Iterable[pyarrow.RecordBatch]]]) -> Iterator[tuple[str, Row]]:
    """(file and number, row) of each row; the numbers of a file count from 1."""
    for file, of_file in files:
        for number, row in enumerate((row for batch in of_file for row in batch.to_pylist()), 1):
            yield f"{file}: row {number}", row


def texts_of(row: Row, where: str) -> dict[str, str]:
    """A document or query as texts; a whole number is its digits, null the empty text.

    Raises:
        UserError: a value is something else, such as a list; `where` names file and row.
    """
    for key, value in row.items():
        if not isinstance(value, str | int | None) or isinstance(value, bool):
            raise UserError(f"{where}: {key} is a {type(value).__name__}; expected text")
    return {key: "" if value is None else str(value) for key, value in row.items()}


def judgement(row: Row, where: str) -> tuple[str, str, int]:
    """Query, document and score. Raises UserError where an id or the score is none; `where` names file and row."""
    query, document = (as_id(row[column], where, column) for column in ("query-id", "corpus-id"))
    return query, document, as_score(row["score"], where)


def origin(descriptor: Descriptor, sources: list[Source], joined: dict[str, Joined]) -> Origin:
    """The value of source.json."""
    repositories = [source.repository for source in sources]
    facts: Origin = {
        "source": f"Hub: {', '.join(dict.fromkeys(repository.name for repository in repositories))}",
        "licence": descriptor.licence,
        "synthetic": False,
        "revision": ", ".join(repository.revision for repository in repositories),
        "pinned": all(repository.pinned for repository in repositories),
        "repositories": [
            {
                "repository": source.repository.name,
                "revision": source.repository.revision,
                "pinned": source.repository.pinned,
                "files": dict(sorted(source.used.items())),
            }
            for source in sources
        ],
    }
    if descriptor.note:
        facts["note"] = descriptor.note
    if joined:
        facts["joined"] = joined
    return facts

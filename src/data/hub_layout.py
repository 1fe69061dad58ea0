"""The files of a Hub data set read and written in the layout of users' own data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src.data.card import HubFile, Joined
from src.data.columns import HIGHEST
from src.data.hub_descriptor import FILE, Descriptor, Part
from src.data.hub_files import choose
from src.data.join import join, read_texts
from src.data.judgements import as_id, as_score
from src.data.tables import batches
from src.downloads import hub
from src.downloads.hub import Entry, Repository
from src.errors import UserError
from src.files import sha256, write_jsonl
from src.table_files import write_table

if TYPE_CHECKING:
    import pyarrow

_BEIR = {
    "corpus": {"_id": "_id", "title": "title", "text": "text"},
    "queries": {"_id": "_id", "text": "text"},
    "qrels": {"query-id": "query-id", "corpus-id": "corpus-id", "score": "score"},
}


@dataclass
class Source:
    """A repository at its commit, its files, and what was used of them."""

    repository: Repository
    entries: dict[str, Entry]
    readme: str
    used: dict[str, HubFile] = field(default_factory=dict)


@dataclass
class Reader:
    """Batches of the parts of a descriptor, whose files are downloaded when they are asked for."""

    descriptor: Descriptor
    sources: Mapping[tuple[str, str | None], Source]
    folder: Path

    def rows(self, name: str) -> Iterator[pyarrow.RecordBatch]:
        """The rows of a training split, scores on the scale from 0 to 5."""
        part = self.descriptor.parts[name]
        columns = part.columns or self.descriptor.columns
        if not columns:
            raise UserError(f"{self.folder / FILE}: columns: missing; expected ours: theirs, as in anchor: query")
        for batch in self.batches(part, columns):
            yield _scaled(batch, self.descriptor.score_scale)

    def batches(
        self, part: Part, columns: dict[str, str], optional: tuple[str, ...] = ()
    ) -> Iterator[pyarrow.RecordBatch]:
        """Batches of a part's files, one after another."""
        for _, of_file in self.files(part, columns, optional):
            yield from of_file

    def files(
        self, part: Part, columns: dict[str, str], optional: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, Iterator[pyarrow.RecordBatch]]]:
        """Each of a part's files as (what the user calls it, its batches), counting its rows."""
        source = self.sources[self.descriptor.source_of(part)]
        where = f"{self.folder / FILE}: {source.repository}"
        paths = choose(part, source.entries, source.readme, where)
        folder = hub.download(source.repository, paths, source.entries)
        for path in paths:
            name = f"{source.repository}: {path}"
            yield name, _counted(source, path, folder, _naming(batches(folder / path, columns, optional), name))


def _counted(
    source: Source, path: str, folder: Path, batches: Iterable[pyarrow.RecordBatch]
) -> Iterator[pyarrow.RecordBatch]:
    rows = 0
    for batch in batches:
        rows += len(batch)
        yield batch
    size, digest = source.entries[path].size, sha256(folder / path)
    source.used[path] = {"rows": rows, "bytes": size, "sha256": digest}


def _naming(batches: Iterable[pyarrow.RecordBatch], where: str) -> Iterator[pyarrow.RecordBatch]:
    try:
        yield from batches
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _scaled(batch: pyarrow.RecordBatch, scale: tuple[float, float] | None) -> pyarrow.RecordBatch:
    """Scores brought from `scale` to 0–5; a score that is no number is left for stage prepare to name."""
    import pyarrow
    import pyarrow.compute as pc

    if scale is None or "score" not in batch.schema.names:
        return batch
    place = batch.schema.get_field_index("score")
    try:
        score = batch.column(place).cast(pyarrow.float64())
    except pyarrow.ArrowInvalid:
        return batch
    score = pc.multiply(pc.subtract(score, scale[0]), HIGHEST / (scale[1] - scale[0]))
    return batch.set_column(place, "score", score)


def write_rows(batches: Iterable[pyarrow.RecordBatch], path: Path, where: str) -> None:
    """Write batches to one Parquet file, every column as text.

    Raises:
        UserError: there is no row, or a column is no text or number.
    """
    import pyarrow
    import pyarrow.parquet

    writer = None
    try:
        for batch in batches:
            columns = [column.cast(pyarrow.string()) for column in batch.columns]
            text = pyarrow.RecordBatch.from_arrays(columns, batch.schema.names)
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


def write_joined(reader: Reader, name: str, target: Path) -> Joined:
    """Write a split of ids as one of texts; the rows read, and those dropped by reason."""
    settings = reader.descriptor.join
    assert settings is not None
    tables = {
        table: read_texts(reader.batches(part, {"id": part.id, "text": part.text}))
        for table, part in settings.tables.items()
    }
    lookups = {column: (lookup.key, tables[lookup.table]) for column, lookup in settings.columns.items()}
    counts: Counter[str] = Counter()
    ids = reader.batches(reader.descriptor.parts[name], {c: lookup.key for c, lookup in settings.columns.items()})
    write_rows(join(ids, lookups, counts), target / f"{name}.parquet", f"{reader.folder / FILE}: {name}")
    repeated = {f"repeated id in {table}": texts.repeated for table, texts in tables.items() if texts.repeated}
    rows = counts.pop("rows")
    dropped = {reason: count for reason, count in sorted(counts.items()) if count}
    return {"rows": rows, "dropped": dropped, "noted": repeated}


def write_beir(reader: Reader, target: Path) -> None:
    """Write corpus.jsonl, queries.jsonl and qrels/*.tsv."""
    for name in ("corpus", "queries"):
        write_jsonl(target / f"{name}.jsonl", _beir_rows(reader, name))
    for name, split in (("qrels", "test"), ("qrels_dev", "dev")):
        if name in reader.descriptor.parts:
            write_table(target / "qrels" / f"{split}.tsv", tuple(_BEIR["qrels"]), _judgements(reader, name))


def _beir_rows(reader: Reader, name: str) -> Iterator[dict[str, str]]:
    part = reader.descriptor.parts[name]
    for file, of_file in reader.files(part, _BEIR[name] | (part.columns or {}), optional=("title",)):
        for number, row in enumerate((row for batch in of_file for row in batch.to_pylist()), 1):
            yield {key: _as_text(value, f"{file}: row {number}: {key}") for key, value in row.items()}


def _as_text(value: Any, where: str) -> str:
    """A text, or a whole number as one; null is the empty text. Raises UserError for anything else, such as a list."""
    if not isinstance(value, str | int | None) or isinstance(value, bool):
        raise UserError(f"{where} is a {type(value).__name__}; expected text")
    return "" if value is None else str(value)


def _judgements(reader: Reader, name: str) -> Iterator[tuple[str, str, int]]:
    part = reader.descriptor.parts[name]
    for file, of_file in reader.files(part, _BEIR["qrels"] | (part.columns or {})):
        for number, row in enumerate((row for batch in of_file for row in batch.to_pylist()), 1):
            where = f"{file}: row {number}"
            query, document = (as_id(row[column], where, column) for column in ("query-id", "corpus-id"))
            yield query, document, as_score(row["score"], where)

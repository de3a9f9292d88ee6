"""Delimited text to a table: parsed as text block by block, spilled, narrowed over the whole file, then cast."""

from __future__ import annotations

import csv
import functools
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv

from estancia_processor.convert.arrow import nulls, pc, read_csv
from estancia_processor.convert.dialect import Dialect
from estancia_processor.convert.identifiers import identifiers
from estancia_processor.convert.model import Conversion, Counts, Source, Table
from estancia_processor.convert.narrowing import Narrowing
from estancia_processor.convert.scan import Scanner
from estancia_processor.convert.text import Text
from estancia_processor.errors import FileFaultError
from estancia_protocol.errors import ErrorCode

BLOCK: Final = 8 << 20
PARSE: Final = 1 << 20
"""Bytes that one thread parses at a time; a record longer than that is parsed with its whole block."""
LONGEST_LINE: Final = 64 << 20
NO_HEADER: Final = "The first record is no header: the columns are numbered, and it is a row."
MEDIA_TYPES: Final = {",": "text/csv", "\t": "text/tab-separated-values"}


@dataclass(frozen=True, slots=True)
class TextColumn:
    """A column that was text. Implements `model.Column`."""

    name: str
    original: str
    narrowing: Narrowing

    @property
    def type(self) -> pa.DataType:
        """The type that the values ask for."""
        return self.narrowing.type

    def fits(self, target: pa.DataType) -> bool:
        """Whether every value can become `target` without loss."""
        return self.narrowing.fits(target)

    def facts(self, target: pa.DataType) -> Mapping[str, Any]:
        """Null markers and the text's format."""
        facts: dict[str, Any] = {}
        nulls = self.narrowing.null_texts if target == pa.string() else self.narrowing.markers.keys()
        for kind, wanted in (("null_markers", True), ("markers_kept_as_text", False)):
            if found := {m: n for m, n in self.narrowing.markers.items() if (m in nulls) is wanted}:
                facts[kind] = found
        if self.narrowing.format and target != pa.string():
            facts["text_format"] = self.narrowing.format
        return facts


def convert(source: Source, text: Text, dialect: Dialect) -> Conversion:
    """Read delimited text.

    Args:
        source: the file.
        text: its text.
        dialect: how it is delimited.

    Returns:
        One table, its rows spilled as text on scratch.

    Raises:
        FileFaultError: NOT_READABLE when a line is longer than 64 MiB.
    """
    reader = _Reader(source, text, dialect)
    reader.run()
    table = Table("main", reader.columns, reader.counts(), reader.rows, reader.read)
    media_type = MEDIA_TYPES.get(dialect.delimiter, "text/csv")
    notes = () if dialect.header else (NO_HEADER,)
    return Conversion("delimited", media_type, (table,), text.encoding, dialect.facts(), notes=notes)


class _Reader:
    def __init__(self, source: Source, text: Text, dialect: Dialect) -> None:
        self._source = source
        self._text = text
        self._dialect = dialect
        self._scanner = Scanner(dialect, source.rejects)
        self._spill = source.scratch / "rows.arrow"
        self._preamble = 0
        self._header = 0
        self._line = 1
        self.columns: Sequence[TextColumn] = ()
        self.rows = 0

    def run(self) -> None:
        """Parse, spill and narrow."""
        pending = b""
        with ThreadPoolExecutor(thread_name_prefix="narrow") as pool, pa.OSFile(str(self._spill), "wb") as sink:
            writer: pa.RecordBatchFileWriter | None = None
            for chunk, last in _blocks(self._text):
                block = pending + chunk
                if writer is None:
                    block = block[self._begin(block) :]
                    writer = pa.ipc.new_file(sink, self._schema())
                batch, pending = self._parse(block, last=last)
                if batch.num_rows:
                    writer.write_batch(batch)
                    self.rows += batch.num_rows
                    narrowed = pool.map(
                        lambda pair: pair[0].narrowing.add(pair[1]), zip(self.columns, batch.columns, strict=True)
                    )
                    list(narrowed)
                self._source.beat("convert", self.rows)
            if writer is not None:
                writer.close()
        proven = set().union(*(column.narrowing.proven() for column in self.columns))
        for column in self.columns:
            column.narrowing.decide(proven)

    def counts(self) -> Counts:
        """Return the scan's counts."""
        return replace(self._scanner.counts, header=self._header, preamble=self._preamble)

    def read(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Cast the spilled rows to a schema."""
        at = {column.name: i for i, column in enumerate(self.columns)}
        with ThreadPoolExecutor(thread_name_prefix="cast") as pool, pa.memory_map(str(self._spill)) as spill:
            reader = pa.ipc.open_file(spill)
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number)
                cast = functools.partial(self._cast, batch, at)
                yield pa.RecordBatch.from_arrays(list(pool.map(cast, schema)), schema=schema)

    def _cast(self, batch: pa.RecordBatch, at: Mapping[str, int], field: pa.Field[Any]) -> pa.Array[Any]:
        index = at.get(field.name)
        if index is None:
            empty: pa.Array[Any] = nulls(batch.num_rows, field.type)
            return empty
        return self.columns[index].narrowing.cast(batch.column(index), field.type)

    def _begin(self, block: bytes) -> int:
        """Take preamble and header off the first block; return where the records begin."""
        position = 0
        for _ in range(self._dialect.preamble):
            position = block.index(b"\n", position) + 1
        self._preamble = self._dialect.preamble
        originals = [""] * self._dialect.columns
        if self._dialect.header:
            while (end := block.index(b"\n", position) + 1) and not block[position:end].strip():
                position, self._preamble = end, self._preamble + 1
            match = self._scanner.record.match(block, position)
            end = match.end() if match else end
            text = block[position:end].decode("utf-8", "replace")
            originals = next(csv.reader(io.StringIO(text, newline=""), delimiter=self._dialect.delimiter))
            self._header, position = 1, end
        self._line += block.count(b"\n", 0, position)
        names = identifiers(originals)
        self.columns = [TextColumn(name, o, Narrowing()) for name, o in zip(names, originals, strict=True)]
        return position

    def _schema(self) -> pa.Schema:
        return pa.schema([(column.name, pa.string()) for column in self.columns])

    def _parse(self, block: bytes, *, last: bool) -> tuple[pa.RecordBatch, bytes]:
        """Return the rows of a block and the bytes that belong before the next."""
        lines = block.count(b"\n")
        batch = self._try(block, lines)
        if batch is not None:
            self._scanner.plain(block)
            self._line += lines
            return batch, b""
        cleaned = self._scanner.walk(block, self._line, last=last)
        self._line += cleaned.lines
        return self._batch(cleaned.records), block[cleaned.consumed :]

    def _try(self, block: bytes, lines: int) -> pa.RecordBatch | None:
        """Parse a block in which every line should be a whole record; None when one is not."""
        if not self._strict(block):
            return None
        try:
            batch = self._batch(block)
        except pa.ArrowInvalid:
            return None
        return batch if batch.num_rows == lines else None

    def _strict(self, block: bytes) -> bool:
        return b'"' not in block or _strict(self._dialect.delimiter, block)

    def _batch(self, block: bytes) -> pa.RecordBatch:
        schema = self._schema()
        if not block:
            return pa.RecordBatch.from_arrays([nulls(0, pa.string()) for _ in schema], schema=schema)
        try:
            table = self._table(block, schema, PARSE)
        except pa.ArrowInvalid:
            table = self._table(block, schema, len(block) + 1)
        return table.combine_chunks().to_batches()[0] if table.num_rows else self._batch(b"")

    def _table(self, block: bytes, schema: pa.Schema, piece: int) -> pa.Table:
        table: pa.Table = read_csv(
            pa.BufferReader(block),
            read_options=pacsv.ReadOptions(column_names=schema.names, block_size=piece),
            parse_options=pacsv.ParseOptions(delimiter=self._dialect.delimiter, newlines_in_values=b'"' in block),
            convert_options=pacsv.ConvertOptions(
                column_types=schema, strings_can_be_null=True, null_values=[""], quoted_strings_can_be_null=False
            ),
        )
        return table


def _strict(delimiter: str, block: bytes) -> bool:
    """Whether a block is whole records with strict quotes."""
    return bool(pc.match_substring_regex(pa.array([block], pa.large_binary()), _strict_pattern(delimiter))[0].as_py())


@functools.cache
def _strict_pattern(delimiter: str) -> str:
    mark = re.escape(delimiter)
    field = rf'(?:"[^"]*"(?:"[^"]*")*|[^"{mark}\r\n][^{mark}\r\n]*)?'
    return rf"\A(?:{field}(?:{mark}|\r?\n))*\z"


def _blocks(text: Text) -> Iterator[tuple[bytes, bool]]:
    """Yield blocks that end with a line end, and whether each is the last."""
    with text.path.open("rb") as content:
        content.seek(text.start)
        rest = b""
        while chunk := content.read(BLOCK):
            cut = chunk.rfind(b"\n") + 1
            if not cut:
                rest += chunk
                if len(rest) > LONGEST_LINE:
                    raise FileFaultError(ErrorCode.NOT_READABLE, "a line is longer than 64 MiB; part it into lines")
                continue
            yield rest + chunk[:cut], False
            rest = chunk[cut:]
        yield (rest + b"\n" if rest else b""), True

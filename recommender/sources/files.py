"""Reads JSON lines and CSV, plain or gzip'd, from files and standard input, one record at a time.

The kind is told from the name, or from the first byte of standard input. Files are untrusted:
what cannot be read is one clear error with its line, and no line is ever held that is longer
than an article may be.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from datetime import timezone, tzinfo
from typing import IO, Any

from recommender.config import CONFIG_NAME
from recommender.errors import ArticleError, ConfigError, shown_id
from recommender.limits import Limits, named
from recommender.records import Article
from recommender.sources.fields import (
    Problem,
    check_mapping,
    is_header,
    refuse_constant,
    to_article,
    unread_date,
    whole_number,
)
from recommender.sources.spreadsheets import (
    DELIMITERS,
    Lines,
    RowTooLong,
    UnreadableText,
    open_bytes,
    open_table,
    open_text,
)

STANDARD_INPUT = "-"
_INPUT_NAME = "standard input"
_BYTES_A_CHARACTER = 4
# What a compressed file may unpack to, however small it is.
_ALWAYS_UNPACKED = 100_000_000
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_CSV_SUFFIXES = (".csv", ".tsv")
_SKIPPED_AT_ONCE = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"

Place = tuple[str, int]
Record = tuple[int, Mapping[str, Any] | ArticleError]


def read_articles(
    path: str,
    *,
    fields: Mapping[str, str] | None = None,
    zone: tzinfo = timezone.utc,
    on_problem: Callable[[Problem], None] | None = None,
    limits: Limits | None = None,
) -> Iterator[Article]:
    """Read articles one by one.

    Parameters
    ----------
    path : str
        A file of JSON lines or CSV (also ending in .gz), or "-" for standard input.
    fields : mapping, optional
        Our field → the field in the file. Without one, "content", "text" and "html" also serve
        as body, "lang" as language, "published" and its like as date, "link" as url. Fields
        that are not known are kept in `extra`.
    zone : tzinfo
        Zone of dates without one.
    on_problem : callable, optional
        Given each record that cannot be used, which is then skipped; without it the first one
        is raised.
    limits : Limits, optional
        How much is taken; the defaults if not given.

    Raises
    ------
    ArticleError
        For a record that cannot be used, with file and line, if `on_problem` is not given; for
        a file that goes beyond a limit.
    ConfigError
        If the file cannot be read at all, or its kind is not known.
    """
    for _, article in read_placed_articles(
        path, fields=fields, zone=zone, on_problem=on_problem, limits=limits
    ):
        yield article


def read_placed_articles(
    path: str,
    *,
    fields: Mapping[str, str] | None = None,
    zone: tzinfo = timezone.utc,
    on_problem: Callable[[Problem], None] | None = None,
    on_lost_date: Callable[[Problem], None] | None = None,
    limits: Limits | None = None,
) -> Iterator[tuple[Place, Article]]:
    """As `read_articles`, each article with the place where it stands.

    Parameters
    ----------
    path, fields, zone, on_problem, limits
        As for `read_articles`.
    on_lost_date : callable, optional
        Given each publication date that cannot be read; the article has none then.
    """
    fields, limits = fields or {}, limits or Limits()
    check_mapping(fields)
    name = _INPUT_NAME if path == STANDARD_INPUT else path
    taken = 0
    with _opened(path, limits) as (stream, kind):
        if kind in _CSV_SUFFIXES:
            records = _csv_records(stream, kind, fields, limits)
        else:
            records = _json_records(stream, limits)
        for line, record in _translated(records, name):
            try:
                if isinstance(record, ArticleError):
                    raise record
                article = to_article(record, fields, zone, limits)
            except ArticleError as error:
                where = f"article {shown_id(error.article_id)}: " if error.article_id else ""
                if on_problem is None:
                    raise ArticleError(
                        error.reason, source=name, line=line, article_id=error.article_id
                    ) from error
                on_problem(
                    Problem(
                        source=name,
                        line=line,
                        reason=f"{where}{error.reason}",
                        article_id=error.article_id or "",
                    )
                )
                continue
            lost = None if article.date is not None else unread_date(record, fields)
            if lost is not None and on_lost_date is not None:
                on_lost_date(Problem(source=name, line=line, reason=f"{lost!r:.60}"))
            taken += 1
            if taken > limits.articles:
                raise ArticleError(
                    f"more than {limits.articles:,} articles, which is as many as are taken of one "
                    f"file; {named('articles')}",
                    source=name,
                    line=line,
                )
            yield (name, line), article


def read_draft(
    path: str,
    *,
    title: str = "",
    article_id: str = "draft",
    zone: tzinfo = timezone.utc,
    limits: Limits | None = None,
) -> Article:
    """Read one article: a .json object, or HTML or plain text whose body is the whole file.

    Parameters
    ----------
    path : str
        File, or "-" for standard input.
    title : str
        Title of a body that comes without one; wins over that of an object.
    article_id : str
        Id where the file names none.
    limits : Limits, optional
        How much is taken; the defaults if not given.

    Raises
    ------
    ArticleError, ConfigError
        If the file cannot be read or holds no article.
    """
    limits = limits or Limits()
    longest = max(_BYTES_A_CHARACTER * limits.body_length, limits.record_length)
    name = _INPUT_NAME if path == STANDARD_INPUT else path
    with _translating(name):
        if path == STANDARD_INPUT:
            data = sys.stdin.buffer.read(longest + 1)
        else:
            with open_bytes(path) as stream:
                data = stream.read(longest + 1)
    if len(data) > longest:
        raise ArticleError(
            f"the file is too long for an article of {limits.body_length:,} characters; "
            f"{named('body_length')}",
            source=name,
        )
    text = _decoded(data, name)
    if path.lower().endswith(_JSON_SUFFIXES) or (
        path == STANDARD_INPUT and text.lstrip().startswith("{")
    ):
        parsed = _parsed(text)
        if isinstance(parsed, ArticleError):
            raise ArticleError(parsed.reason, source=name)
        record = {"id": article_id, **parsed, **({"title": title} if title else {})}
    else:
        record = {"id": article_id, "title": title, "body": text}
    try:
        return to_article(record, {}, zone, limits)
    except ArticleError as error:
        raise ArticleError(error.reason, source=name, article_id=error.article_id) from error


def _decoded(data: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ArticleError("the text is neither UTF-8 nor GB18030", source=name)


@contextmanager
def _opened(path: str, limits: Limits) -> Iterator[tuple[Any, str]]:
    """The uncompressed bytes of a source, and its kind as a file's ending."""
    if path == STANDARD_INPUT:
        raw: Any = sys.stdin.buffer
        plain: Any = io.BufferedReader(raw)
        start = plain.peek(1)
        if start.startswith(_GZIP_MAGIC):
            plain = io.BufferedReader(_Unpacked(plain, limits))
            with _translating(_INPUT_NAME):
                start = plain.peek(1)
        yield plain, ".jsonl" if start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{") else ".csv"
        return
    lowered = path.lower().removesuffix(".gz")
    kind = next((s for s in (*_JSON_SUFFIXES, *_CSV_SUFFIXES) if lowered.endswith(s)), None)
    if kind is None:
        raise ConfigError(
            f"{path}: cannot tell what kind of file this is; name it .jsonl or .csv (also .gz)"
        )
    with _translating(path), open_bytes(path) as stream:
        compressed = stream.read(2) == _GZIP_MAGIC
        stream.seek(0)
        if compressed:
            yield io.BufferedReader(_Unpacked(stream, limits)), kind
        else:
            yield stream, kind


class _Counted:
    """A stream that knows how much was read of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int) -> bytes:
        """As of the stream."""
        data = self._stream.read(size)
        self.count += len(data)
        return data


class _Unpacked(io.RawIOBase):
    """What a gzip'd stream holds, as long as it does not grow beyond all reason."""

    def __init__(self, stream: IO[bytes], limits: Limits) -> None:
        super().__init__()
        self._packed = _Counted(stream)
        self._gzip: Any = gzip.GzipFile(fileobj=self._packed)  # type: ignore[call-overload]
        self._most = limits.expansion
        self._unpacked = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as it goes at once."""
        count = int(self._gzip.readinto(buffer))
        self._unpacked += count
        if self._unpacked > max(_ALWAYS_UNPACKED, self._most * self._packed.count):
            raise ArticleError(
                f"the compressed file unpacks to more than {self._most:,} times its size; "
                f"{named('expansion')}"
            )
        return count


@contextmanager
def _translating(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise ConfigError(f"{name} is not a whole gzip file: {error}") from error
        raise ConfigError(f"cannot read {name}: {error.strerror or error}") from error


def _translated(records: Iterator[Record], name: str) -> Iterator[Record]:
    """The records; damaged compression and unreadable bytes become errors of this package."""
    line = 0
    while True:
        try:
            line, record = next(records)
        except StopIteration:
            return
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ArticleError(
                f"the compressed file ends or breaks off here ({error})", source=name, line=line + 1
            ) from error
        except ArticleError as error:
            raise ArticleError(error.reason, source=name, line=error.line) from error
        except UnreadableText as error:
            raise ArticleError(
                "the text cannot be read from here on; convert the file to UTF-8 first, as with "
                "iconv -f GB18030 -t UTF-8",
                source=name,
                line=error.line,
            ) from error
        yield line, record


def _json_records(stream: IO[bytes], limits: Limits) -> Iterator[Record]:
    line = 0
    longest = limits.record_length
    while True:
        raw = stream.readline(longest + 1)
        if not raw:
            return
        line += 1
        record = parse_line(raw, is_first=line == 1, limits=limits)
        if len(raw) > longest:
            _skip_rest(stream, raw)
        if record is not None:
            yield line, record


def parse_line(
    raw: bytes, *, is_first: bool = False, limits: Limits | None = None
) -> Mapping[str, Any] | ArticleError | None:
    """The object of one line of JSON, or what is wrong with it; `None` for a blank line.

    Parameters
    ----------
    raw : bytes
        With or without its line break.
    is_first : bool
        The first line of a file may begin with a byte order mark.
    limits : Limits, optional
    """
    longest = (limits or Limits()).record_length
    if len(raw) > longest:
        return ArticleError(
            f"the line is too long for an article, at most {longest:,} bytes are taken; "
            f"{named('body_length')}"
        )
    if is_first:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    if not raw.strip():
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return ArticleError(f"not UTF-8 at byte {error.start + 1} of the line")
    return _parsed(text)


def _skip_rest(stream: IO[bytes], raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = stream.readline(_SKIPPED_AT_ONCE)


def _parsed(text: str) -> Mapping[str, Any] | ArticleError:
    try:
        record = json.loads(
            text,
            parse_constant=refuse_constant,
            parse_int=whole_number,
            object_pairs_hook=_once_each,
        )
    except RecursionError:
        return ArticleError("the JSON is nested too deeply")
    except ValueError as error:
        hint = " (one JSON object a line is wanted)" if text.lstrip().startswith("[") else ""
        return ArticleError(f"not a JSON object: {error}{hint}")
    if not isinstance(record, dict):
        return ArticleError(f"a JSON object is wanted, not {type(record).__name__}")
    return record


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r:.60} comes twice")
    return found


def _csv_records(
    stream: IO[bytes], kind: str, fields: Mapping[str, str], limits: Limits
) -> Iterator[Record]:
    # One field may be a whole article; the module's own limit is 128 KiB, for all its users.
    csv.field_size_limit(max(csv.field_size_limit(), limits.record_length))
    lines = Lines(open_text(stream), limits.record_length)
    usual = "\t" if kind == ".tsv" else ","
    try:
        rows, skipped = open_table(
            lines,
            lambda names: is_header(names, fields),
            delimiters=(usual, *(each for each in DELIMITERS if each != usual)),
            strict=True,
        )
    except RowTooLong as error:
        raise _too_long(error, 1) from error
    yield from _csv_rows(rows, skipped, lines, fields)


def _csv_rows(rows: Any, skipped: int, lines: Lines, fields: Mapping[str, str]) -> Iterator[Record]:
    kept = {"body", "content", "text", "html", *(fields.get(name, name) for name in ("id", "body"))}
    header: list[str] | None = None
    start = 1 + skipped
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except RowTooLong as error:
            raise _too_long(error, rows.line_num + skipped + 1) from error
        except csv.Error as error:
            # After broken quoting no later line can be trusted.
            raise ArticleError(f"not valid CSV: {error}", line=rows.line_num + skipped) from error
        lines.begin_row()
        if header is None:
            header = _header(row, fields, line=1 + skipped)
        elif row:
            yield start, _csv_record(header, row, kept)
        start = rows.line_num + skipped + 1


def _too_long(error: RowTooLong, line: int) -> ArticleError:
    return ArticleError(f"{error}, as many as are taken; {named('body_length')}", line=line)


def _header(row: list[str], fields: Mapping[str, str], *, line: int) -> list[str]:
    names = [name.strip() for name in row]
    if len(set(names)) != len(names) or not all(names):
        raise ArticleError("the first line must name each column once", line=line)
    if not is_header(names, fields):
        raise ArticleError(
            "the first line must name the columns id and body, and names "
            f"{', '.join(names):.300}; say which is which with --field id=NAME --field body=NAME, "
            f'or in {CONFIG_NAME} with fields = {{ id = "NAME", body = "NAME" }}',
            line=line,
        )
    return names


def _csv_record(
    header: list[str], row: list[str], kept: Container[str]
) -> Mapping[str, Any] | ArticleError:
    if len(row) != len(header):
        return ArticleError(f"{len(row)} fields where the first line names {len(header)}")
    # An empty cell says nothing, except that an id or a body is there and empty.
    return {name: value for name, value in zip(header, row, strict=True) if value or name in kept}

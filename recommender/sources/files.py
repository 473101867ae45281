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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timezone, tzinfo
from pathlib import Path
from typing import IO, Any

from recommender.errors import ArticleError, ConfigError
from recommender.records import Article
from recommender.sources.fields import (
    Problem,
    check_mapping,
    is_header,
    refuse_constant,
    to_article,
    unread_date,
)
from recommender.sources.spreadsheets import DELIMITERS, open_table, open_text

STANDARD_INPUT = "-"
_INPUT_NAME = "standard input"
LONGEST_LINE = 120_000_000
_LONGEST_DRAFT = 80_000_000
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
_CSV_SUFFIXES = (".csv", ".tsv")
_GZIP_MAGIC = b"\x1f\x8b"

Place = tuple[str, int]
Record = tuple[int, Mapping[str, Any] | ArticleError]


def read_articles(
    path: str,
    *,
    fields: Mapping[str, str] | None = None,
    zone: tzinfo = timezone.utc,
    on_problem: Callable[[Problem], None] | None = None,
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

    Raises
    ------
    ArticleError
        For a record that cannot be used, with file and line, if `on_problem` is not given.
    ConfigError
        If the file cannot be read at all, or its kind is not known.
    """
    for _, article in read_placed_articles(path, fields=fields, zone=zone, on_problem=on_problem):
        yield article


def read_placed_articles(
    path: str,
    *,
    fields: Mapping[str, str] | None = None,
    zone: tzinfo = timezone.utc,
    on_problem: Callable[[Problem], None] | None = None,
    on_lost_date: Callable[[Problem], None] | None = None,
) -> Iterator[tuple[Place, Article]]:
    """As `read_articles`, each article with the place where it stands.

    Parameters
    ----------
    path, fields, zone, on_problem
        As for `read_articles`.
    on_lost_date : callable, optional
        Given each publication date that cannot be read; the article has none then.
    """
    fields = fields or {}
    check_mapping(fields)
    name = _INPUT_NAME if path == STANDARD_INPUT else path
    with _opened(path) as (stream, kind):
        if kind in _CSV_SUFFIXES:
            records = _csv_records(stream, kind, fields)
        else:
            records = _json_records(stream)
        for line, record in _translated(records, name):
            try:
                if isinstance(record, ArticleError):
                    raise record
                article = to_article(record, fields, zone)
            except ArticleError as error:
                where = f"article {error.article_id!r}: " if error.article_id else ""
                if on_problem is None:
                    raise ArticleError(
                        error.reason, source=name, line=line, article_id=error.article_id
                    ) from error
                on_problem(Problem(source=name, line=line, reason=f"{where}{error.reason}"))
                continue
            lost = None if article.date is not None else unread_date(record, fields)
            if lost is not None and on_lost_date is not None:
                on_lost_date(Problem(source=name, line=line, reason=f"{lost!r:.60}"))
            yield (name, line), article


def read_draft(
    path: str, *, title: str = "", article_id: str = "draft", zone: tzinfo = timezone.utc
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

    Raises
    ------
    ArticleError, ConfigError
        If the file cannot be read or holds no article.
    """
    name = _INPUT_NAME if path == STANDARD_INPUT else path
    with _translating(name):
        if path == STANDARD_INPUT:
            data = sys.stdin.buffer.read(_LONGEST_DRAFT + 1)
        else:
            with Path(path).open("rb") as stream:
                data = stream.read(_LONGEST_DRAFT + 1)
    if len(data) > _LONGEST_DRAFT:
        raise ArticleError("the file is too long for an article", source=name)
    text = _decoded(data, name)
    if path.lower().endswith(_JSON_SUFFIXES) or (
        path == STANDARD_INPUT and text.lstrip().startswith("{")
    ):
        record = _parsed(text)
        if isinstance(record, ArticleError):
            raise ArticleError(record.reason, source=name)
        with_title = {"id": article_id, **record, **({"title": title} if title else {})}
        try:
            return to_article(with_title, {}, zone)
        except ArticleError as error:
            raise ArticleError(error.reason, source=name, article_id=error.article_id) from error
    return Article(id=article_id, title=title, body=text)


def _decoded(data: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ArticleError("the text is neither UTF-8 nor GB18030", source=name)


@contextmanager
def _opened(path: str) -> Iterator[tuple[Any, str]]:
    """The uncompressed bytes of a source, and its kind as a file's ending."""
    if path == STANDARD_INPUT:
        raw: Any = sys.stdin.buffer
        plain: Any = io.BufferedReader(raw)
        start = plain.peek(1)
        if start.startswith(_GZIP_MAGIC):
            unpacking: Any = gzip.GzipFile(fileobj=plain)
            plain = io.BufferedReader(unpacking)
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
    with _translating(path), Path(path).open("rb") as stream:
        compressed = stream.read(2) == _GZIP_MAGIC
        stream.seek(0)
        if compressed:
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield unpacked, kind
        else:
            yield stream, kind


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
        except UnicodeDecodeError as error:
            raise ArticleError(
                "the text cannot be read from here on; convert the file to UTF-8 first, as with "
                "iconv -f GB18030 -t UTF-8",
                source=name,
                line=line + 1,
            ) from error
        yield line, record


def _json_records(stream: IO[bytes]) -> Iterator[Record]:
    line = 0
    while True:
        raw = stream.readline(LONGEST_LINE)
        if not raw:
            return
        line += 1
        if len(raw) >= LONGEST_LINE:
            _skip_rest(stream)
        record = parse_line(raw, is_first=line == 1)
        if record is not None:
            yield line, record


def parse_line(raw: bytes, *, is_first: bool = False) -> Mapping[str, Any] | ArticleError | None:
    """The object of one line of JSON, or what is wrong with it; `None` for a blank line.

    Parameters
    ----------
    raw : bytes
        With or without its line break.
    is_first : bool
        The first line of a file may begin with a byte order mark.
    """
    if is_first:
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    if len(raw) >= LONGEST_LINE:
        return ArticleError("the line is too long for an article")
    if not raw.strip():
        return None
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return ArticleError(f"not UTF-8 at byte {error.start + 1} of the line")
    return _parsed(text)


def _skip_rest(stream: IO[bytes]) -> None:
    while True:
        raw = stream.readline(LONGEST_LINE)
        if not raw or raw.endswith(b"\n"):
            return


def _parsed(text: str) -> Mapping[str, Any] | ArticleError:
    try:
        record = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=_once_each)
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


def _csv_records(stream: IO[bytes], kind: str, fields: Mapping[str, str]) -> Iterator[Record]:
    # One field may be a whole article; the module's own limit is 128 KiB, for all its users.
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_LINE))
    usual = "\t" if kind == ".tsv" else ","
    rows, skipped = open_table(
        open_text(stream),
        lambda names: is_header(names, fields),
        delimiters=(usual, *(each for each in DELIMITERS if each != usual)),
        strict=True,
    )
    yield from _csv_rows(rows, skipped)


def _csv_rows(rows: Any, skipped: int) -> Iterator[Record]:
    header: list[str] | None = None
    start = 1 + skipped
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            # After broken quoting no later line can be trusted.
            raise ArticleError(f"not valid CSV: {error}", line=rows.line_num + skipped) from error
        if header is None:
            header = _header(row, line=1 + skipped)
        elif row:
            yield start, _csv_record(header, row)
        start = rows.line_num + skipped + 1


def _header(row: list[str], *, line: int) -> list[str]:
    names = [name.strip() for name in row]
    if len(set(names)) != len(names) or not all(names):
        raise ArticleError("the first line must name each column once", line=line)
    return names


def _csv_record(header: list[str], row: list[str]) -> Mapping[str, Any] | ArticleError:
    if len(row) != len(header):
        return ArticleError(f"{len(row)} fields where the first line names {len(header)}")
    # An empty cell says nothing, except that a body is there and empty.
    return {
        name: value
        for name, value in zip(header, row, strict=True)
        if value or name in ("body", "content", "text", "html")
    }

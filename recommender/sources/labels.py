"""Reads labelled pairs: the file that `recommender pairs` wrote, after a person filled it in.

It comes back from a spreadsheet, so it may have another encoding (UTF-8, UTF-16, GB18030),
another delimiter (comma, semicolon, tab) and decimal commas. What a spreadsheet does to ids
(00123 becomes 123, long numbers lose their end) is undone by the column `pair`, which holds
both as JSON in ASCII.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recommender.errors import ConfigError, LabelError
from recommender.labels import Label, checked_weight
from recommender.limits import Limits, named
from recommender.sources.spreadsheets import encoding_of, open_bytes, open_table

_IDS = ("first_id", "second_id")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

Record = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What files of labels held.

    Attributes
    ----------
    labels : tuple of Label
        In the order of the files.
    unlabelled : int
        Rows whose label is empty.
    """

    labels: tuple[Label, ...]
    unlabelled: int


def read_labels(
    paths: Iterable[str], *, origin: str = "", limits: Limits | None = None
) -> LabelFile:
    """Read labelled pairs from CSV or JSON lines, "-" for standard input.

    Parameters
    ----------
    paths : iterable of str
        Each row needs `label` and either `pair` or `first_id` and `second_id`; `weight` is
        optional, other columns are not looked at.
    origin : str
        Whose labels they are.
    limits : Limits, optional
        How much is taken; the defaults if not given.

    Raises
    ------
    LabelError
        For a row that cannot be used, with file and line; so also if a pair comes twice with
        different labels.
    ConfigError
        If a file cannot be read.
    """
    labels: dict[tuple[str, str], Label] = {}
    unlabelled = 0
    for path in paths:
        name = "standard input" if path == "-" else path
        for line, record in _records(_read(path, name, limits or Limits()), name):
            try:
                label = _label(record, origin)
                if label is None:
                    unlabelled += 1
                    continue
                before = labels.setdefault((label.first, label.second), label)
                if before.value != label.value:
                    raise LabelError(
                        f"{label.first!r:.60} and {label.second!r:.60} are labelled twice, "
                        f"{before.value} and {label.value}"
                    )
            except LabelError as error:
                raise LabelError(error.reason, source=name, line=line) from error
    return LabelFile(tuple(labels.values()), unlabelled)


def _read(path: str, name: str, limits: Limits) -> str:
    longest = limits.labels_length
    try:
        if path == "-":
            data = sys.stdin.buffer.read(longest + 1)
        else:
            with open_bytes(path) as stream:
                data = stream.read(longest + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror or error}") from error
    if len(data) > longest:
        raise LabelError(
            f"the file is too long for a list of labels, at most {longest:,} bytes are taken; "
            f"{named('labels_length')}",
            source=name,
        )
    encoding = encoding_of(data)
    if encoding is None:
        raise LabelError("the text is neither UTF-8, UTF-16 nor GB18030", source=name)
    return data.decode(encoding)


def _records(text: str, name: str) -> Iterator[Record]:
    """Rows with the line each begins in."""
    try:
        yield from _json_records(text) if text.lstrip().startswith("{") else _csv_records(text)
    except LabelError as error:
        raise LabelError(error.reason, source=name, line=error.line) from error
    except csv.Error as error:
        raise LabelError(f"not valid CSV: {error}", source=name) from error


def _json_records(text: str) -> Iterator[Record]:
    # Not splitlines: a JSON text may hold other characters that count as line ends there.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LabelError(f"not a JSON object: {error}", line=number) from error
        if not isinstance(record, dict):
            raise LabelError("a JSON object is wanted on every line", line=number)
        yield number, record


def _csv_records(text: str) -> Iterator[Record]:
    csv.field_size_limit(max(csv.field_size_limit(), len(text)))
    rows, skipped = open_table(io.StringIO(text, newline=""), _is_header)
    header = [cell.strip() for cell in next(rows, [])]
    if not _is_header(header):
        raise LabelError(
            "the first line must name the columns label and pair, or label, first_id and second_id",
            line=1 + skipped,
        )
    if len(set(filter(None, header))) != len([cell for cell in header if cell]):
        raise LabelError("the first line names a column twice", line=1 + skipped)
    line = rows.line_num + 1 + skipped
    for row in rows:
        if any(cell.strip() for cell in row):
            # A spreadsheet drops empty cells at the end of a row.
            yield line, dict(zip(header, row + [""] * len(header), strict=False))
        line = rows.line_num + 1 + skipped


def _is_header(names: list[str]) -> bool:
    return "label" in names and ("pair" in names or set(_IDS) <= set(names))


def _label(record: Mapping[str, Any], origin: str) -> Label | None:
    """The label of a row; `None` when nobody filled it in."""
    value = record.get("label")
    if value is None or not str(value).strip():
        return None
    return Label.of(*_ids(record), value, weight=_weight(record.get("weight")), origin=origin)


def _ids(record: Mapping[str, Any]) -> tuple[str, str]:
    pair = record.get("pair")
    if isinstance(pair, str) and pair.strip():
        try:
            pair = json.loads(pair)
        except (ValueError, RecursionError):
            pair = None
        if not isinstance(pair, list):
            raise LabelError(
                f'the column pair must hold two ids as in ["a", "b"], not {record["pair"]!r:.60}'
            )
    ids = list(pair) if pair else [_armed(record.get(name)) for name in _IDS]
    if len(ids) != 2 or not all(isinstance(each, str) and each for each in ids):
        raise LabelError("the row does not name two articles")
    return str(ids[0]), str(ids[1])


def _armed(value: object) -> object:
    """An id without the apostrophe that keeps a spreadsheet from running it."""
    if isinstance(value, str):
        value = value.strip()
        if value.startswith("'") and value[1:].lstrip(" ").startswith(_FORMULA_STARTS):
            return value[1:]
    return value


def _weight(value: object) -> float | None:
    if value is None or not str(value).strip():
        return None
    text = str(value).strip()
    try:
        # A decimal comma comes from a spreadsheet of another country.
        return checked_weight(float(text.replace(",", ".")))
    except ValueError as error:
        raise LabelError(
            f"{value!r:.60} is no weight; leave the column weight as it was written"
        ) from error

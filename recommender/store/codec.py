"""How documents become table rows and back, each with a checksum over its values.

A checksum is XXH3-64 with the row number as seed, so that a value that was damaged, or that
belongs to another row, is noticed before it is used. Knows nothing of SQL or files.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from recommender.errors import ArticleError, IndexCorrupt
from recommender.records import ACCESS_LEVELS, Card
from recommender.store.documents import Document, GenerationInfo, NeighbourList, Sketch
from recommender.store.schema import advice_on_damage

Values = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
# Three times as fast as the usual level, for texts a tenth larger.
_COMPRESSION = 1

# flags, length, and the lengths of four digests, the facts and the fingerprint.
_SKETCH_HEAD = struct.Struct("<qq6I")
# Bytes a row number, evidence columns, neighbours.
_LIST_HEAD = struct.Struct("<BBH")
_FLOOR = struct.Struct("<d")
_NARROW_LIMIT = 2**32


class Damaged(Exception):
    """A stored row does not give what was written."""


DECODING_ERRORS = (
    Damaged,
    TypeError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    AttributeError,
    RecursionError,
    struct.error,
    zlib.error,
)


def checksum(data: bytes, seed: int) -> int:
    """XXH3-64 as the signed number SQLite holds."""
    value = xxh3_64_intdigest(data, seed=seed & 0xFFFF_FFFF_FFFF_FFFF)
    return value - ((value >> 63) << 64)


def _verify(data: bytes, seed: int, expected: object) -> None:
    if checksum(data, seed) != expected:
        raise Damaged


def _joined(values: Sequence[object]) -> bytes:
    """Values as one string; none of them holds a NUL."""
    return "\0".join(map(str, values)).encode("utf-8", "surrogatepass")


def micros(moment: datetime | None) -> int | None:
    """Microseconds since 1970 of an aware time."""
    return None if moment is None else (moment - _EPOCH) // _MICROSECOND


def moment(value: int | None) -> datetime | None:
    """The time `micros` was given."""
    return None if value is None else _EPOCH + value * _MICROSECOND


def encode_card(row: int, card: Card) -> Values:
    """Values of `articles` without the row.

    Raises
    ------
    ArticleError
        If `extra` cannot be written as JSON.
    """
    values = (
        card.id,
        card.title,
        card.url,
        micros(card.date),
        card.category,
        card.language,
        card.source,
        card.site,
        int(card.excerpt),
        micros(card.visible_from),
        micros(card.visible_until),
        ACCESS_LEVELS.index(card.access),
        _encode_extra(card),
    )
    return (*values, checksum(_joined(values), row))


def _encode_extra(card: Card) -> str | None:
    if not card.extra:
        return None
    try:
        text = json.dumps(dict(card.extra), ensure_ascii=False, separators=(",", ":"))
        if "\\ud" in ascii(text):
            text = json.dumps(dict(card.extra), separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ArticleError(
            f"extra cannot be written as JSON ({error})", article_id=card.id
        ) from error
    return text


def decode_card(row: int, values: Values) -> Card:
    """Read the values of `articles` without the row."""
    *fields, expected = values
    _verify(_joined(fields), row, expected)
    # In the order of `records.CARD_FIELDS`; the checksum stands for the checks of a new card.
    return Card.restored(
        (
            *fields[:3],
            moment(fields[3]),
            *fields[4:8],
            bool(fields[8]),
            moment(fields[9]),
            moment(fields[10]),
            ACCESS_LEVELS[fields[11]],
            {} if fields[12] is None else json.loads(fields[12]),
        )
    )


def encode_text(row: int, text: str) -> tuple[bytes, int]:
    """Values of `texts` without the row."""
    data = zlib.compress(text.encode("utf-8", "surrogatepass"), _COMPRESSION)
    return data, checksum(data, row)


def decode_text(row: int, values: Values) -> str:
    """Read the values of `texts` without the row."""
    data, expected = values
    _verify(data, row, expected)
    return zlib.decompress(data).decode("utf-8", "surrogatepass")


def encode_sketch(row: int, document: Document) -> Values:
    """Values of `sketches` without the row."""
    sketch = document.sketch
    parts = (
        document.content_digest,
        document.input_digest,
        sketch.text_digest,
        sketch.title_digest,
        sketch.facts,
        np.asarray(sketch.fingerprint, "<u4").tobytes(),
    )
    total = checksum(_sketch_data(sketch.flags, sketch.length, parts), row)
    head = (sketch.flags, sketch.length, *parts, total)
    if sketch.vector is None:
        return (*head, None, None)
    vector = np.asarray(sketch.vector, "<f2").tobytes()
    return (*head, vector, checksum(vector, row))


def _sketch_data(flags: int, length: int, parts: Sequence[bytes]) -> bytes:
    return _SKETCH_HEAD.pack(flags, length, *map(len, parts)) + b"".join(parts)


def decode_sketch(row: int, values: Values) -> tuple[bytes, bytes, Sketch]:
    """Read the values of `sketches`: content digest, input digest, sketch."""
    flags, length, *parts, expected, vector, vector_checksum = values
    _verify(_sketch_data(flags, length, parts), row, expected)
    content_digest, input_digest, text_digest, title_digest, facts, fingerprint = parts
    return (
        content_digest,
        input_digest,
        Sketch(
            vector=None
            if vector is None and vector_checksum is None
            else np.frombuffer(verified_vector(row, vector, vector_checksum), "<f2"),
            fingerprint=np.frombuffer(fingerprint, "<u4"),
            facts=facts,
            length=length,
            text_digest=text_digest,
            title_digest=title_digest,
            flags=flags,
        ),
    )


def verified_vector(row: int, vector: bytes, expected: int) -> bytes:
    """The bytes of a stored vector, if they are what was written."""
    _verify(vector, row, expected)
    return vector


def encode_neighbours(row: int, neighbours: NeighbourList) -> Values:
    """Values of `neighbours` without the row."""
    rows = np.asarray(neighbours.rows, np.int64)
    evidence = np.asarray(neighbours.evidence, "<f2")
    if evidence.ndim != 2 or len(evidence) != len(rows):
        raise ValueError("evidence must have one row for each neighbour")
    narrow = not len(rows) or (int(rows.min()) >= 0 and int(rows.max()) < _NARROW_LIMIT)
    data = (
        _LIST_HEAD.pack(4 if narrow else 8, evidence.shape[1], len(rows))
        + rows.astype("<u4" if narrow else "<i8").tobytes()
        + evidence.tobytes()
    )
    floor = float(neighbours.floor)
    return floor, data, checksum(_FLOOR.pack(floor) + data, row)


def decode_neighbours(row: int, values: Values) -> NeighbourList:
    """Read the values of `neighbours` without the row."""
    floor, data, expected = values
    _verify(_FLOOR.pack(floor) + data, row, expected)
    width, columns, count = _LIST_HEAD.unpack_from(data)
    split = _LIST_HEAD.size + width * count
    rows = np.frombuffer(data[_LIST_HEAD.size : split], "<u4" if width == 4 else "<i8")
    evidence = np.frombuffer(data[split:], "<f2").reshape(count, columns)
    return NeighbourList(rows=rows.astype(np.int64), evidence=evidence, floor=floor)


def encode_meta(key: str, value: object) -> tuple[str, str, int]:
    """A row of `meta`."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True)
    return key, text, checksum(_joined((key, text)), 0)


def decode_meta(values: Values) -> tuple[str, Any]:
    """Read a row of `meta`."""
    key, text, expected = values
    _verify(_joined((key, text)), 0, expected)
    return key, json.loads(text)


@dataclass(slots=True, kw_only=True)
class State:
    """The one row of `state`; a writer changes its copy and stores it when it commits.

    Attributes
    ----------
    change : int
        Rises with every committed change; 0 before the first.
    articles : int
        How many there are.
    last_row : int
        Highest row ever given; rows are never used twice.
    dimension : int
        Of the stored vectors; 0 before the first.
    last_generation : int
        Highest generation number ever given.
    generation : GenerationInfo or None
    """

    change: int = 0
    articles: int = 0
    last_row: int = 0
    dimension: int = 0
    last_generation: int = 0
    generation: GenerationInfo | None = None


def rows_digest(rows: Sequence[int]) -> list[int]:
    """How many row numbers there are, and a checksum over them in ascending order."""
    return [len(rows), checksum(np.asarray(rows, "<i8").tobytes(), 0)]


def encode_state(state: State) -> Values:
    """Values of `state` without the key."""
    info = state.generation
    text = None
    if info is not None:
        text = json.dumps(
            {
                "number": info.number,
                "last_row": info.last_row,
                "files": {kind: list(info.files[kind]) for kind in sorted(info.files)},
            }
        )
    values = (
        state.change,
        state.articles,
        state.last_row,
        state.dimension,
        state.last_generation,
        text,
    )
    return (*values, checksum(_joined(values), 1))


def decode_state(values: Values) -> State:
    """Read the values of `state` without the key."""
    *fields, expected = values
    _verify(_joined(fields), 1, expected)
    return State(
        change=fields[0],
        articles=fields[1],
        last_row=fields[2],
        dimension=fields[3],
        last_generation=fields[4],
        generation=None if fields[5] is None else _generation(json.loads(fields[5])),
    )


def _generation(data: Mapping[str, Any]) -> GenerationInfo:
    return GenerationInfo(
        number=data["number"],
        last_row=data["last_row"],
        files={kind: (name, total) for kind, (name, total) in data["files"].items()},
    )


def fingerprint_of(row: int, values: Values) -> NDArray[np.uint32]:
    """The verified fingerprint from the values of `sketches` up to their checksum."""
    flags, length, *parts, expected = values
    _verify(_sketch_data(flags, length, parts), row, expected)
    return np.frombuffer(parts[-1], "<u4")


def damaged(path: Path, table: str, row: object) -> IndexCorrupt:
    """The error for a row of a database that fails its check."""
    return IndexCorrupt(
        f"{path}: table {table}, row {row}: the checksum does not match; "
        f"{advice_on_damage(path.parent)}"
    )

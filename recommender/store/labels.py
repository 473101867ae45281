"""The table `labels`: what people said of pairs, by article id so that it outlives rows.

Removal, rebuild and a new build over the same folder leave it alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from recommender.labels import Label
from recommender.store import codec
from recommender.store.codec import DECODING_ERRORS, Damaged, Values
from recommender.store.query import slots
from recommender.store.reader import Store
from recommender.store.writer import Writer

_COLUMNS = (
    "first, second, origin, least, most, weight, first_digest, second_digest, labelled_at, checksum"
)
_SELECT = f"SELECT {_COLUMNS} FROM labels ORDER BY first, second, origin"  # noqa: S608


def put_labels(writer: Writer, labels: Iterable[Label]) -> None:
    """Store labels, each in the place of an earlier one of its pair and origin."""
    with_rows = [_encode(each) for each in labels]
    sql = f"INSERT OR REPLACE INTO labels ({_COLUMNS}) VALUES ({slots(_COLUMNS)})"  # noqa: S608
    for values in with_rows:
        writer._own.run(sql, values)


def read_labels(store: Store) -> list[Label]:
    """All labels, by ids and origin.

    Raises
    ------
    IndexCorrupt
        If one is not what was written.
    """
    return [
        store._decode("labels", " ".join(map(repr, values[:3])), _decode, values)
        for values in store._rows(_SELECT)
    ]


def check_labels(store: Store) -> Iterator[str]:
    """Which labels are damaged, in plain words."""
    for values in store._rows(_SELECT):
        try:
            _decode(values)
        except DECODING_ERRORS:
            row = " ".join(map(repr, values[:3]))
            yield f"{store.path}: table labels, row {row}: the checksum does not match"


def settled_pairs(store: Store) -> frozenset[tuple[str, str]]:
    """Ids of the pairs that somebody labelled or decided on, the smaller id first."""
    sql = "SELECT first, second FROM labels UNION SELECT first, second FROM decisions"
    return frozenset((first, second) for first, second in store._rows(sql))


def content_digests(store: Store, rows: Sequence[int]) -> dict[int, bytes]:
    """Digests of title and body as they were given, by row."""
    return {row: digest for row, (digest, _, _) in store._digests_and_sketches(rows).items()}


def _encode(label: Label) -> Values:
    values = (
        label.first,
        label.second,
        label.origin,
        label.least,
        label.most,
        label.weight,
        label.first_digest,
        label.second_digest,
        codec.micros(label.labelled_at),
    )
    return (*values, _checksum(values))


def _decode(values: Values) -> Label:
    *fields, expected = values
    if _checksum(fields) != expected:
        raise Damaged
    return Label(
        first=fields[0],
        second=fields[1],
        origin=fields[2],
        least=fields[3],
        most=fields[4],
        weight=fields[5],
        first_digest=fields[6],
        second_digest=fields[7],
        labelled_at=codec.moment(fields[8]),
    )


def _checksum(values: Sequence[object]) -> int:
    plain = [each.hex() if isinstance(each, bytes) else each for each in values]
    return codec.checksum(json.dumps(plain).encode("ascii"), 0)

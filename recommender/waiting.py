"""Articles that wait on disk in the middle of a build or a sync, as bytes and back.

A head in JSON, as in the index itself, and texts and digests behind it: nothing that is read back
can be anything but plain values.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from recommender.errors import ArticleError
from recommender.indexing import Cleaned, Prepared
from recommender.records import CARD_FIELDS, Card
from recommender.spooling import Spool
from recommender.store import Sketch

_LENGTH = struct.Struct("<I")
_DATES = ("date", "visible_from", "visible_until")
_PREPARED_TEXTS = ("text", "embedding_input", "compared")


def cards_on_disk(folder: Path) -> Spool[Card]:
    """A spool of cards."""
    return Spool(folder, _encode_card, _decode_card)


def cleaned_on_disk(folder: Path) -> Spool[Cleaned]:
    """A spool of articles that are cleaned."""
    return Spool(folder, _encode_cleaned, _decode_cleaned)


def prepared_on_disk(folder: Path) -> Spool[Prepared]:
    """A spool of articles that are ready to be embedded and stored; none has a vector yet."""
    return Spool(folder, _encode_prepared, _decode_prepared)


def _encode_card(card: Card) -> bytes:
    return _packed(card, [], [])


def _decode_card(data: bytes) -> Card:
    return _unpacked(data)[0]


def _encode_cleaned(cleaned: Cleaned) -> bytes:
    return _packed(cleaned.card, [], [_bytes(cleaned.text), cleaned.content_digest])


def _decode_cleaned(data: bytes) -> Cleaned:
    card, _, (text, digest) = _unpacked(data)
    return Cleaned(card=card, text=_text(text), content_digest=digest)


def _encode_prepared(prepared: Prepared) -> bytes:
    sketch = prepared.sketch
    return _packed(
        prepared.card,
        [sketch.length, sketch.flags],
        [
            *(_bytes(getattr(prepared, name)) for name in _PREPARED_TEXTS),
            prepared.content_digest,
            np.ascontiguousarray(sketch.fingerprint, "<u4").tobytes(),
            sketch.facts,
            sketch.text_digest,
            sketch.title_digest,
        ],
    )


def _decode_prepared(data: bytes) -> Prepared:
    card, (length, flags), parts = _unpacked(data)
    text, embedding_input, compared, digest, fingerprint, facts, *digests = parts
    text_digest, title_digest = digests
    return Prepared(
        card=card,
        text=_text(text),
        content_digest=digest,
        embedding_input=_text(embedding_input),
        compared=_text(compared),
        sketch=Sketch(
            vector=None,
            fingerprint=np.frombuffer(fingerprint, "<u4").astype(np.uint32),
            facts=facts,
            length=length,
            text_digest=text_digest,
            title_digest=title_digest,
            flags=flags,
        ),
    )


def _packed(card: Card, values: Sequence[int], parts: Sequence[bytes]) -> bytes:
    """The length of a head, the head in JSON, and behind it the parts whose lengths it tells."""
    fields = [
        value.isoformat() if isinstance(value := getattr(card, name), datetime) else value
        for name in CARD_FIELDS
    ]
    try:
        text = json.dumps(
            [fields, list(values), [len(each) for each in parts]],
            ensure_ascii=False,
            separators=(",", ":"),
        )
    except (TypeError, ValueError, RecursionError) as error:
        raise ArticleError(
            f"extra cannot be written as JSON ({error})", article_id=card.id
        ) from error
    head = _bytes(text)
    return b"".join((_LENGTH.pack(len(head)), head, *parts))


def _unpacked(data: bytes) -> tuple[Card, list[int], list[bytes]]:
    start = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    fields, values, lengths = json.loads(_text(data[_LENGTH.size : start]))
    for place, name in enumerate(CARD_FIELDS):
        if name in _DATES and fields[place] is not None:
            fields[place] = datetime.fromisoformat(fields[place])
    parts = []
    for length in lengths:
        parts.append(data[start : start + length])
        start += length
    return Card.restored(fields), values, parts


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")

"""Articles that wait on disk in the middle of a build or a sync, as bytes and back.

JSON, as in the index itself: nothing that is read back can be anything but plain values.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from recommender.errors import ArticleError
from recommender.indexing import Cleaned, Prepared
from recommender.records import CARD_FIELDS, Card
from recommender.spooling import Spool
from recommender.store import Sketch

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
    return _packed(card, [])


def _decode_card(data: bytes) -> Card:
    return _unpacked(data)[0]


def _encode_cleaned(cleaned: Cleaned) -> bytes:
    return _packed(cleaned.card, [cleaned.text, _text(cleaned.content_digest)])


def _decode_cleaned(data: bytes) -> Cleaned:
    card, (text, digest) = _unpacked(data)
    return Cleaned(card=card, text=text, content_digest=_bytes(digest))


def _encode_prepared(prepared: Prepared) -> bytes:
    sketch = prepared.sketch
    return _packed(
        prepared.card,
        [
            *(getattr(prepared, name) for name in _PREPARED_TEXTS),
            _text(prepared.content_digest),
            _text(np.ascontiguousarray(sketch.fingerprint, "<u4").tobytes()),
            _text(sketch.facts),
            sketch.length,
            _text(sketch.text_digest),
            _text(sketch.title_digest),
            sketch.flags,
        ],
    )


def _decode_prepared(data: bytes) -> Prepared:
    card, values = _unpacked(data)
    text, embedding_input, compared, digest, fingerprint, facts, length, *rest = values
    text_digest, title_digest, flags = rest
    return Prepared(
        card=card,
        text=text,
        embedding_input=embedding_input,
        compared=compared,
        content_digest=_bytes(digest),
        sketch=Sketch(
            vector=None,
            fingerprint=np.frombuffer(_bytes(fingerprint), "<u4").astype(np.uint32),
            facts=_bytes(facts),
            length=length,
            text_digest=_bytes(text_digest),
            title_digest=_bytes(title_digest),
            flags=flags,
        ),
    )


def _packed(card: Card, values: Sequence[Any]) -> bytes:
    fields = [
        value.isoformat() if isinstance(value := getattr(card, name), datetime) else value
        for name in CARD_FIELDS
    ]
    try:
        text = json.dumps([fields, list(values)], ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise ArticleError(
            f"extra cannot be written as JSON ({error})", article_id=card.id
        ) from error
    return text.encode("utf-8", "surrogatepass")


def _unpacked(data: bytes) -> tuple[Card, list[Any]]:
    fields, values = json.loads(data.decode("utf-8", "surrogatepass"))
    for place, name in enumerate(CARD_FIELDS):
        if name in _DATES and fields[place] is not None:
            fields[place] = datetime.fromisoformat(fields[place])
    return Card.restored(fields), values


def _text(data: bytes) -> str:
    return base64.b85encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b85decode(text)

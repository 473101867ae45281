"""Bytes of a feed → its text: as it says itself, unless that cannot be, and never mojibake.

In order: a byte order mark; UTF-8 where the bytes are sound UTF-8; the charset of the server, then
that of the XML declaration, where the bytes are sound in it. Where they are sound in none, one
damaged place must not change all others: what most of the text is sound in is kept, and the place
becomes U+FFFD. Only then is it judged by its characters, as pages are.

Pure, and total: any bytes have a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message

from recommender.sources.decoding import MARKS, decode_page, known_encoding

_DECLARED = re.compile(
    rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9_:.+-]{2,40})[\"']", re.IGNORECASE
)
# How "<?" begins in UTF-16 without a byte order mark.
_BARE_WIDE = ((b"<\0?\0", "utf-16-le"), (b"\0<\0?", "utf-16-be"))
# Ideographs of one encoding, read in another, are faults for the most part.
_SOUND_FOR_EACH_FAULT = 2


def decode_feed(data: bytes, content_type: str = "") -> str:
    """The text of a feed.

    Parameters
    ----------
    data : bytes
        The whole feed.
    content_type : str
        As the server names it; its charset counts before that of the feed.

    Returns
    -------
    str
        Bytes that mean nothing become U+FFFD.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    for beginning, encoding in _BARE_WIDE:
        if data.startswith(beginning):
            return data.decode(encoding, "replace")
    named = list(_named(data, content_type))
    # Escapes of ISO-2022 and HZ are ASCII as well: there the name alone tells.
    orders = named if data.isascii() else ["utf-8", *named]
    for encoding in orders:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    for encoding in ("utf-8", *named):
        text = data.decode(encoding, "replace")
        if _is_mostly_sound(text):
            return text
    return decode_page(data)


def _named(data: bytes, content_type: str) -> Iterator[str]:
    """Encodings that the server and the feed name, as far as there are such."""
    header = Message()
    header["content-type"] = content_type
    found = _DECLARED.match(data)
    declared = found[1].decode("ascii") if found else ""
    for name in (str(header.get_content_charset("")), declared):
        encoding = known_encoding(name)
        if encoding:
            yield encoding


def _is_mostly_sound(text: str) -> bool:
    faults = text.count("\ufffd")
    beyond = sum(not each.isascii() for each in text)
    return beyond - faults >= _SOUND_FOR_EACH_FAULT * faults

"""The file that holds the list of an article, by its id: one id a file, whatever the id is.

Letters a-z, digits, "-", "_" and "." stay. Every other byte of the id in UTF-8, and a dot at
its beginning, becomes "=" and two hexadecimal digits, as in "www.example.cn=3a4812.json". Large
letters are such bytes, so that no two names differ only in case. A name longer than 200
characters becomes "~" and the SHA-256 of the id. Names need no escaping in an address.
"""

from __future__ import annotations

import hashlib
import re

SUFFIX = ".json"
_LONGEST = 200
_OTHER = re.compile(rb"[^a-z0-9._-]|^\.")
_NAME = re.compile(r"(?:(?!\.)(?:[a-z0-9._-]|=[0-9a-f]{2}){1,200}|~[0-9a-f]{64})\.json")


def file_name(article_id: str) -> str:
    """The name of the file for an article."""
    plain = article_id.encode("utf-8", "surrogatepass")
    name = _OTHER.sub(lambda found: b"=%02x" % found[0][0], plain).decode("ascii")
    if len(name) > _LONGEST:
        name = "~" + hashlib.sha256(plain).hexdigest()
    return name + SUFFIX


def may_be_ours(name: str) -> bool:
    """Whether a file of this name could be one that `file_name` names."""
    return _NAME.fullmatch(name) is not None

"""What a browser asks a server for when it follows an article's URL.

Pure; knows of no article, server or file. URLs are other people's text: one that is not plainly
an address of a web page is none, and what comes out is printable ASCII without spaces or quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

# Search engines, caches and servers' files of redirects stop somewhat beyond.
MAX_ADDRESS_LENGTH = 2_000

_SCHEME = re.compile(r"(https?)://", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_PORT = re.compile(r"[0-9]{1,5}")
_USUAL_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Backslashes, control characters and halves of surrogate pairs.
_CHANGED = re.compile("[\\\\\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_DOTS = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
_PRINTABLE = "".join(map(chr, range(ord("!"), ord("~") + 1)))


def _all_but(escaped: str) -> str:
    return "".join(each for each in _PRINTABLE if each not in escaped)


# What a browser leaves as it is; it escapes spaces, all that is not ASCII, and these (the URL
# standard's path, special-query and fragment percent-encode sets).
_PLAIN_IN_PATH = _all_but('"#<>?^`{}')
_PLAIN_IN_QUERY = _all_but("\"#<>'")
_PLAIN_IN_FRAGMENT = _all_but('"<>`')


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A web address, escaped as a browser does it.

    Attributes
    ----------
    scheme : {"http", "https", ""}
        Empty where the URL is a path on the site's own host.
    host : str
        In small letters and ASCII (IDNA), with the port if it is not the usual one.
    request : str
        Path and query, as the first line of a request holds them.
    fragment : str
        What follows "#"; never sent to a server.
    """

    scheme: str
    host: str
    request: str
    fragment: str = ""

    @property
    def url(self) -> str:
        """The whole address."""
        origin = f"{self.scheme}://{self.host}" if self.scheme else ""
        return origin + self.request + (f"#{self.fragment}" if self.fragment else "")

    @property
    def page(self) -> str:
        """Equal for addresses at which a server sends the same, whatever scheme and fragment."""
        return self.host + _ESCAPE.sub(lambda escape: escape[0].upper(), self.request)

    @property
    def is_home(self) -> bool:
        """Whether it is the first page of a site."""
        return self.request in ("/", "/?")


def parse_address(url: str) -> Address | None:
    """Read a URL: an absolute one of http or https, or a path from the root of the site.

    Parameters
    ----------
    url : str

    Returns
    -------
    Address or None
        `None` if it is no such address, holds what browsers would drop or change (control
        characters, backslashes, "..", a user's name, broken escapes), or has more than 2,000
        characters when it is escaped.
    """
    if _CHANGED.search(url):
        return None
    scheme = host = ""
    rest = url
    found = _SCHEME.match(url)
    if found:
        scheme = found[1].lower()
        end = min(at for at in (*_places(url, found.end(), "/?#"), len(url)))
        host = _host(scheme, url[found.end() : end])
        rest = url[end:]
        if not host:
            return None
        if not rest.startswith("/"):
            rest = "/" + rest
    # Two slashes begin the name of another host.
    elif not url.startswith("/") or url.startswith("//"):
        return None
    before, _, fragment = rest.partition("#")
    path, mark, query = before.partition("?")
    if _BARE_PERCENT.search(path) or any(_DOTS.fullmatch(step) for step in path.split("/")):
        return None
    address = Address(
        scheme=scheme,
        host=host,
        request=quote(path, _PLAIN_IN_PATH) + mark + quote(query, _PLAIN_IN_QUERY),
        fragment=quote(fragment, _PLAIN_IN_FRAGMENT),
    )
    return address if len(address.url) <= MAX_ADDRESS_LENGTH else None


def _places(text: str, start: int, marks: str) -> list[int]:
    found = (text.find(mark, start) for mark in marks)
    return [each for each in found if each >= 0]


def _host(scheme: str, given: str) -> str:
    """The host with its port, if it is not the usual one; empty if it is none."""
    name, colon, port = given.partition(":")
    try:
        host = name.encode("ascii").decode() if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return ""
    host = host.lower()
    if not _HOST.fullmatch(host):
        return ""
    if not (colon and port):
        return host
    if not _PORT.fullmatch(port) or not 0 < int(port) <= _HIGHEST_PORT:
        return ""
    return host if int(port) == _USUAL_PORTS[scheme] else f"{host}:{int(port)}"

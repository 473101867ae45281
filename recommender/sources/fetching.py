"""Bytes of an http or https address, within limits of size, time and redirects.

The address is what the owner of the settings wrote, so that one in a private network is theirs to
ask for; where a redirect leads is the server's word, and is followed only to http and https and
never from https back to http. What an error says of an address is its scheme, host and path: what
follows a question mark may be a key.
"""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from recommender.errors import ConfigError, SourceError

MOST_REDIRECTS = 5
_READ_AT_ONCE = 1 << 16
_AGENT = "recommender (+https://pypi.org/project/recommender/)"
_ACCEPTED = (
    "application/feed+json, application/atom+xml, application/rss+xml, application/xml;q=0.9, "
    "application/json;q=0.9, text/xml;q=0.8, */*;q=0.5"
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a server gave.

    Attributes
    ----------
    data : bytes
    content_type : str
        The media type and charset that it names.
    address : str
        Where it was found in the end, without a name, password or query.
    """

    data: bytes
    content_type: str = ""
    address: str = ""


def check_url(url: str, name: str) -> None:
    """Refuse what is no address of http or https, and one with a user's name or password.

    Parameters
    ----------
    url : str
    name : str
        What the message calls the source; the address itself is never shown.

    Raises
    ------
    ConfigError
    """
    parts = _split(url)
    if parts is None or parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"[[sources]] {name}: url must begin with https:// or http://")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise ConfigError(
            f"[[sources]] {name}: url must not hold a name or password; put the whole address "
            'into an environment variable and name that: url_env = "FEED_URL"'
        )


def shown(url: str) -> str:
    """An address as messages may show it: scheme, host, port and path."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        return "the address"
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"[:300]


def fetch(url: str, *, timeout: float, most: int) -> Fetched:
    """Ask for an address.

    Parameters
    ----------
    url : str
        Of http or https; a name and password in it are sent as basic authentication, to its own
        host only.
    timeout : float
        Seconds, for the whole answer.
    most : int
        Bytes of the answer, unpacked.

    Raises
    ------
    SourceError
        If there is no answer, it is an error, too large or too slow, or redirects too often.
    """
    ends = time.monotonic() + timeout
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    try:
        with opener.open(_request(url), timeout=timeout) as answer:
            data = _read(answer, most, ends, url)
            kind = str(answer.headers.get("Content-Type") or "")
            packed = str(answer.headers.get("Content-Encoding") or "").strip().lower()
            address = _bare(answer.geturl())
        return Fetched(_unpacked(data, packed, most, url), kind, address)
    except SourceError:
        raise
    except urllib.error.HTTPError as error:
        error.close()
        raise SourceError(f"{shown(url)} answers with the error {error.code}") from None
    # Their texts may hold the address; the cause is said in words.
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SourceError(f"cannot read {shown(url)}: {_reason(error)}") from None


def _bare(url: str) -> str:
    """An address without what may be a key: name, password, query."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _request(url: str) -> urllib.request.Request:
    parts = urlsplit(url)
    headers = {"User-Agent": _AGENT, "Accept": _ACCEPTED}
    if parts.username is None:
        return urllib.request.Request(_quoted(url), headers=headers)  # noqa: S310 - checked before
    from base64 import b64encode
    from urllib.parse import unquote

    name, password = unquote(parts.username), unquote(parts.password or "")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    request = urllib.request.Request(_quoted(bare), headers=headers)  # noqa: S310 - checked before
    token = b64encode(f"{name}:{password}".encode()).decode("ascii")
    request.add_unredirected_header("Authorization", f"Basic {token}")
    return request


def _quoted(url: str) -> str:
    """The address with what is not ASCII, and spaces, escaped."""
    from urllib.parse import quote

    parts = urlsplit(url)
    host = parts.netloc
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    safe = "%/:=&?~#+!$,;'@()*[]"
    return parts._replace(
        netloc=host, path=quote(parts.path, safe), query=quote(parts.query, safe), fragment=""
    ).geturl()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https, a few, never back from https."""

    max_redirections = MOST_REDIRECTS
    max_repeats = 2

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request."""
        target = urljoin(req.full_url, newurl)
        scheme = urlsplit(target).scheme.lower()
        if scheme not in ("http", "https"):
            fp.close()
            raise SourceError(f"{shown(req.full_url)} redirects to no web address")
        if urlsplit(req.full_url).scheme.lower() == "https" and scheme == "http":
            fp.close()
            raise SourceError(f"{shown(req.full_url)} redirects from https to http")
        return super().redirect_request(req, fp, code, msg, headers, target)


def _read(answer: Any, most: int, ends: float, url: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    # read1 gives what has come; read would wait for a whole piece beyond all patience.
    while part := answer.read1(_READ_AT_ONCE):
        parts.append(part)
        size += len(part)
        if size > most:
            raise _too_large(url, most)
        if time.monotonic() > ends:
            raise SourceError(f"{shown(url)} answers too slowly")
    length = answer.headers.get("Content-Length")
    if length is not None and length.isdigit() and size < int(length):
        raise SourceError(f"{shown(url)} ended its answer too early")
    return b"".join(parts)


def _unpacked(data: bytes, packed: str, most: int, url: str) -> bytes:
    if packed in ("", "identity"):
        return data
    if packed not in ("gzip", "x-gzip", "deflate"):
        raise SourceError(f"{shown(url)} answers in an unknown packing")
    unpacker = zlib.decompressobj(wbits=47)
    try:
        plain = unpacker.decompress(data, most + 1)
    except zlib.error as error:
        raise SourceError(f"{shown(url)} answers with damaged data") from error
    if len(plain) > most:
        raise _too_large(url, most)
    return plain


def _too_large(url: str, most: int) -> SourceError:
    return SourceError(
        f"{shown(url)} gives more than {most:,} bytes; [limits] feed_length in recommender.toml "
        "changes that"
    )


def _reason(error: Exception) -> str:
    cause: object = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return "it does not answer in time"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return type(cause).__name__ if isinstance(cause, Exception) else "it does not answer"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        # A port that is no number is told only when it is asked for.
        _ = parts.port
    except ValueError:
        return None
    return parts

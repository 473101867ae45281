"""What `[serve]` in `recommender.toml` says of the HTTP service. Pure: knows no HTTP library.

Every limit of the service is a setting with a default, and an error that a limit causes names it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, get_type_hints

from recommender.errors import ConfigError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
TOKEN_VARIABLE = "RECOMMENDER_TOKEN"  # noqa: S105 - the name of a variable
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
SHORTEST_TOKEN = 16
_LARGEST = 1 << 31
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """How the service listens, whom it answers, and how much it takes.

    Parameters
    ----------
    host : str
        Address to listen at.
    port : int
        0 takes any that is free.
    workers : int
        Processes that answer.
    public_only : bool
        Answer only what needs no token: related lists and the two health checks.
    token_env : str
        Environment variable that holds the token.
    token_file : str
        File that holds the token, relative to the settings; used where the variable is not set.
    allowed_hosts : tuple of str
        Names under which the service may be asked; "*" is any. Without any, the names of the
        local machine where the service listens there.
    cors_origins : tuple of str
        Origins whose pages may ask, as in "https://www.example.cn"; "*" is any.
    trusted_proxies : tuple of str
        Addresses whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    request_bytes : int
        Bytes of a request's body.
    text_length : int
        Characters of an article's body.
    batch : int
        Articles of one request.
    request_seconds : float
        Time for a request, its body included.
    threads : int
        Requests that a worker computes at once, beside related lists.
    queue : int
        Further requests that wait for one of those; more are told to come later.
    connections : int
        Open connections of a worker.
    embeddings_per_minute : int
        Drafts and articles of one client that the model reads.
    logins_per_minute : int
        Tries of one client to log in, or tokens that are wrong.
    login_hours : float
        How long a login lasts.
    cache_seconds, stale_seconds : int
        How long a browser or proxy may keep a related list, and show an old one while it asks
        anew or cannot ask.
    grace_seconds : float
        Time for running requests when the service stops.
    log_requests : bool
        Whether every request is a line of the log.

    Raises
    ------
    ConfigError
        If one is out of range or of the wrong kind.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    workers: int = 2
    public_only: bool = False
    token_env: str = TOKEN_VARIABLE
    token_file: str = ""
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    request_bytes: int = 4_000_000
    text_length: int = 200_000
    batch: int = 100
    request_seconds: float = 30.0
    threads: int = 4
    queue: int = 32
    connections: int = 1_000
    embeddings_per_minute: int = 300
    logins_per_minute: int = 10
    login_hours: float = 12.0
    cache_seconds: int = 60
    stale_seconds: int = 600
    grace_seconds: float = 20.0
    log_requests: bool = True

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for each in fields(self):
            kind, value = hints[each.name], getattr(self, each.name)
            object.__setattr__(self, each.name, _checked(each.name, kind, value))
        if not _is_host(self.host):
            raise ConfigError(f"[serve] host must be a name or an address, not {self.host!r:.60}")
        if self.port > 65_535:
            raise ConfigError(f"[serve] port must lie between 0 and 65,535, not {self.port}")
        if not _VARIABLE.fullmatch(self.token_env):
            raise ConfigError(
                f"[serve] token_env must be the name of a variable, not {self.token_env!r:.60}"
            )
        for name in self.allowed_hosts:
            if name != "*" and not _is_host(name):
                raise ConfigError(
                    "[serve] allowed_hosts holds names without a port, as www.example.cn, "
                    f"not {name!r:.60}"
                )
        for origin in self.cors_origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ConfigError(
                    "[serve] cors_origins holds origins without a path, as "
                    f"https://www.example.cn, not {origin!r:.60}"
                )
        for proxy in self.trusted_proxies:
            if not _is_network(proxy):
                raise ConfigError(
                    f"[serve] trusted_proxies holds addresses or networks, not {proxy!r:.60}"
                )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        return self.host in LOOPBACK_NAMES or self.host.startswith("127.")

    @property
    def hosts(self) -> frozenset[str]:
        """Names under which the service may be asked, in lower case.

        Raises
        ------
        ConfigError
            If the service listens to others and none is named.
        """
        if self.allowed_hosts:
            return frozenset(each.lower() for each in self.allowed_hosts)
        if not self.is_local:
            raise ConfigError(
                f"the service would listen at {self.host}, for others than this machine: name the "
                "hosts under which it may be asked with --allowed-host www.example.cn, or "
                "allowed_hosts in [serve] of recommender.toml"
            )
        return frozenset({*LOOPBACK_NAMES, self.host.lower()})


_LEAST: Mapping[str, float] = {
    "port": 0,
    "queue": 0,
    "cache_seconds": 0,
    "stale_seconds": 0,
    "request_seconds": 0.1,
    "grace_seconds": 0.1,
    "login_hours": 0.01,
}
_MOST: Mapping[str, float] = {
    "workers": 64,
    "threads": 64,
    "batch": 10_000,
    "text_length": 5_000_000,
    "request_bytes": 200_000_000,
    "login_hours": 24 * 366,
    "request_seconds": 3_600,
    "grace_seconds": 3_600,
}


def serve_options(table: Mapping[str, Any]) -> ServeOptions:
    """The options of a table of settings.

    Raises
    ------
    ConfigError
        If a key is unknown or a value is out of range.
    """
    known = {each.name for each in fields(ServeOptions)}
    for key in table:
        if key not in known:
            raise ConfigError(
                f"[serve] has an unknown key {key!r:.60}; known are {', '.join(sorted(known))}"
            )
    return ServeOptions(**table)


def checked_token(token: str, where: str) -> str:
    """A token without the space around it.

    Raises
    ------
    ConfigError
        If it is too short to be safe, or cannot stand in a header.
    """
    token = token.strip()
    if len(token) < SHORTEST_TOKEN:
        raise ConfigError(
            f"the token in {where} has {len(token)} characters; take at least {SHORTEST_TOKEN}, "
            'as python -c "import secrets; print(secrets.token_urlsafe(32))" makes them'
        )
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ConfigError(f"the token in {where} must be ASCII characters without a space")
    return token


def _checked(name: str, kind: Any, value: Any) -> Any:
    if kind is bool:
        if not isinstance(value, bool):
            raise ConfigError(f"[serve] {name} must be true or false, not {value!r:.60}")
        return value
    if kind is str:
        if not isinstance(value, str) or "\0" in value:
            raise ConfigError(f"[serve] {name} must be text, not {value!r:.60}")
        return value
    if kind in (int, float):
        least, most = _LEAST.get(name, 1), _MOST.get(name, _LARGEST)
        fits = isinstance(value, int) or (kind is float and isinstance(value, float))
        if isinstance(value, bool) or not fits or not least <= value <= most:
            what = "a whole number" if kind is int else "a number"
            raise ConfigError(
                f"[serve] {name} must be {what} from {least:,} to {most:,}, not {value!r:.60}"
            )
        return kind(value)
    if (
        isinstance(value, str)
        or not isinstance(value, Sequence)
        or not all(isinstance(each, str) for each in value)
    ):
        raise ConfigError(f"[serve] {name} must be a list of texts, not {value!r:.60}")
    return tuple(value)


def _is_host(name: str) -> bool:
    if _HOST.fullmatch(name):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_network(name: str) -> bool:
    try:
        ipaddress.ip_network(name)
    except ValueError:
        return False
    return True

"""How often a client may do something: one count that all workers share, in a small mapped file.

The generic cell rate algorithm (ITU-T I.371): of a client only the moment is kept at which it
will have used up nothing. Clients are hashed into slots; two in one slot share a rate, which makes
neither quicker.
"""

from __future__ import annotations

import fcntl
import hashlib
import ipaddress
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

_SLOTS = 8_192
_MOMENT = struct.Struct("<d")
_IPV6_PREFIX = 64


class Rates:
    """Rates of clients, counted over all processes that open the same file.

    Parameters
    ----------
    path : Path
        Made when missing.
    clock : callable
        Seconds since some moment that is the same in all processes.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        size = _SLOTS * _MOMENT.size
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._file).st_size < size:
            os.ftruncate(self._file, size)
        self._moments = mmap.mmap(self._file, size)

    def close(self) -> None:
        """Close the file; nothing happens the second time."""
        if not self._moments.closed:
            self._moments.close()
            os.close(self._file)

    def take(self, what: str, client: str, *, per_minute: int, count: int = 1) -> float:
        """Use up part of a rate.

        Parameters
        ----------
        what : str
            What is counted.
        client : str
            As `client_key` names it.
        per_minute : int
            How much a client may use; as much at once.
        count : int
            How much is used.

        Returns
        -------
        float
            0, or the seconds to wait; nothing is used up then.
        """
        slot = self._slot(what, client)
        each = 60.0 / per_minute
        now = self._clock()
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            free_at = min(_MOMENT.unpack_from(self._moments, slot)[0], now + 60.0)
            after = max(free_at, now) + each * min(count, per_minute)
            # Rounding must not cost the last one of a full minute.
            wait = after - now - 60.0
            if wait > 1e-6:
                return float(wait)
            _MOMENT.pack_into(self._moments, slot, after)
            return 0.0
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)

    @staticmethod
    def _slot(what: str, client: str) -> int:
        digest = hashlib.blake2b(f"{what}\0{client}".encode("utf-8", "replace"), digest_size=8)
        return int.from_bytes(digest.digest(), "little") % _SLOTS * _MOMENT.size


def client_key(address: str) -> str:
    """One name for all addresses that one client may use."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), _IPV6_PREFIX), strict=False))
    return str(found)

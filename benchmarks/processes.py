"""Time, processor time and peak memory of a command and of all the processes it starts."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a command took: seconds by the clock and of processors, MiB of all its processes."""

    seconds: float
    processor_seconds: float
    peak_mib: float


def run(command: Sequence[str]) -> Usage:
    """Run a command to its end.

    Raises
    ------
    CalledProcessError
        If it fails.
    """
    before, start = os.times(), time.perf_counter()
    process = subprocess.Popen(command)
    peak = [0]
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(process.pid, peak, done), daemon=True)
    watcher.start()
    code = process.wait()
    done.set()
    watcher.join()
    after = os.times()
    if code:
        raise subprocess.CalledProcessError(code, command)
    used = after.children_user + after.children_system
    used -= before.children_user + before.children_system
    return Usage(
        seconds=time.perf_counter() - start,
        processor_seconds=used,
        peak_mib=peak[0] / 2**20,
    )


def _watch(root: int, peak: list[int], done: threading.Event) -> None:
    """The largest sum of the resident memory of the tree; mapped files count for each process."""
    page = os.sysconf("SC_PAGE_SIZE")
    while not done.wait(_EVERY):
        total, waiting = 0, [root]
        while waiting:
            pid = waiting.pop()
            try:
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
                children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            except (OSError, IndexError):
                continue
            waiting += [int(each) for each in children]
        peak[0] = max(peak[0], total)

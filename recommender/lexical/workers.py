"""Several processes that perform tasks, this one among them.

New processes are spawned, not forked: nothing that the calling program holds (threads, models,
open databases) goes along. An interrupt stops them at once; what is done is in the work folder.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from recommender.errors import ConfigError, RecommenderError
from recommender.lexical.tasks import Task, perform

_AHEAD = 2


class Workers:
    """Performs tasks with the help of other processes.

    Parameters
    ----------
    pool : ProcessPoolExecutor or None
    count : int
        Processes in the pool.
    """

    def __init__(self, pool: ProcessPoolExecutor | None, count: int) -> None:
        self._pool = pool
        self._count = count

    def perform_all(self, tasks: Iterable[Task], on_done: Callable[[int], None]) -> None:
        """Perform tasks in any order; `on_done` is given what each gives.

        Raises
        ------
        RecommenderError
            What a task raises, or that a process died.
        """
        waiting: set[Future[int]] = set()
        for task in tasks:
            if self._pool is not None and len(waiting) < _AHEAD * self._count:
                waiting.add(self._pool.submit(perform, task))
                continue
            on_done(perform(task))
            done = {each for each in waiting if each.done()}
            waiting -= done
            for each in done:
                on_done(_result(each))
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for each in done:
                on_done(_result(each))


def _result(future: Future[int]) -> int:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise RecommenderError(
            "a process that compared articles died, perhaps for want of memory; run the command "
            "again with fewer processes"
        ) from error


@contextmanager
def started(count: int | None) -> Iterator[Workers]:
    """Workers of `count` processes in all, by default one a core.

    Raises
    ------
    ConfigError
        If the count is not positive.
    """
    wanted = _cores() if count is None else count
    if wanted < 1:
        raise ConfigError(f"workers must be at least 1, not {wanted}")
    if wanted == 1:
        yield Workers(None, 0)
        return
    pool = ProcessPoolExecutor(
        wanted - 1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )
    pool.submit(_nothing)
    try:
        yield Workers(pool, wanted - 1)
    except BaseException:
        # Nobody waits for what others are at.
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown(wait=True, cancel_futures=True)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _begin() -> None:
    # An interrupt from the keyboard reaches all; the first process says what becomes of it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _nothing() -> None:
    """Let the first process start while this one still prepares."""

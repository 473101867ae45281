"""Work that takes longer than the event loop may wait: a few threads, a short queue, a time.

What does not fit is refused at once with the time after which to ask again; a service that takes
in more than it can do answers nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

from recommender.service.problems import Problem

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

_RETRY_SECONDS = 1


class Work:
    """Threads with a bounded queue in front of them.

    Parameters
    ----------
    threads : int
        How much is done at once.
    queue : int
        How much more may wait.
    seconds : float
        Longest time for one, waiting included.
    """

    def __init__(self, *, threads: int, queue: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="work")
        self._most = threads + queue
        self._seconds = seconds
        self._taken = 0

    @property
    def taken(self) -> int:
        """How much is being done or waits."""
        return self._taken

    async def run(
        self,
        function: Callable[Parameters, Result],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """Call a function in a thread and wait for what it gives.

        Raises
        ------
        Problem
            503 if too much waits, 504 if it takes too long. What a thread has begun it ends.
        """
        return await self._wait(partial(function, *args, **kwargs), "")

    async def change(
        self,
        function: Callable[Parameters, Result],
        /,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        """The same for what changes something: a 504 says that it may still be done."""
        return await self._wait(
            partial(function, *args, **kwargs),
            "; the change may still be made, and may be sent again",
        )

    async def _wait(self, call: Callable[[], Result], note: str) -> Result:
        if self._taken >= self._most:
            raise Problem(
                503, "The service is busy; ask again in a moment.", retry_after=_RETRY_SECONDS
            )
        loop = asyncio.get_running_loop()
        self._taken += 1
        done: Future[Result] = self._pool.submit(call)
        # Also of what nobody waits for any more: its thread is not free before.
        done.add_done_callback(lambda _: _call(loop, self._free))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(done), self._seconds)
        except asyncio.TimeoutError:
            raise Problem(
                504,
                f"It takes longer than {self._seconds:g} seconds ([serve] request_seconds){note}.",
                retry_after=_RETRY_SECONDS,
            ) from None

    def close(self) -> None:
        """Begin nothing any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _free(self) -> None:
        self._taken -= 1


def _call(loop: asyncio.AbstractEventLoop, function: Callable[[], Any]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        # The loop is closed; nobody counts any more.
        return

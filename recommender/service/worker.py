"""A worker: one process that answers over the socket it shares with the others."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from uvicorn import Config, Server

from recommender.errors import RecommenderError
from recommender.service.app import create_app
from recommender.service.gate import Gate
from recommender.service.logs import log_as_lines
from recommender.service.protocol import LimitedProtocol
from recommender.service.state import ServiceState
from recommender.service_settings import ServeOptions, serve_options

# Threads that compute must not keep the event loop waiting for long.
_SWITCH_SECONDS = 0.001
_KEEP_ALIVE_SECONDS = 15
# New objects until the next collection of the young, and so on; an answer makes few cycles.
_COLLECT_AFTER = (20_000, 20, 50)


class WorkerServer(Server):
    """A server that says when it answers, and ends as told."""

    def __init__(self, config: Config, *, told: Any) -> None:
        super().__init__(config)
        self._told = told

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that requests are answered from now on."""
        await super().startup(sockets=sockets)
        self._told()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End after the requests that run; uvicorn would raise the signal again at the end."""
        self.should_exit = True


def application(state: ServiceState) -> Any:
    """The application of a worker with everything in front of it."""
    gate = Gate(create_app(state), state)
    if not state.options.cors_origins:
        return gate
    # Only what needs no token; one in a page would be everybody's.
    return CORSMiddleware(
        gate,
        allow_origins=list(state.options.cors_origins),
        allow_methods=["GET", "HEAD"],
        allow_headers=["If-None-Match"],
        expose_headers=["ETag", "X-Request-ID"],
        max_age=3_600,
    )


def run(plan: dict[str, Any], lifeline: int) -> int:
    """Answer until told to stop, or until the parent goes.

    Parameters
    ----------
    plan : dict
        `index`, `options`, `token`, `runtime`, `worker`, and the descriptors `listening` and
        `status`.
    lifeline : int
        A descriptor, at its end when the parent has gone.
    """
    number = int(plan["worker"])
    log_as_lines(number)
    options = serve_options(plan["options"])
    try:
        state = ServiceState.open(
            Path(plan["index"]),
            options,
            token=plan["token"],
            runtime=Path(plan["runtime"]),
            worker=number,
        )
    except RecommenderError as error:
        _tell(plan["status"], {"error": str(error)})
        return 1
    sys.setswitchinterval(_SWITCH_SECONDS)
    # What is there by now stays; looking through it again and again would hold up answers.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    listening = socket.socket(fileno=plan["listening"])
    listening.setblocking(False)
    config = Config(
        application(state),
        http=LimitedProtocol.limited_to(options.connections),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(options.trusted_proxies),
        forwarded_allow_ips=list(options.trusted_proxies),
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, int(options.grace_seconds)),
    )
    identity = state.reader.embedder_identity.to_dict()
    server = WorkerServer(
        config, told=lambda: _tell(plan["status"], {"ready": os.getpid(), "identity": identity})
    )

    def stop_with_parent() -> None:
        os.read(lifeline, 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_with_parent, daemon=True).start()
    if not options.public_only:
        threading.Thread(target=state.warm_up, daemon=True).start()
    server.run(sockets=[listening])
    state.close()
    return 0


def _tell(descriptor: int, what: dict[str, Any]) -> None:
    os.write(descriptor, json.dumps(what).encode("ascii") + b"\n")


__all__ = ["ServeOptions", "application", "run"]

"""A running service with the editor's page, in this process, and ways to read what it answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from selectolax.lexbor import LexborHTMLParser

from recommender import Article, HashingEmbedder, Recommender
from recommender.sample import sample_articles
from recommender.service.state import ServiceState
from recommender.service.worker import application
from recommender.service_settings import ServeOptions

from .helpers import NOW, article

TOKEN = "a-token-only-for-tests-0123456789"  # noqa: S105

EVIL = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\u202e"
PART = {"HX-Request": "true"}
COPY = next(each for each in sample_articles() if each.id == "ticket-leak-1")


def hostile() -> list[Article]:
    """Articles with scripts wherever a text can stand, and some that readers do not see."""
    fields = {"category": EVIL, "source": EVIL, "language": EVIL}
    return [
        article("evil", "桥", 1, title=f"{EVIL}桥面", url="javascript:alert(3)", **fields),
        article('e"><b>/&?#=+ %', "桥", 1, title=f"{EVIL}桥面铺装", url="data:text/html,x"),
        Article(id="blank", body="<p> </p>"),
        article("hidden", "桥", 1, title="未公开的桥面稿", access="hidden"),
        article("later", "桥", 1, title="明天的桥面稿", visible_from=NOW + timedelta(days=90_000)),
    ]


@contextmanager
def running(
    index: Path,
    runtime: Path,
    *,
    model: bool = True,
    **options: Any,
) -> Iterator[str]:
    """The address of a service over an index, and the service until the end.

    Parameters
    ----------
    index : Path
    runtime : Path
        An empty folder.
    model : bool
        Whether drafts can be embedded; without it there is no embedding process.
    """
    options.setdefault("log_requests", False)
    state = ServiceState.open(index, ServeOptions(**options), token=TOKEN, runtime=runtime)
    if model:
        state.engine.close()
        state = replace(
            state, engine=Recommender.open(index, embedder=HashingEmbedder()), embedder=None
        )
    config = uvicorn.Config(
        application(state),
        host="127.0.0.1",
        port=0,
        lifespan="off",
        ws="none",
        log_config=None,
    )
    server = uvicorn.Server(config)
    started = threading.Event()
    startup = server.startup

    async def begin(*args: Any, **named: Any) -> None:
        await startup(*args, **named)
        started.set()

    server.startup = begin  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(60)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(60)
        state.close()


@contextmanager
def client(address: str, *, signed_in: bool = True, **headers: str) -> Iterator[httpx.Client]:
    """A browser without a script: keeps cookies, says where its requests come from."""
    with httpx.Client(
        base_url=address,
        headers={"Accept": "text/html", "Sec-Fetch-Site": "same-origin", **headers},
        timeout=60,
        trust_env=False,
    ) as made:
        if signed_in:
            assert made.post("/login", data={"token": TOKEN}).status_code == 303
        yield made


def page_text(html: str) -> str:
    tree = LexborHTMLParser(html)
    tree.strip_tags(["script", "style"])
    return " ".join(tree.text(separator=" ").split())


def box(html: str) -> list[str]:
    return [each.text().strip() for each in LexborHTMLParser(html).css(".box li .headline")]


def near(html: str) -> list[str]:
    return [each.text().strip() for each in LexborHTMLParser(html).css(".near .headline")]

"""What the campaigns share: actions in forked children, tiny corpora, an index's answers."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recommender import Article, HashingEmbedder, Recommender
from tests.helpers import NOW, THEMES, article

IDS = tuple(f"a{number:02d}" for number in range(16))
EMBEDDER = HashingEmbedder()
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action in a child.

    Attributes
    ----------
    value : object
        What it returned, by way of JSON.
    error : str
        Class and message of an exception.
    trace : str
    code : int
        Exit code; negative a signal.
    hung : bool
        Whether it was killed because its time was up.
    """

    value: Any = None
    error: str = ""
    trace: str = ""
    code: int = 0
    hung: bool = False

    @property
    def died(self) -> bool:
        """Whether a signal ended it."""
        return self.code < 0 and not self.hung


def warm_up() -> None:
    """Load and compute once what every child needs, on one thread, so that it can be forked."""
    import faiss

    faiss.omp_set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        build(Path(work) / "index", [made(each) for each in IDS[:3]])
        with Recommender.open(Path(work) / "index") as index:
            index.near_duplicates(made(IDS[4]), min_similarity=0.0)
            index.update([made(IDS[4])], now=NOW)
            answers_of(index)


def in_child(action: Callable[[], object], *, timeout: float = 60.0) -> Outcome:
    """Run an action in a forked child and fetch what it returns."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _run(action, writing)
    os.close(writing)
    with open(reading, "rb", buffering=0) as answers:  # noqa: PTH123
        content, hung = _fetch(answers.fileno(), timeout)
    if hung:
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if hung or code != 0 or not content:
        return Outcome(code=code or 71, hung=hung)
    return Outcome(**json.loads(content))


def _run(action: Callable[[], object], writing: int) -> None:
    found: dict[str, object]
    try:
        found = {"value": action()}
    except Exception as error:
        found = {
            "error": f"{type(error).__module__}.{type(error).__name__}: {error}",
            "trace": traceback.format_exc(),
        }
    code = 72
    try:
        content = json.dumps(found).encode()
        while content:
            content = content[os.write(writing, content) :]
        code = 0
    finally:
        os._exit(code)


def _fetch(descriptor: int, timeout: float) -> tuple[bytes, bool]:
    content, deadline = b"", time.monotonic() + timeout
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return content, True
        part = os.read(descriptor, _CHUNK)
        if not part:
            return content, False
        content += part


def made(article_id: str, version: int = 0, **fields: object) -> Article:
    """Version `version` of an article, which its title names."""
    number = IDS.index(article_id) if article_id in IDS else len(article_id)
    theme = list(THEMES)[number % len(THEMES)]
    return article(
        article_id,
        theme,
        number + 100 * version,
        **{"title": f"{article_id} 第{version}版 {THEMES[theme].split()[0]}", **fields},
    )


def build(folder: Path, articles: Sequence[Article]) -> None:
    """Build an index with the smallest of embedders."""
    Recommender.build(folder, articles, embedder=EMBEDDER, now=NOW).close()


def all_answers(folder: Path) -> dict[str, Any]:
    """What an index holds and answers, in a form that compares and goes through JSON."""
    with Recommender.open(folder) as index:
        return answers_of(index)


def answers_of(index: Recommender) -> dict[str, Any]:
    """The same of an open index."""
    found: dict[str, Any] = {"count": len(index)}
    for article_id, card in sorted(index.get_many(IDS).items()):
        found[article_id] = [
            [card.title, card.url, card.category, str(card.date)],
            _listed(index.related(article_id, limit=20, min_similarity=0.0, now=NOW)),
            _listed(index.near_duplicates(article_id, min_similarity=0.1, now=NOW)),
        ]
    return found


def _listed(matches: Any) -> list[list[Any]]:
    return [[match.article.id, match.article.title, match.similarity] for match in matches]


def problems(folder: Path) -> list[str]:
    """What `verify` says."""
    with Recommender.open(folder) as index:
        return index.verify()


def chosen_seed(given: int | None) -> int:
    """The seed of a campaign, printed so that it can be run again."""
    seed = secrets.randbelow(1_000_000) if given is None else given
    print(f"seed {seed}", flush=True)
    return seed


def say(words: str) -> None:
    """A line of progress."""
    with contextlib.suppress(BrokenPipeError):
        print(words, file=sys.stderr, flush=True)

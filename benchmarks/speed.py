"""How fast and how large: stages of a build, opening, answers, one new article, bytes.

    python -m benchmarks.speed DATA INDEX

DATA is the folder of the data sets, INDEX an index over all of zh_news, made by
"recommender build DATA/zh_news/articles.jsonl.gz -i INDEX"; it is copied, not changed. Writes
`results/speed.json` and `results/speed.md`. Machines are noisy: figures are medians where they
can be.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.common import NOW, markdown, save
from recommender import Article, HashingEmbedder, IndexOptions, Recommender, load_embedder
from recommender.building import describe, documents
from recommender.config import Thresholds
from recommender.embedding import embed
from recommender.generation import write_generation
from recommender.indexing import clean_article, make_recipe, prepare
from recommender.search import Searcher
from recommender.sources import read_articles
from recommender.store import Pending, Writer

Value = TypeVar("Value")
BATCH = 500
EMBEDDED = 512
ASKED = 2_000
ADDED = 40
AIMS = {
    "all but embedding and neighbours": "≥ 1,500 articles/s",
    "open": "≤ 300 ms",
    "related(id) p50": "≤ 1 ms",
    "related(id) p99": "≤ 5 ms",
    "add one article, beyond embedding": "≤ 20 ms",
    "on disk beside text and neighbours": "≤ 3,072 bytes",
}


class Stages:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def run(self, name: str, action: Callable[[], Value]) -> Value:
        start = time.perf_counter()
        value = action()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        return value


def batches(values: Sequence[Value]) -> list[Sequence[Value]]:
    return [values[start : start + BATCH] for start in range(0, len(values), BATCH)]


def measure_stages(file: Path) -> tuple[dict[str, float], int]:
    """The stages of a build that need no model, one after the other."""
    stages = Stages()
    articles = stages.run("read", lambda: list(read_articles(str(file))))
    cleaned = stages.run("clean", lambda: [clean_article(each) for each in articles])
    recipe = stages.run("find boilerplate", lambda: make_recipe(cleaned, IndexOptions()))
    prepared = stages.run(
        "strip, fingerprints, facts",
        lambda: [one for part in batches(cleaned) for one in prepare(part, recipe, NOW)],
    )
    model = HashingEmbedder()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "index"
        with Pending.open(folder, embedder="speed") as pending:
            vectors, _ = embed(prepared, model, pending, lambda stage, done, total: None)
        with Writer.open_for_writing(folder, create=True) as writer:
            with writer.transaction():
                stages.run(
                    "write database", lambda: writer.insert_many(documents(prepared, vectors))
                )
                describe(writer, IndexOptions(), Thresholds(), model.identity, recipe)
                centres = Searcher(writer).state.centres
                stages.run(
                    "write search files", lambda: write_generation(writer, centres, kind="auto")
                )
            stages.run("fold the log", writer.checkpoint)
    return stages.seconds, len(articles)


def measure_embedding(file: Path) -> float:
    """Articles a second of the default model."""
    articles = [each for each, _ in zip(read_articles(str(file)), range(EMBEDDED), strict=False)]
    prepared = prepare(
        [clean_article(each) for each in articles], make_recipe([], IndexOptions()), NOW
    )
    model = load_embedder()
    texts = [each.embedding_input for each in prepared if each.embedding_input]
    model.embed(texts[:32])
    start = time.perf_counter()
    model.embed(texts)
    return len(texts) / (time.perf_counter() - start)


def ids_of(index: Path) -> list[str]:
    connection = sqlite3.connect(f"file:{index / 'articles.sqlite'}?mode=ro", uri=True)
    ids = [one for (one,) in connection.execute("SELECT id FROM articles ORDER BY id")]
    connection.close()
    return ids


ASKING = """
import json, sys, time
import numpy, recommender.engine
from recommender import Recommender


def peak_kib():
    # Unlike ru_maxrss this does not count what the parent process held.
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


base = peak_kib()
ids = json.load(sys.stdin)
start = time.perf_counter()
index = Recommender.open(sys.argv[1])
opened = time.perf_counter() - start
first = time.perf_counter()
index.related(ids[0])
times = {"open": [opened], "first related(id)": [time.perf_counter() - first]}
for name, ask in (("related(id)", index.related), ("near_duplicates(id)", index.near_duplicates)):
    times[name] = []
    for each in ids:
        start = time.perf_counter()
        ask(each)
        times[name].append(time.perf_counter() - start)
peak = peak_kib()
loaded = [name for name in ("torch", "faiss", "sentence_transformers") if name in sys.modules]
print(json.dumps({"times": times, "base": base, "peak": peak, "loaded": loaded}))
"""


def ask(index: Path, ids: list[str]) -> dict[str, Any]:
    """Answers in a process of its own, each article asked for once."""
    done = subprocess.run(
        [sys.executable, "-c", ASKING, str(index)],
        input=json.dumps(ids),
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


class Timed:
    """An embedder that says how long it took."""

    def __init__(self, model: Any) -> None:
        self.model, self.seconds = model, 0.0

    @property
    def identity(self) -> Any:
        return self.model.identity

    def embed(self, texts: Sequence[str]) -> Any:
        start = time.perf_counter()
        made = self.model.embed(texts)
        self.seconds += time.perf_counter() - start
        return made


def add_one_by_one(index: Path, articles: Sequence[Article]) -> list[float]:
    """Seconds of each update beyond its embedding."""
    seconds = []
    model = Timed(load_embedder())
    model.embed(["warm"])
    with Recommender.open(index, embedder=model) as opened:
        for number, article in enumerate(articles):
            new = replace(article, id=f"new-{number}")
            model.seconds = 0.0
            start = time.perf_counter()
            opened.update([new], now=NOW)
            seconds.append(time.perf_counter() - start - model.seconds)
    return seconds


def bytes_of(index: Path, count: int) -> dict[str, float]:
    """Bytes an article, by what holds them."""
    connection = sqlite3.connect(f"file:{index / 'articles.sqlite'}?mode=ro", uri=True)
    sizes = dict(connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
    connection.close()
    files = sum(
        file.stat().st_size for file in index.iterdir() if file.suffix in (".faiss", ".bin")
    )
    text, neighbours = sizes.pop("texts"), sizes.pop("neighbours")
    return {
        "text": text / count,
        "stored neighbours": neighbours / count,
        "search files": files / count,
        "everything else in the database": sum(sizes.values()) / count,
        "on disk beside text and neighbours": (files + sum(sizes.values())) / count,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("index", type=Path, help="index over zh_news")
    arguments = parser.parse_args()
    file = arguments.data / "zh_news" / "articles.jsonl.gz"
    rows: list[tuple[str, str, str]] = []

    def note(what: str, value: str) -> None:
        rows.append((what, value, AIMS.get(what, "")))

    seconds, count = measure_stages(file)
    for name, value in seconds.items():
        note(name, f"{count / value:,.0f} articles/s")
    note("all but embedding and neighbours", f"{count / sum(seconds.values()):,.0f} articles/s")
    note("embedding", f"{measure_embedding(file):,.1f} articles/s")
    ids = ids_of(arguments.index)
    answered = ask(arguments.index, random.Random(7).sample(ids, min(ASKED, len(ids))))
    for name, times in answered["times"].items():
        if len(times) == 1:
            note(name, f"{times[0] * 1e3:,.1f} ms")
            continue
        for label, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
            note(f"{name} {label}", f"{np.quantile(times, share) * 1e3:,.2f} ms")
    note("memory of a reader, imports", f"{answered['base'] / 1024:,.0f} MiB")
    note("memory of a reader, peak", f"{answered['peak'] / 1024:,.0f} MiB")
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "index"
        shutil.copytree(arguments.index, copy)
        # Articles that are not in the index, of the same agency and months: many have relatives.
        others = arguments.data / "zh_gold" / "more_articles.jsonl.gz"
        drawn = random.Random(8).sample(list(read_articles(str(others))), ADDED)
        added = add_one_by_one(copy, drawn)
    note("add one article, beyond embedding", f"{np.median(added[5:]) * 1e3:,.1f} ms")
    note("the same, first", f"{added[0] * 1e3:,.1f} ms")
    sizes = bytes_of(arguments.index, len(ids))
    for name, value in sizes.items():
        note(name, f"{value:,.0f} bytes an article")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    note("memory of the stages above, peak", f"{peak / 1024:,.0f} MiB")
    headers = ("what", "measured", "aim")
    result = {"articles": count, "rows": [dict(zip(headers, row, strict=True)) for row in rows]}
    save(
        "speed",
        {**result, "libraries loaded by a reader": answered["loaded"]},
        markdown(headers, rows),
    )


if __name__ == "__main__":
    main()

"""How fast a sync follows a PbootCMS database, and how its memory grows.

    python -m benchmarks.sync DATA [--database URL] [--vectors INDEX]

DATA is the folder of the data sets, whose zh_news is written into the tables of a PbootCMS site:
a temporary SQLite file, or an empty database of a server (`mysql+pymysql://user@host/name`; a
password is taken from that URL, so give one that is for this only). INDEX is an index over
zh_news, whose vectors are taken so that nothing need be embedded; without one the hashing
embedder stands in. Measured, each in a process of its own: the first sync of a part and of all,
nothing changed, 100 articles changed (60 edited, 20 deleted, 20 new), and the export of all
related lists into a folder, anew and with nothing changed. Embedding is timed and taken off.
Writes `results/sync.json` and `results/sync.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.moment import NOW

PART = 5_000
EDITED, DELETED, ADDED = 60, 20, 20
BEYOND = "beyond embedding"
AIMS = {
    f"first sync, {BEYOND}": "≥ 1,000 articles/s",
    "nothing changed": "≤ 5 s",
    f"100 changed, {BEYOND}": "≤ 5 s",
    "export of all related lists": "≤ 60 s",
    "memory of a first sync, growth": "≤ 6 KiB an article",
}
TEXT_STAGES = ("reading the site", "fingerprints and facts", "embedding")


class Vectors:
    """An embedder that takes the vectors of an index, and says how long that took.

    What it does not know gets the vector of the hashing embedder.
    """

    def __init__(self, index: str) -> None:
        from recommender.embedders import EmbedderIdentity, HashingEmbedder

        self.seconds, self.strange = 0.0, 0
        self._index = index
        self._known: dict[bytes, int] = {}
        self._hashing = HashingEmbedder()
        self.identity = self._hashing.identity
        if index:
            path = Path(index).absolute() / "articles.sqlite"
            self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            self._connection.execute("PRAGMA cache_size = -2000")
            ((said,),) = self._connection.execute("SELECT value FROM meta WHERE key = 'embedder'")
            self.identity = EmbedderIdentity.from_dict(json.loads(said))
            self._hashing = HashingEmbedder(dimension=self.identity.dimension)
            sql = "SELECT input_digest, row FROM sketches WHERE vector IS NOT NULL"
            self._known = dict(self._connection.execute(sql))

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        start = time.perf_counter()
        made = np.stack([self._one(text) for text in texts])
        self.seconds += time.perf_counter() - start
        return made

    def _one(self, text: str) -> np.ndarray:
        from xxhash import xxh3_128_digest

        row = self._known.get(xxh3_128_digest(text.encode()))
        if row is None:
            self.strange += 1
            return self._hashing.embed([text])[0]
        sql = "SELECT vector FROM sketches WHERE row = ?"
        ((vector,),) = self._connection.execute(sql, (row,))
        return np.frombuffer(vector, "<f2").astype(np.float32)


def memory(what: str) -> int:
    """KiB of this process; unlike ru_maxrss the peak does not count what its parent held."""
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123
        return next(int(line.split()[1]) for line in status if line.startswith(what))


def child(index: Path, vectors: str) -> dict[str, Any]:
    """One sync, in a process of its own; the database is named by the environment."""
    from recommender import Recommender, SyncSource
    from recommender.source_specs import SourceSpec
    from recommender.sources import Surroundings, open_source

    model = Vectors(vectors)
    model.embed(["warm"])
    model.seconds, model.strange = 0.0, 0
    base = memory("VmRSS")
    stages: dict[str, list[float]] = {}
    start, processor = time.perf_counter(), time.process_time()

    def progress(stage: str, done: int, total: int) -> None:
        # When it was first and last heard of, and the peak at its end.
        now = time.perf_counter() - start
        first = stages[stage][0] if stage in stages else now
        stages[stage] = [first, now, memory("VmHWM") - base]

    spec = SourceSpec(kind="pbootcms", name="the site", options={"url_env": "SYNC_BENCHMARK"})
    source = open_source(spec, Surroundings())
    done = Recommender.sync_sources(
        index,
        [SyncSource(articles=source.articles(), name=source.name)],
        embedder=model,
        now=NOW,
        progress=progress,
    )
    return {
        "seconds": time.perf_counter() - start,
        "processor_seconds": time.process_time() - processor,
        "embedding": model.seconds,
        "embedded": done.change.embedded,
        "hashed": model.strange,
        "added": done.change.added,
        "updated": done.change.updated,
        "removed": done.change.removed,
        "unchanged": done.change.unchanged,
        "total": done.change.total,
        "base_kib": base,
        "peak_kib": memory("VmHWM") - base,
        "stages": stages,
    }


def sync(database: str, index: Path, vectors: str) -> dict[str, Any]:
    """One sync in a child."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.sync", "--child", str(index), "--vectors", vectors],
        env={**os.environ, "SYNC_BENCHMARK": database},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def export(index: Path, folder: Path) -> dict[str, float]:
    """All related lists into a folder, by the command."""
    start, before = time.perf_counter(), os.times()
    command = [sys.executable, "-m", "recommender", "export", str(folder), "--index", str(index)]
    subprocess.run(command, check=True)
    after = os.times()
    processor = sum(after[2:4]) - sum(before[2:4])
    return {"seconds": time.perf_counter() - start, "processor_seconds": processor}


def rows(file: Path, count: int) -> Iterator[dict[str, Any]]:
    """Articles as columns of `ay_content`."""
    from recommender.sources import read_articles

    for article in islice(read_articles(str(file)), count):
        row: dict[str, Any] = {"title": article.title, "content": article.body}
        if article.date is not None:
            row["date"] = f"{article.date:%Y-%m-%d %H:%M:%S}"
        yield {**row, "source": article.source[:60], "tags": article.category[:60]}


def change_some(database: str, count: int) -> None:
    """Edit, delete and add articles, spread over the site."""
    from tests import cms_sites

    places = np.linspace(1, count, EDITED + DELETED, dtype=int).tolist()
    for number, place in enumerate(places):
        if number % 4 == 3:
            cms_sites.delete(database, "ay_content", place)
        else:
            title, body = cms_sites.text_of(place)
            row = cms_sites.stored_row({"title": title, "content": body})
            cms_sites.change(database, "ay_content", place, **row)
    new = [cms_sites.content_row(count + number) for number in range(1, ADDED + 1)]
    made = [{"id": count + number, **row} for number, row in enumerate(new, start=1)]
    cms_sites.add(database, "ay_content", map(cms_sites.stored_row, made))


def measure(file: Path, database: str, folder: Path, *, count: int, vectors: str) -> dict[str, Any]:
    """All syncs, by name."""
    from tests import cms_sites

    found: dict[str, Any] = {}
    for name, size in (("first sync of a part", min(PART, count // 4)), ("first sync", count)):
        cms_sites.make_pbootcms(database, rows(file, size))
        index = folder / name.replace(" ", "-")
        found[name] = sync(database, index, vectors)
        print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
    found["nothing changed"] = sync(database, index, vectors)
    change_some(database, count)
    found["100 changed"] = sync(database, index, vectors)
    found["nothing changed, again"] = sync(database, index, vectors)
    found["load"] = os.getloadavg()
    for name in ("export", "export, nothing changed"):
        found[name] = export(index, folder / "related")
    return found


def table_rows(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What is shown, beside what is aimed at."""
    part, first = found["first sync of a part"], found["first sync"]
    more = first["total"] - part["total"]

    def beyond(one: dict[str, Any]) -> float:
        return float(one["seconds"] - one["embedding"])

    def growth(peak: str | None) -> str:
        if peak is None:
            grown = first["peak_kib"] - part["peak_kib"]
        else:
            grown = first["stages"][peak][2] - part["stages"][peak][2]
        return f"{grown / more:,.1f} KiB an article"

    # All that comes before neighbours and the search files.
    until = first["stages"]["search files"][0] - first["embedding"]
    some = found["100 changed"]
    shown = [
        ("articles", f"{first['total']:,}"),
        (f"first sync, {BEYOND}", f"{first['total'] / beyond(first):,.0f} articles/s"),
        (
            f"first sync, {BEYOND}, processor time",
            f"{first['processor_seconds'] - first['embedding']:,.1f} s",
        ),
        (
            "the same without search files and neighbours",
            f"{first['total'] / until:,.0f} articles/s",
        ),
        ("nothing changed", f"{found['nothing changed']['seconds']:,.1f} s"),
        (
            "nothing changed, processor time",
            f"{found['nothing changed']['processor_seconds']:,.1f} s",
        ),
        (f"100 changed, {BEYOND}", f"{beyond(some):,.1f} s"),
        ("100 changed, processor time", f"{some['processor_seconds']:,.1f} s"),
        ("100 changed: embedded", f"{some['embedded']:,}"),
        ("export of all related lists", f"{found['export']['seconds']:,.1f} s"),
        (
            "export with nothing changed",
            f"{found['export, nothing changed']['seconds']:,.1f} s",
        ),
        (
            "the same, processor time",
            f"{found['export, nothing changed']['processor_seconds']:,.1f} s",
        ),
        ("memory of a first sync, growth", growth(None)),
        *((f"the same until the end of: {stage}", growth(stage)) for stage in TEXT_STAGES),
        ("load of the machine, mean of 15 minutes", f"{found['load'][2]:.1f}"),
        ("memory of a first sync, peak", f"{first['peak_kib'] / 1024:,.0f} MiB"),
        (
            "memory when nothing changed, peak",
            f"{found['nothing changed']['peak_kib'] / 1024:,.0f} MiB",
        ),
    ]
    return [(what, value, AIMS.get(what, "")) for what, value in shown]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?", help="folder of the data sets")
    parser.add_argument("--database", default="", help="URL of an empty database")
    parser.add_argument("--vectors", default="", help="index over zh_news")
    parser.add_argument("--articles", type=int, default=22_849)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child is not None:
        print(json.dumps(child(arguments.child, arguments.vectors)))
        return
    if arguments.data is None:
        parser.error("name the folder of the data sets")
    from benchmarks.common import markdown, save

    file = arguments.data / "zh_news" / "articles.jsonl.gz"
    with tempfile.TemporaryDirectory() as name:
        database = arguments.database or f"sqlite:///{name}/site.db"
        found = measure(
            file, database, Path(name), count=arguments.articles, vectors=arguments.vectors
        )
    if arguments.database:
        # What is saved names no host and no user.
        kind = arguments.database.partition(":")[0]
        sys.argv = [kind if each == arguments.database else each for each in sys.argv]
    headers = ("what", "measured", "aim")
    shown = table_rows(found)
    listed = [dict(zip(headers, row, strict=True)) for row in shown]
    save("sync", {"rows": listed, "runs": found}, markdown(headers, shown))


if __name__ == "__main__":
    main()

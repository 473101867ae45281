"""The index in operation: opening, memory of readers, answers beside a writer, updates, copies.

    python -m benchmarks.operations INDEX
    python -m benchmarks.operations INDEX --articles 1500000 --work FOLDER

INDEX is an index over zh_news; it is copied, never changed. With --articles an index of that
size is recombined from it (`synthetic_index`); --work says where copies go, some 6 GB for 1.5
million, and keeps the synthetic index there for another run. No model is loaded. Everything is
warm: the files are in the page cache. Each run puts the figures of its size into
`results/operations.json` and `results/operations.md`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import RESULTS, command, markdown, save
from benchmarks.synthetic_index import make_index, recombined_articles, recombined_embedder
from recommender import Recommender
from recommender.store import Store

OPENINGS = 5
ASKED = 4_000
WARM_UP = 500
FOUR = 4
AIMS = {
    "open_seconds": "≤ 0.3",
    "four_readers_files": "≤ 1.3",
    "heap_mb": "≤ 200",
    "slower_beside_writer": "≤ 3",
}


# What children do; each prints one line of JSON.


def child_open(index: Path) -> dict[str, float]:
    """Seconds to open an index, to give the first answer, and to open its search files."""
    some = some_ids(index, 1)[0]
    start = time.perf_counter()
    opened = Recommender.open(index)
    seconds = {"open": time.perf_counter() - start}
    opened.related(some)
    seconds["first_answer"] = time.perf_counter() - start
    start = time.perf_counter()
    search_once(opened, some)
    seconds["search_files"] = time.perf_counter() - start
    return seconds


def child_reader(index: Path) -> dict[str, float]:
    """A reader that has answered and searched; waits until its input is closed."""
    with Recommender.open(index) as opened:
        ids = some_ids(index, ASKED)
        for each in ids:
            opened.related(each)
        search_once(opened, ids[0])
        print(json.dumps(answer_times(opened, ids, until=len(ids))), flush=True)
        sys.stdin.read()
    return {}


def child_answers(index: Path, stop: Path) -> dict[str, float]:
    """Answers before a writer works, and beside it until the file `stop` is there."""
    with Recommender.open(index) as opened:
        ids = some_ids(index, ASKED)
        answer_times(opened, ids, until=WARM_UP)
        quiet = answer_times(opened, ids, until=ASKED)
        print("ready", flush=True)
        beside = answer_times(opened, ids, until=stop)
    return {**beside, "quiet_p50_ms": quiet["p50_ms"], "quiet_p99_ms": quiet["p99_ms"]}


def child_update(index: Path, count: int, seed: int) -> dict[str, float]:
    """Seconds and bytes of one update."""
    articles = recombined_articles(index, count, seed)
    with Recommender.open(index, embedder=recombined_embedder(index)) as opened:
        before, start = written(), time.perf_counter()
        change = opened.update(articles)
        seconds = time.perf_counter() - start
    if change.added != count:
        raise SystemExit(f"{change.added} of {count} articles were added")
    return {"seconds": seconds, "bytes": written() - before, "peak_mb": peak_mb()}


def child_rebuild(index: Path) -> dict[str, float]:
    """Seconds and bytes of a rebuild."""
    with Recommender.open(index, embedder=recombined_embedder(index)) as opened:
        before, start = written(), time.perf_counter()
        opened.rebuild()
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "bytes": written() - before, "peak_mb": peak_mb()}


def child_copy(index: Path, target: Path) -> dict[str, float]:
    """Seconds of a copy, where this version makes copies."""
    if not hasattr(Recommender, "copy"):
        return {}
    with Recommender.open(index) as opened:
        start = time.perf_counter()
        opened.copy(target)
        return {"seconds": time.perf_counter() - start}


def search_once(opened: Recommender, article_id: str) -> None:
    """One search, which opens both search files."""
    searcher = opened._searcher
    with searcher.store.snapshot():
        row = searcher.store.rows_of([article_id])[article_id]
        searcher.find(searcher.query(row), depth=50)


def answer_times(opened: Recommender, ids: Sequence[str], *, until: int | Path) -> dict[str, float]:
    """Percentiles, in milliseconds, of `related` one after the other."""
    times: list[float] = []
    while (len(times) < until) if isinstance(until, int) else not until.exists():
        start = time.perf_counter()
        opened.related(ids[len(times) % len(ids)])
        times.append(1_000 * (time.perf_counter() - start))
    p50, p99 = np.percentile(times, [50, 99])
    return {"p50_ms": float(p50), "p99_ms": float(p99), "answers": len(times)}


def some_ids(index: Path, count: int) -> list[str]:
    with Store.open(index) as store:
        rows = np.random.default_rng(3).choice(store.rows(), count).tolist()
        cards = store.cards(sorted(set(rows)))
    return [cards[row].id for row in rows]


def written() -> int:
    """Bytes this process has caused to be written to a disk."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# What the parent does.


def started(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.operations", "--child", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(*arguments: object) -> dict[str, float]:
    child = started(*arguments)
    out, _ = child.communicate()
    if child.returncode:
        raise SystemExit(f"{arguments} ended with {child.returncode}")
    return json.loads(out.splitlines()[-1])


def opening(index: Path) -> dict[str, float]:
    """The first opening reads the large files whole; later ones remember that."""
    first = run("open", index)
    later = [run("open", index) for _ in range(OPENINGS)]
    return {
        "open_seconds": statistics.median(each["open"] for each in later),
        "first_answer_seconds": statistics.median(each["first_answer"] for each in later),
        "search_files_seconds": statistics.median(each["search_files"] for each in later),
        "search_files_unread_seconds": first["search_files"],
    }


def memory(index: Path) -> dict[str, float]:
    """Memory, in MB, of one reader and of four at once, and how fast the one answered."""
    (quiet,), (one,) = readers(index, 1)
    _, four = readers(index, FOUR)
    files = [each["Pss_File"] for each in four]
    return {
        **quiet,
        "heap_mb": max(each["Pss_Anon"] for each in (one, *four)),
        "unique_mb": max(each["Private_Clean"] + each["Private_Dirty"] for each in four),
        "one_reader_mb": one["Pss"],
        "one_reader_files_mb": one["Pss_File"],
        "four_readers_mb": sum(each["Pss"] for each in four),
        "four_readers_files": sum(files) / one["Pss_File"],
    }


def readers(index: Path, count: int) -> tuple[list[Any], list[dict[str, float]]]:
    """What several readers said, and their memory while all are there."""
    children = [started("reader", index) for _ in range(count)]
    said = [json.loads(child.stdout.readline()) for child in children if child.stdout]
    found = [proportional(child.pid) for child in children]
    for child in children:
        child.communicate()
    return said, found


def proportional(pid: int) -> dict[str, float]:
    """MB by kind: shared pages count for each process in part (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    parts = (line.replace(" kB", "").split(":") for line in lines)
    return {name: int(value) / 1024 for name, value in parts}


def beside_a_writer(index: Path, work: Path, count: int, seed: int) -> dict[str, Any]:
    """An update, and answers that another process gave during it."""
    stop = work / f"stop-{count}-{seed}"
    child = started("answers", index, stop)
    if child.stdout is not None:
        child.stdout.readline()
    try:
        update = run("update", index, count, seed)
    finally:
        stop.touch()
    out, _ = child.communicate()
    stop.unlink()
    return {"update": update, "answers": json.loads(out.splitlines()[-1])}


def measure(index: Path, work: Path, updates: Sequence[int], *, rebuilt: bool) -> dict[str, Any]:
    with Store.open(index) as store:
        result: dict[str, Any] = {"articles": store.count()}
    result["bytes"] = {each.name: each.stat().st_size for each in sorted(index.iterdir())}
    result.update(opening(index), **memory(index))
    result["updates"] = {}
    for count in updates:
        # One article is soon written: the median of several.
        runs = [
            beside_a_writer(index, work, count, seed)
            for seed in range(OPENINGS if count == 1 else 1)
        ]
        result["updates"][str(count)] = {
            "seconds": statistics.median(each["update"]["seconds"] for each in runs),
            "bytes": statistics.median(each["update"]["bytes"] for each in runs),
            "peak_mb": max(each["update"]["peak_mb"] for each in runs),
            "answers": runs[-1]["answers"],
        }
    nightly = result["updates"][str(max(updates))]["answers"]
    # Of one process, before and during the update: a busy machine is as busy for both.
    result["slower_beside_writer"] = nightly["p99_ms"] / nightly["quiet_p99_ms"]
    if rebuilt:
        result["rebuild"] = run("rebuild", index)
    result["copy"] = run("copy", index, work / "copied")
    return result


def table(sizes: Mapping[str, Mapping[str, Any]]) -> str:
    """All sizes beside each other, and how each was made."""
    chosen = [sizes[key] for key in sorted(sizes, key=int)]
    rows: list[list[str]] = []

    def row(words: str, aim: str, values: Sequence[str]) -> None:
        rows.append([words, aim, *values])

    def plain(words: str, key: str, form: str) -> None:
        row(words, AIMS.get(key, ""), [form.format(each[key]) for each in chosen])

    plain("open, seconds", "open_seconds", "{:.3f}")
    plain("open and first answer, seconds", "first_answer_seconds", "{:.3f}")
    plain("open the search files and search, seconds", "search_files_seconds", "{:.2f}")
    plain("the same, first time on a machine", "search_files_unread_seconds", "{:.2f}")
    plain("private heap of a reader, MB", "heap_mb", "{:.0f}")
    plain("one reader, mapped files, MB (PSS)", "one_reader_files_mb", "{:.0f}")
    plain("mapped files of four readers over those of one", "four_readers_files", "{:.2f}")
    plain("related(id), quiet, p50 ms", "p50_ms", "{:.2f}")
    plain("related(id), quiet, p99 ms", "p99_ms", "{:.2f}")
    plain("p99 beside the largest update, times the quiet", "slower_beside_writer", "{:.1f}")
    counts = sorted({count for each in chosen for count in each["updates"]}, key=int)
    for count in counts:
        found = [each["updates"].get(count) for each in chosen]
        words = (
            "an update of 1 article" if count == "1" else f"an update of {int(count):,} articles"
        )
        row(f"{words}, seconds", "", [f"{x['seconds']:.2f}" if x else "" for x in found])
        row("… MB written", "", [f"{x['bytes'] / 1e6:.1f}" if x else "" for x in found])
        row("… p99 ms of answers meanwhile", "",
            [f"{x['answers']['p99_ms']:.2f}" if x else "" for x in found])  # fmt: skip
    for kind in ("rebuild", "copy"):
        times = [each.get(kind) or {} for each in chosen]
        row(f"{kind}, seconds", "", [f"{x['seconds']:.0f}" if x else "" for x in times])
    heads = ["", "aim", *(f"{each['articles_at_first']:,} articles" for each in chosen)]
    commands = "\n".join(f"- `{each['command']}`" for each in chosen)
    return f"{markdown(heads, rows)}\nOne command a size:\n\n{commands}\n"


@contextmanager
def work_folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def prepared(source: Path, work: Path, articles: int | None) -> Path:
    """A folder that may be changed: a copy, or a synthetic index that is kept for other runs."""
    index = work / "index"
    shutil.rmtree(index, ignore_errors=True)
    shutil.rmtree(work / "copied", ignore_errors=True)
    if articles is None:
        shutil.copytree(source, index)
        return index
    kept = work / f"synthetic-{articles}"
    if not kept.is_dir():
        making = kept.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        start = time.perf_counter()
        make_index(source, making, articles)
        making.rename(kept)
        print(f"made in {time.perf_counter() - start:.0f} s", flush=True)
    shutil.copytree(kept, index)
    return index


CHILDREN = {
    "open": lambda index: child_open(Path(index)),
    "reader": lambda index: child_reader(Path(index)),
    "answers": lambda index, stop: child_answers(Path(index), Path(stop)),
    "update": lambda index, count, seed: child_update(Path(index), int(count), int(seed)),
    "rebuild": lambda index: child_rebuild(Path(index)),
    "copy": lambda index, target: child_copy(Path(index), Path(target)),
}


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(CHILDREN[sys.argv[2]](*sys.argv[3:])), flush=True)
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("index", type=Path)
    parser.add_argument("--articles", type=int, help="Size of a synthetic index.")
    parser.add_argument("--work", type=Path, help="Folder for copies, on a real disk.")
    parser.add_argument("--updates", type=int, nargs="+", default=[1, 100, 10_000])
    parser.add_argument("--skip-rebuild", action="store_true", help="It takes the longest.")
    given = parser.parse_args()
    with work_folder(given.work) as work:
        os.environ["XDG_CACHE_HOME"] = str(work / f"cache-{os.getpid()}")
        index = prepared(given.index, work, given.articles)
        with Store.open(index) as store:
            at_first = store.count()
        rebuilt = given.articles is None and not given.skip_rebuild
        result = measure(index, work, given.updates, rebuilt=rebuilt)
        shutil.rmtree(index)
        shutil.rmtree(work / "copied", ignore_errors=True)
        shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)
    result |= {"articles_at_first": at_first, "command": command()}
    file = RESULTS / "operations.json"
    sizes = json.loads(file.read_text())["sizes"] if file.is_file() else {}
    sizes[str(at_first)] = result
    save("operations", {"sizes": sizes}, table(sizes))


if __name__ == "__main__":
    main()

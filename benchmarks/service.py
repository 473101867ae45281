"""The HTTP service under load, beside an endpoint of the same stack that does nothing.

    python -m benchmarks.service INDEX

INDEX is an index over zh_news; it is copied, never changed. Needs wrk (Debian's package) and the
extra `serve`. Two workers answer 1, 2 and 8 clients: related lists of ids that were not asked
before, related lists that are kept, and the check of drafts before publishing, with the model and
without. In the same run a FastAPI endpoint that does nothing, on the same server with as many
workers. Then: how long after the answer to a PUT another worker shows the change, and what memory
the processes take. The load makers share the cores with the service.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
from fastapi import FastAPI

from benchmarks.common import markdown, save
from recommender import Recommender
from recommender.store import Store

CLIENTS = (1, 2, 8)
WORKERS = 2
TOKEN = "of-the-benchmark-0123456789"  # noqa: S105 - not a secret
KEPT = 100
DRAFTS = 4_000
PUTS = 40
AIMS = {"new": 1_500, "new_p99_ms": 15, "kept_share": 0.6, "visible_ms": 50}
SETTINGS = "[serve]\nembeddings_per_minute = 1000000\nqueue = 64\n"
PATIENCE = 120.0

nothing = FastAPI()


@nothing.get("/nothing")
async def do_nothing() -> dict[str, str]:
    return {"status": "ok"}


# Requests in turn, from a file with a path, and a body where there is one, on each line; the
# summary as one line of JSON.
SCRIPT = """
local entries = {}
for line in io.lines(os.getenv("ENTRIES")) do entries[#entries + 1] = line end
local body = os.getenv("BODY") == "1"
local token = os.getenv("TOKEN")
local place = tonumber(os.getenv("START"))
request = function()
  local entry = entries[place % #entries + 1]
  place = place + 1
  if not body then return wrk.format("GET", entry) end
  local path, content = entry:match("^(%S+) (.*)$")
  return wrk.format("POST", path, {
    ["Authorization"] = "Bearer " .. token, ["Content-Type"] = "application/json"
  }, content)
end
done = function(summary, latency, requests)
  io.write(string.format(
    'JSON {"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "errors": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, summary.errors.status + summary.errors.connect
      + summary.errors.read + summary.errors.timeout))
end
"""


@contextmanager
def running(command: Sequence[str], folder: Path, ready: str) -> Iterator[tuple[int, str]]:
    """A server: its process, and its address once it says so."""
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={
                **{name: each for name, each in os.environ.items() if name != "OMP_NUM_THREADS"},
                "RECOMMENDER_TOKEN": TOKEN,
                "PYTHONPATH": str(Path(__file__).parent.parent),
            },
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(ready, log.read_text(encoding="utf-8"))):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(log.read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield process.pid, found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def load(
    url: str, entries: Path, work: Path, *, clients: int, seconds: float, start: int, body: bool
) -> dict[str, float]:
    """What wrk measures; one thread of it makes all the requests."""
    script = work / "requests.lua"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        ["wrk", "-t1", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "30s", "-s", script, url],  # noqa: S607
        env={
            **os.environ,
            "ENTRIES": str(entries),
            "BODY": "1" if body else "0",
            "TOKEN": TOKEN,
            "START": str(start),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(each for each in done.stdout.splitlines() if each.startswith("JSON "))
    figures: dict[str, float] = json.loads(line.removeprefix("JSON "))
    if figures["errors"]:
        raise SystemExit(f"{figures['errors']} requests went wrong:\n{done.stdout}")
    figures["per_second"] = figures["requests"] / figures["seconds"]
    return figures


def processor_seconds(pids: Sequence[int]) -> float:
    """Seconds that processes have computed."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / ticks


def below(pid: int) -> list[int]:
    """Processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def children(pid: int) -> dict[str, list[int]]:
    """Processes of a server by their kind."""
    found: dict[str, list[int]] = {"worker": [], "embedding": []}
    for each in below(pid):
        words = Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")
        for kind, pids in found.items():
            if kind.encode() in words:
                pids.append(each)
    return found


def memory_mb(pid: int) -> dict[str, float]:
    """What a process holds: all of it, and its share of what several hold."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {
        name.lower(): int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[1]) / 1_000  # type: ignore[index]
        for name in ("Rss", "Pss")
    }


def entries_of(index: Path, work: Path) -> dict[str, Path]:
    """Files of requests: every article once, a few, and drafts that are close to articles."""
    generator = np.random.default_rng(5)
    with Store.open(index) as store, store.snapshot():
        rows = generator.permutation(store.rows())
        cards = store.cards(rows.tolist())
        texts = store.documents(rows[:DRAFTS].tolist())
    paths = [f"/articles/{quote(cards[row].id, safe='')}/related" for row in rows.tolist()]
    drafts = []
    for number, document in enumerate(texts.values()):
        # A sentence less and a few words more than what was published.
        text = document.text.partition("。")[2] or document.text
        article = {"title": document.card.title, "body": f"{text}\n第{number}次修改后发布。"}
        drafts.append(json.dumps({"article": article}, ensure_ascii=False).replace("\n", "\\n"))
    lines = {
        "new": paths,
        "kept": paths[:KEPT],
        "drafts": [f"/near-duplicates {each}" for each in drafts],
        "lexical": [f"/near-duplicates?lexical=1 {each}" for each in drafts],
        "nothing": ["/nothing"],
    }
    files = {}
    for name, each in lines.items():
        files[name] = work / f"{name}.txt"
        files[name].write_text("\n".join(each) + "\n", encoding="utf-8")
    return files


def measure_load(
    url: str,
    idle: str,
    workers: Sequence[int],
    idlers: Sequence[int],
    files: Mapping[str, Path],
    work: Path,
    seconds: float,
) -> dict[str, Any]:
    """All kinds of requests with all numbers of clients, side by side."""
    total = sum(1 for _ in files["new"].open(encoding="utf-8"))
    result: dict[str, Any] = {}
    start = {"drafts": 0, "lexical": 0}
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        for clients in CLIENTS:
            figures: dict[str, Any] = {}
            for kind in ("nothing", "new", "kept", "drafts", "lexical"):
                if kind == "new":
                    # What was kept is dropped, so that every id is new again.
                    put(client, "benchmark", clients)
                if kind == "kept":
                    load(url, files[kind], work, clients=8, seconds=2, start=0, body=False)
                asked = idlers if kind == "nothing" else workers
                before = processor_seconds(asked)
                figures[kind] = load(
                    idle if kind == "nothing" else url,
                    files[kind],
                    work,
                    clients=clients,
                    seconds=seconds,
                    start=start.get(kind, 0),
                    body=kind in start,
                )
                spent = processor_seconds(asked) - before
                figures[kind]["worker_ms"] = 1_000 * spent / figures[kind]["requests"]
                if kind in start:
                    start[kind] += int(figures[kind]["requests"])
                if kind == "new" and figures[kind]["requests"] > total:
                    raise SystemExit("ids were asked twice; take fewer --seconds")
                print(clients, kind, figures[kind], flush=True)
            result[str(clients)] = figures
    return result


def put(client: httpx.Client, article_id: str, number: int) -> str:
    """Replace an article; the version of the index afterwards."""
    body = f"基准测试的第{number}篇短文，讲的是城市里一座新桥的建设。" * 6
    answer = client.put(f"/articles/{article_id}", json={"title": f"短文{number}", "body": body})
    answer.raise_for_status()
    return str(answer.json()["index_version"])


def measure_visibility(url: str) -> dict[str, float]:
    """Milliseconds from the answer to a PUT until another worker shows it, its request included."""
    clients: dict[str, httpx.Client] = {}
    while len(clients) < WORKERS:
        client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"})
        clients[worker_of(client.get("/healthz"))] = client
    writer, reader = clients.values()
    waits, first, spent = [], 0, []
    for number in range(PUTS):
        begun = time.perf_counter()
        version = put(writer, "benchmark", 1_000 + number)
        answered = time.perf_counter()
        spent.append(1_000 * (answered - begun))
        asked = 0
        while True:
            asked += 1
            answer = reader.get("/articles/benchmark/related")
            if answer.json()["index_version"] == version:
                break
        waits.append(1_000 * (time.perf_counter() - answered))
        first += asked == 1
    for client in clients.values():
        client.close()
    return {
        "puts": PUTS,
        "seen_by_the_first_request": first,
        "p50_ms": statistics.median(waits),
        "max_ms": max(waits),
        "put_p50_ms": statistics.median(spent),
    }


def worker_of(answer: httpx.Response) -> str:
    return answer.headers["x-request-id"].split("-")[1]


def measure(index: Path, work: Path, seconds: float) -> dict[str, Any]:
    files = entries_of(index, work)
    (work / "recommender.toml").write_text(SETTINGS, encoding="utf-8")
    idle = work / "idle"
    idle.mkdir()
    serve = [sys.executable, "-m", "recommender", "serve", "-i", str(index), "--port", "0"]
    server = [sys.executable, "-m", "uvicorn", "benchmarks.service:nothing", "--port", "0"]
    with (
        running([*serve, "--workers", str(WORKERS)], work, r"at (http://\S+)") as (pid, url),
        running(
            [*server, "--workers", str(WORKERS), "--no-access-log"], idle, r"on (http://\S+)"
        ) as (idler, other),
    ):
        wait_for_model(url)
        result: dict[str, Any] = {
            "busy_at_first": os.getloadavg()[0],
            "clients": measure_load(
                url, other, children(pid)["worker"], below(idler), files, work, seconds
            ),
            "visible": measure_visibility(url),
        }
        found = children(pid)
        result["memory_mb"] = {
            "worker": [memory_mb(each) for each in found["worker"]],
            "embedding": memory_mb(found["embedding"][0]),
        }
    return result


def wait_for_model(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while httpx.get(f"{url}/readyz").json()["model"] != "ready":
        if time.monotonic() > deadline:
            raise SystemExit("the model does not load")
        time.sleep(0.2)


NAMES = {
    "new": "related by id, not asked before",
    "kept": "related by id, kept",
    "nothing": "an endpoint that does nothing",
    "drafts": "near-duplicates of a draft",
    "lexical": "near-duplicates of a draft, without the model",
}


def table(result: Mapping[str, Any], articles: int) -> str:
    rows = []
    for kind, name in NAMES.items():
        row = [name]
        for clients in CLIENTS:
            figures = result["clients"][str(clients)][kind]
            rate = figures["per_second"]
            shown = f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"
            row.append(f"{shown}/s, {figures['p50_ms']:.1f} / {figures['p99_ms']:.1f} ms")
        rows.append(row)
    most = result["clients"][str(max(CLIENTS))]
    share = most["kept"]["per_second"] / most["nothing"]["per_second"]
    visible, memory = result["visible"], result["memory_mb"]
    workers = memory["worker"]
    figures_of = [
        ["new ids, 8 clients, a second", f"≥ {AIMS['new']:,}", f"{most['new']['per_second']:,.0f}"],
        ["… p99, ms", f"≤ {AIMS['new_p99_ms']}", f"{most['new']['p99_ms']:.1f}"],
        ["… worker's processor time of one, ms", "", f"{most['new']['worker_ms']:.2f}"],
        ["kept, share of doing nothing", f"≥ {AIMS['kept_share']:.0%}", f"{share:.0%}"],
        [
            "… processor time of one kept, of one that does nothing, ms",
            "",
            f"{most['kept']['worker_ms']:.3f}, {most['nothing']['worker_ms']:.3f}",
        ],
        [
            "a PUT seen in another worker, ms after its answer, median / most",
            f"≤ {AIMS['visible_ms']}",
            f"{visible['p50_ms']:.1f} / {visible['max_ms']:.1f}",
        ],
        ["the PUT itself, ms", "", f"{visible['put_p50_ms']:.0f}"],
        [
            "memory of a worker, MB, all / its share",
            "",
            " / ".join(f"{max(each[kind] for each in workers):.0f}" for kind in ("rss", "pss")),
        ],
        ["memory of the embedding process, MB", "", f"{memory['embedding']['rss']:.0f}"],
    ]
    return (
        f"{articles:,} articles, {WORKERS} workers on {os.cpu_count()} cores, which wrk shares; "
        "requests a second, median / 99th percentile.\n\n"
        + markdown(["", *(f"{each} client{'s' * (each > 1)}" for each in CLIENTS)], rows)
        + "\n"
        + markdown(["", "aim", "measured"], figures_of)
        + f"\nOther work on the machine when it began: {result['busy_at_first']:.1f} processes "
        "(load average).\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("index", type=Path)
    parser.add_argument("--seconds", type=float, default=8.0, help="Of each measurement.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        index = work / "index"
        shutil.copytree(given.index, index)
        with Recommender.open(index) as opened:
            articles = len(opened)
        result = measure(index, work, given.seconds)
    save("service", {"articles": articles, **result}, table(result, articles))


if __name__ == "__main__":
    main()

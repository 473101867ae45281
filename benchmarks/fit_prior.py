"""Fit the background of the bundled model: the mean vector of each language.

Writes numbers into `recommender/data`, no texts. Run from the project's root:

    python -m benchmarks.fit_prior DATA
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.common import NOW, as_article, read_lines, show_progress
from recommender.config import IndexOptions
from recommender.embedders import load_embedder
from recommender.embedding import embed
from recommender.indexing import clean_article, make_recipe, prepare
from recommender.records import Article
from recommender.store import Pending

# Articles of a set, taken evenly over it; how many of each language are enough for a mean.
SETS = {
    "zh_news/articles.jsonl.gz": 1_500,
    "en_bbc/articles.jsonl.gz": 300,
    "en_agnews_test/articles.jsonl.gz": 300,
    "multi_semeval2022_t8/articles.jsonl.gz": 3_000,
}
LEAST = 50
TARGET = Path(__file__).parent.parent / "recommender" / "data" / "e5-small-q4-prior.json"


def articles_of(data: Path) -> Iterator[Article]:
    for name, wanted in SETS.items():
        records = read_lines(data / name)
        step = max(1, len(records) // wanted)
        for record in records[::step][:wanted]:
            article = as_article({**record, "id": f"{name}:{record['id']}"})
            if len(article.body) >= 200:
                yield article


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of the data sets")
    arguments = parser.parse_args()
    embedder = load_embedder()
    cleaned = [clean_article(each) for each in articles_of(arguments.data)]
    prepared = prepare(cleaned, make_recipe(cleaned, IndexOptions()), NOW)
    with (
        tempfile.TemporaryDirectory() as folder,
        Pending.open(Path(folder) / "cache", embedder="prior") as pending,
    ):
        made, _ = embed(prepared, embedder, pending, show_progress)
    languages = np.array([each.card.language for each in prepared])
    vectors = np.stack([made[each.input_digest] for each in prepared]).astype(np.float64)
    means = {
        str(language): vectors[languages == language].mean(axis=0)
        for language in np.unique(languages)
        if (languages == language).sum() >= LEAST
    }
    counts = {language: int((languages == language).sum()) for language in means}
    result = {
        "fingerprint": embedder.identity.fingerprint,
        "fitted_by": "python -m benchmarks.fit_prior",
        "counts": counts,
        "languages": {name: np.round(mean, 5).tolist() for name, mean in means.items()},
        # Every language counts once, so that it stands for one that is not here.
        "other": np.round(np.mean(list(means.values()), axis=0), 5).tolist(),
    }
    TARGET.write_text(json.dumps(result, separators=(",", ":")) + "\n", encoding="utf-8")
    print(counts)


if __name__ == "__main__":
    main()

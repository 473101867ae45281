"""The sample corpus of the demonstration: short articles on which every verdict has cases.

Written for this package; companies, towns and officials in it are made up, or stand for facts
that were in the news.
"""

from __future__ import annotations

import json
from datetime import datetime
from importlib import resources

from recommender.records import Article


def sample_articles() -> list[Article]:
    """The articles, in the order of the file."""
    file = resources.files("recommender") / "data" / "sample.jsonl"
    articles = []
    for line in file.read_text("utf-8").splitlines():
        record = json.loads(line)
        articles.append(Article(**{**record, "date": datetime.fromisoformat(record["date"])}))
    return articles

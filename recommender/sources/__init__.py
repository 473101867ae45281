"""Where articles come from: files of JSON lines or CSV, compressed or not, and standard input.

Also labels of pairs, from spreadsheets, and editors' decisions, from a JSON file.
"""

from recommender.sources.dates import parse_date
from recommender.sources.decisions import read_decisions
from recommender.sources.fields import Problem
from recommender.sources.files import read_articles, read_draft
from recommender.sources.labels import LabelFile, read_labels

__all__ = [
    "LabelFile",
    "Problem",
    "parse_date",
    "read_articles",
    "read_decisions",
    "read_draft",
    "read_labels",
]

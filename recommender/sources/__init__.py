"""Where articles come from: files of JSON lines or CSV, compressed or not, and standard input."""

from recommender.sources.dates import parse_date
from recommender.sources.fields import Problem
from recommender.sources.files import read_articles, read_draft

__all__ = ["Problem", "parse_date", "read_articles", "read_draft"]

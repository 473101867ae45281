"""Where articles and labels come from: files of JSON lines or CSV, and standard input."""

from recommender.sources.dates import parse_date
from recommender.sources.fields import Problem
from recommender.sources.files import read_articles, read_draft
from recommender.sources.labels import LabelFile, read_labels

__all__ = ["LabelFile", "Problem", "parse_date", "read_articles", "read_draft", "read_labels"]

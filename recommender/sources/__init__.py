"""Where articles come from: files, databases, pages and feeds, each a `Source`.

Also labels of pairs, from spreadsheets, and editors' decisions, from a JSON file.
"""

from recommender.sources.dates import parse_date
from recommender.sources.decisions import read_decisions
from recommender.sources.fields import Problem
from recommender.sources.files import read_articles, read_draft
from recommender.sources.labels import LabelFile, read_labels
from recommender.sources.opening import Surroundings, open_source, open_sources
from recommender.sources.source import Addressed, OnProblem, Sited, Source

__all__ = [
    "Addressed",
    "LabelFile",
    "OnProblem",
    "Problem",
    "Sited",
    "Source",
    "Surroundings",
    "open_source",
    "open_sources",
    "parse_date",
    "read_articles",
    "read_decisions",
    "read_draft",
    "read_labels",
]

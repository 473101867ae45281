"""Related articles and near-duplicates for publishers."""

__version__ = "0.1.0"

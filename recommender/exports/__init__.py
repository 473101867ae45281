"""Related lists on their way back to the page: JSON files, one JSON, or a table of a database.

Each kind writes only what differs, and a reader finds every list whole at any moment. What a
list holds is decided elsewhere; nothing here looks into an index.
"""

from recommender.exports.changes import Change, ChangeLog, Outcome
from recommender.exports.entries import SCHEMA_VERSION, Entry, entries
from recommender.exports.guarding import Guarded
from recommender.exports.naming import file_name
from recommender.exports.targets import Target, open_target

__all__ = [
    "SCHEMA_VERSION",
    "Change",
    "ChangeLog",
    "Entry",
    "Guarded",
    "Outcome",
    "Target",
    "entries",
    "file_name",
    "open_target",
]

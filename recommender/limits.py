"""How much of what is given from outside is taken: limits with defaults, each one a setting.

They guard memory and time against input that is hostile or damaged. An error that a limit causes
names it. What the format of an index sets (the length of an id or a title) is no setting.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from recommender.errors import ConfigError
from recommender.records import MAX_BODY_LENGTH

_LARGEST = 1 << 40
# In JSON a character may be written with six.
_LONGEST_ESCAPE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is taken of each kind of input.

    Parameters
    ----------
    body_length : int
        Characters of a body; at most 20,000,000, which is what an `Article` can hold.
    extra_length : int
        Characters of the further fields of an article, written as JSON.
    articles : int
        Articles of one file.
    expansion : int
        How many times its size a compressed file may unpack to, once it has unpacked to 100 MB.
    page_length, feed_length : int
        Bytes of an HTML page, and of a feed.
    decisions_length, labels_length : int
        Bytes of a file of decisions, and of a file of labels.

    Raises
    ------
    ConfigError
        If one is not a whole number from 1 on.
    """

    body_length: int = 5_000_000
    extra_length: int = 1_000_000
    articles: int = 20_000_000
    expansion: int = 200
    page_length: int = 5_000_000
    feed_length: int = 20_000_000
    decisions_length: int = 50_000_000
    labels_length: int = 200_000_000

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            most = MAX_BODY_LENGTH if each.name == "body_length" else _LARGEST
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise ConfigError(
                    f"[limits] {each.name} must be a whole number from 1 to {most:,}, "
                    f"not {value!r:.60}"
                )

    @property
    def record_length(self) -> int:
        """Bytes of one line of JSON, or characters of one row of a table: an article fits in."""
        return _LONGEST_ESCAPE * (self.body_length + self.extra_length) + 100_000


def named(limit: str) -> str:
    """What an error says of the limit that caused it."""
    return f"[limits] {limit} in recommender.toml changes that"

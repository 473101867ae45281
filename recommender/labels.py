"""What a person said of a pair of articles, and the pairs put before a person.

A grade goes from 0 (unrelated) to 4 (same text). Some labels say less than a grade: "yes, a
near-duplicate" is 3 or 4. A label is therefore a range of grades, and answers a question about
a cut with yes, no, or nothing. Knows neither files nor the index.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from recommender.errors import LabelError
from recommender.records import Card, Evidence, Relation, Verdict

LOWEST_GRADE, HIGHEST_GRADE = 0, 4
# The least grade on the upper side of each cut, weakest cut first.
CUT_GRADES: Mapping[str, int] = {"related": 2, "same_story": 3, "same_text": 4}

_YES, _NO = (3, 4), (0, 2)
_RANGES: Mapping[str, tuple[int, int]] = {
    **{str(grade): (grade, grade) for grade in range(LOWEST_GRADE, HIGHEST_GRADE + 1)},
    "yes": _YES,
    "no": _NO,
}
_WORDS: Mapping[str, str] = {
    "y": "yes",
    "n": "no",
    "same-text": "4",
    "same-story": "3",
    "related": "2",
    "unrelated": "0",
    "是": "yes",
    "否": "no",
    "不是": "no",
    "同文": "4",
    "同事件": "3",
    "相关": "2",
    "无关": "0",
}
LABEL_WORDS = (
    "0 to 4, same-text, same-story, related, unrelated, yes, no, 同文, 同事件, 相关, 无关, 是 or 否"
)
_MAX_ORIGIN = 200
# No word that a person writes as a label is longer; the rest of a cell is not looked at.
_LONGEST_WORD = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What one person said of one pair.

    Parameters
    ----------
    first, second : str
        Ids of two different articles; kept with the smaller id first.
    least, most : int
        The range of grades it allows: one grade from 0 to 4, or 3 to 4 ("yes, near-duplicates")
        or 0 to 2 ("no").
    weight : float or None
        How many pairs of the index it stands for; see `PairToLabel`.
    origin : str
        Whose label it is. A pair has one label of each origin.
    labelled_at : datetime or None
        When it was put into the index.
    first_digest, second_digest : bytes
        Of title and body when it was put into the index; empty before.

    Raises
    ------
    LabelError
        If the ids are equal or empty, or another value is out of range.
    """

    first: str
    second: str
    least: int
    most: int
    weight: float | None = None
    origin: str = ""
    labelled_at: datetime | None = None
    first_digest: bytes = b""
    second_digest: bytes = b""

    def __post_init__(self) -> None:
        if not (isinstance(self.first, str) and isinstance(self.second, str)):
            raise LabelError("a label needs the ids of two articles, as text")
        if not self.first or not self.second or self.first == self.second:
            raise LabelError(
                f"a label needs two different articles, not {self.first!r:.60} and "
                f"{self.second!r:.60}"
            )
        if (self.least, self.most) not in _RANGES.values():
            raise LabelError(
                f"a label is one grade from 0 to 4, yes (3 to 4) or no (0 to 2), not "
                f"{self.least!r:.20} to {self.most!r:.20}"
            )
        if self.weight is not None:
            object.__setattr__(self, "weight", checked_weight(self.weight))
        if not isinstance(self.origin, str) or len(self.origin) > _MAX_ORIGIN:
            raise LabelError(f"the origin of a label must be text of at most {_MAX_ORIGIN} letters")
        if self.first > self.second:
            for name, value in (
                ("first", self.second),
                ("second", self.first),
                ("first_digest", self.second_digest),
                ("second_digest", self.first_digest),
            ):
                object.__setattr__(self, name, value)

    @classmethod
    def of(
        cls,
        first: str,
        second: str,
        value: int | str,
        *,
        weight: float | None = None,
        origin: str = "",
    ) -> Label:
        """A label from a grade or a word, as a person writes it.

        Raises
        ------
        LabelError
            If the value is none of those that `LABEL_WORDS` names, or as for the class.
        """
        least, most = _RANGES[_known(value)]
        return cls(first=first, second=second, least=least, most=most, weight=weight, origin=origin)

    @property
    def value(self) -> str:
        """The grade as a digit, or "yes" or "no"."""
        return next(name for name, each in _RANGES.items() if each == (self.least, self.most))

    def says(self, cut: str) -> bool | None:
        """Whether the pair lies at or above a cut ("related", "same_story", "same_text").

        `None` when the label does not say.
        """
        grade = CUT_GRADES[cut]
        if self.least >= grade:
            return True
        return False if self.most < grade else None


def _known(value: int | str) -> str:
    """The name in `_RANGES` of what a person wrote."""
    word = unicodedata.normalize("NFKC", str(value)[:_LONGEST_WORD]).strip().casefold()
    word = re.sub(r"[\s_-]+", "-", word)
    # A spreadsheet may make 3 into 3.0.
    word = word.removesuffix(".0")
    word = _WORDS.get(word, word)
    if isinstance(value, bool) or word not in _RANGES:
        raise LabelError(f"{value!r:.60} is no label; write {LABEL_WORDS}")
    return word


def checked_weight(weight: float) -> float:
    """The weight, if it is a finite number above 0.

    Raises
    ------
    LabelError
        If it is not.
    """
    if isinstance(weight, bool) or not isinstance(weight, (int, float)):
        raise LabelError(f"the weight of a label must be a number, not {weight!r:.60}")
    if not (math.isfinite(weight) and weight > 0):
        raise LabelError(f"the weight of a label must be above 0, not {weight}")
    return float(weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairToLabel:
    """Two articles put before a person.

    Attributes
    ----------
    first, second : Card
        `first` has the smaller id.
    similarity : float
    verdict : Verdict
    relation : Relation
    evidence : Evidence
        With the facts that agree and those that differ.
    first_beginning, second_beginning : str
        Where the texts begin, on one line.
    weight : float
        How many pairs of its stratum (a narrow band of similarity) it stands for: those there
        are over those that were drawn. Estimates weighted with it hold for all candidate pairs
        between the two similarities that were asked for.
    """

    first: Card
    second: Card
    similarity: float
    verdict: Verdict
    relation: Relation
    evidence: Evidence
    first_beginning: str
    second_beginning: str
    weight: float

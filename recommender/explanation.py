"""The values of an explanation: why two articles are as close as a comparison says.

All are frozen and plain. Offsets count characters of the texts shown in an `Explanation`: the
bodies without HTML and boilerplate, in their own script.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recommender.records import Comparison

Part = Literal[
    "meaning",
    "wording",
    "titles",
    "telling",
    "facts",
    "dates",
    "language",
    "missing",
]
Cut = Literal["related", "same_story", "same_text"]
Rule = Literal["equal", "near_empty", "no_evidence", "short", "language", "part", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A run of text that both articles have, up to case, width, script and punctuation.

    Attributes
    ----------
    first_start, first_end, second_start, second_end : int
        Where it stands in the two texts shown; ends are exclusive.
    text : str
        As it stands in the first.
    """

    first_start: int
    first_end: int
    second_start: int
    second_end: int
    text: str

    @property
    def length(self) -> int:
        """Characters in the first text."""
        return self.first_end - self.first_start


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of one text; `end` is exclusive."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A place where a sentence was changed; an empty text means: left out, or put in.

    Attributes
    ----------
    first_start, first_end, second_start, second_end : int
        Where the changed words stand in the two texts shown.
    first, second : str
        The words there.
    """

    first_start: int
    first_end: int
    second_start: int
    second_end: int
    first: str
    second: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedSentence:
    """A sentence that both texts have, and what was changed in it."""

    first: Sentence
    second: Sentence
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one part of the evidence adds to the log-odds of a cut.

    Attributes
    ----------
    part : {"meaning", "wording", "titles", "telling", "facts", "dates", "language", \
"missing"}
        "telling" is how much of one article's headline and lead the other tells; "missing" what
        the absence of evidence changes.
    log_odds : float
        Against a plain background: two articles of one language that have nothing in common.
        Above 0 speaks for the cut.
    """

    part: Part
    log_odds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """How the evidence adds up for the cut that decides a pair.

    Attributes
    ----------
    cut : {"related", "same_story", "same_text"}
        The closest cut that the pair passes; "related" where it passes none.
    background : float
        Log-odds of the cut for two articles that have nothing in common.
    contributions : tuple of Contribution
        Every part once, in a fixed order. Together with the background they are `log_odds`.
    log_odds : float
        Of the cut; 0 are even odds.
    by_evidence : float
        The similarity that the evidence gives, before rules.
    rule : str
        What raised or capped it; empty when nothing did. "equal": equal texts; "near_empty":
        next to no text; "no_evidence": nothing to compare; "short": too short a text to be the
        same; "language": another language; "part": far shorter than the other; else "other".
    """

    cut: Cut
    background: float
    contributions: tuple[Contribution, ...]
    log_odds: float
    by_evidence: float
    rule: Rule | Literal[""] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why two articles are as close as they are.

    Attributes
    ----------
    comparison : Comparison
        Similarity, verdict, relation and evidence.
    waterfall : Waterfall
    first_text, second_text : str
        The texts that were compared: without HTML and boilerplate, in their own script.
    passages : tuple of Passage
        What both have, by its place in the first text. No character is in two of them.
    edited : tuple of EditedSentence
        Sentences that both have with changes, by their place in the first text.
    only_first, only_second : tuple of Sentence
        Sentences of which the other text has less than half, and none that is nearly equal.
    shared_facts, only_first_facts, only_second_facts : tuple of str
        Numbers, dates and names that both have, or only one.
    contradicting_facts : tuple of (str, str)
        Figures and names that differ within a sentence, or a headline, that both have: of the
        first, of the second.
    """

    comparison: Comparison
    waterfall: Waterfall
    first_text: str
    second_text: str
    passages: tuple[Passage, ...]
    edited: tuple[EditedSentence, ...]
    only_first: tuple[Sentence, ...]
    only_second: tuple[Sentence, ...]
    shared_facts: tuple[str, ...]
    only_first_facts: tuple[str, ...]
    only_second_facts: tuple[str, ...]
    contradicting_facts: tuple[tuple[str, str], ...]

    @property
    def first_share(self) -> float:
        """Share of the first text that is in shared passages, 0 to 1."""
        covered = sum(each.first_end - each.first_start for each in self.passages)
        return covered / len(self.first_text) if self.first_text else 0.0

    @property
    def second_share(self) -> float:
        """Share of the second text that is in shared passages, 0 to 1."""
        covered = sum(each.second_end - each.second_start for each in self.passages)
        return covered / len(self.second_text) if self.second_text else 0.0

"""The values that travel through the package: articles in, matches and evidence out.

All are frozen; none knows about files, databases, models or the clock. Scores are
similarities from 0 to 1, higher is closer. Times are aware and in UTC: a time without a
zone is taken as UTC, because a source that knows its zone has attached it already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Any, Literal, overload

from recommender.errors import ArticleError, ConfigError

Access = Literal["public", "members", "hidden"]
DecisionKind = Literal["duplicate", "distinct"]
# What is to be done about duplicates; nothing was said where it is empty.
Treatment = Literal["", "merge", "keep"]
ACCESS_LEVELS: tuple[Access, ...] = ("public", "members", "hidden")

MAX_ID_LENGTH = 512
MAX_FIELD_LENGTH = 8_192
MAX_BODY_LENGTH = 20_000_000


class Verdict(str, Enum):
    """What an editor should make of a pair, from closest to farthest."""

    SAME_TEXT = "same-text"
    SAME_STORY = "same-story"
    RELATED = "related"
    UNRELATED = "unrelated"

    __str__ = str.__str__

    @property
    def is_near_duplicate(self) -> bool:
        """Whether only one of the two belongs in a list."""
        return self in (Verdict.SAME_TEXT, Verdict.SAME_STORY)


class Relation(str, Enum):
    """How the first text of a pair stands to the second, beside the verdict."""

    COPY = "copy"
    CONTAINS = "contains"
    CONTAINED_IN = "contained-in"
    TEMPLATE = "template"
    TRANSLATION = "translation"
    OTHER = "other"

    __str__ = str.__str__

    @property
    def reversed(self) -> Relation:
        """The relation read from the second text to the first."""
        if self is Relation.CONTAINS:
            return Relation.CONTAINED_IN
        if self is Relation.CONTAINED_IN:
            return Relation.CONTAINS
        return self


def _utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        return value.replace(tzinfo=timezone.utc)
    return value.astimezone(timezone.utc)


def _utf8(text: str) -> str:
    """Replace lone surrogates, which no file or database can hold."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        # Two halves of a pair become the character they stand for.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a list shows of an article: everything but the text.

    Parameters
    ----------
    id : str
        Identifier, unique in an index; at most 512 characters, none a control character.
    title, url, category, source, site : str
        As the site has them; empty when unknown.
    date : datetime or None
        Publication time. Kept in UTC; a time without a zone is taken as UTC.
    language : str
        Primary language tag ("zh", "en"); empty in an `Article` means: detect it.
    excerpt : bool
        The body is only an excerpt, so its length and what it contains say nothing.
    visible_from, visible_until : datetime or None
        The article is public from the first moment until just before the second.
    access : {"public", "members", "hidden"}
        Only "public" articles are offered to readers.
    extra : mapping
        Further fields, kept as they are; must be representable as JSON.

    Raises
    ------
    ArticleError
        If a field has the wrong type, is too long, or the id is empty or malformed.
    """

    id: str
    title: str = ""
    url: str = ""
    date: datetime | None = None
    category: str = ""
    language: str = ""
    source: str = ""
    site: str = ""
    excerpt: bool = False
    visible_from: datetime | None = None
    visible_until: datetime | None = None
    access: Access = "public"
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        self._check_id()
        for name in ("title", "url", "category", "language", "source", "site"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise ArticleError(
                    f"{name} must be text, not {type(value).__name__}", article_id=self.id
                )
            if len(value) > MAX_FIELD_LENGTH:
                raise ArticleError(
                    f"{name} has {len(value):,} characters, at most {MAX_FIELD_LENGTH:,} are taken",
                    article_id=self.id,
                )
            object.__setattr__(self, name, _utf8(value).replace("\0", " ").strip())
        for name in ("date", "visible_from", "visible_until"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, datetime):
                raise ArticleError(
                    f"{name} must be a datetime, not {type(value).__name__}", article_id=self.id
                )
            try:
                object.__setattr__(self, name, _utc(value))
            except OverflowError:
                object.__setattr__(self, name, None)
        if self.access not in ACCESS_LEVELS:
            raise ArticleError(
                f"access must be one of {', '.join(ACCESS_LEVELS)}, not {self.access!r:.60}",
                article_id=self.id,
            )
        if not isinstance(self.excerpt, bool):
            raise ArticleError(
                f"excerpt must be true or false, not {self.excerpt!r:.60}", article_id=self.id
            )
        if not isinstance(self.extra, Mapping):
            raise ArticleError(
                f"extra must be a mapping, not {type(self.extra).__name__}", article_id=self.id
            )
        object.__setattr__(self, "extra", dict(self.extra))

    @classmethod
    def restored(cls, values: Sequence[Any]) -> Card:
        """A card of values in the order of `CARD_FIELDS` that were a card's before: unchecked."""
        card = object.__new__(cls)
        for name, value in zip(CARD_FIELDS, values, strict=True):
            object.__setattr__(card, name, value)
        return card

    def _check_id(self) -> None:
        if not isinstance(self.id, str):
            raise ArticleError(f"id must be text, not {type(self.id).__name__}")
        if not self.id.strip():
            raise ArticleError("id is empty")
        if len(self.id) > MAX_ID_LENGTH:
            raise ArticleError(
                f"id has {len(self.id):,} characters, at most {MAX_ID_LENGTH} are taken",
                article_id=self.id[:40] + "…",
            )
        if self.id != self.id.strip() or not self.id.isprintable():
            raise ArticleError(
                "id must not begin or end with a space or hold control characters",
                article_id=self.id,
            )

    def is_public(self, now: datetime) -> bool:
        """Whether a reader may see the article at `now` (an aware datetime)."""
        return (
            self.access == "public"
            and (self.visible_from is None or self.visible_from <= now)
            and (self.visible_until is None or now < self.visible_until)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Article(Card):
    """One article as a source gives it: a `Card` and the body, HTML or plain text.

    Only `id` and `body` are required; the body may be empty.

    Raises
    ------
    ArticleError
        As `Card`, and if the body is not text or has more than 20,000,000 characters.
    """

    body: str

    def __post_init__(self) -> None:
        # Zero-argument super() does not work in a slotted dataclass.
        Card.__post_init__(self)
        if not isinstance(self.body, str):
            raise ArticleError(
                f"body must be text, not {type(self.body).__name__}", article_id=self.id
            )
        if len(self.body) > MAX_BODY_LENGTH:
            raise ArticleError(
                f"body has {len(self.body):,} characters, at most {MAX_BODY_LENGTH:,} are taken",
                article_id=self.id,
            )
        object.__setattr__(self, "body", _utf8(self.body))

    @property
    def card(self) -> Card:
        """The same article without its body."""
        return Card(**{name: getattr(self, name) for name in CARD_FIELDS})


CARD_FIELDS: tuple[str, ...] = (
    "id",
    "title",
    "url",
    "date",
    "category",
    "language",
    "source",
    "site",
    "excerpt",
    "visible_from",
    "visible_until",
    "access",
    "extra",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why two articles are as similar as they are. `None` means: cannot be judged.

    Attributes
    ----------
    cosine : float or None
        Cosine of the centred embeddings, -1 to 1; random pairs lie around 0.
    resemblance : float or None
        Jaccard resemblance of the sets of character 5-grams, 0 to 1 (Broder 1997).
    containment : float or None
        Share of the shorter text's character 8-grams that the longer one has, 0 to 1.
    title_overlap : float or None
        Dice coefficient of the titles' character bigrams, 0 to 1.
    fact_overlap : float or None
        Share of the facts (numbers, dates, names) of the article with fewer that both have.
    days_apart : float or None
        Days between the two publication dates; `None` when either is missing or implausible.
    length_ratio : float or None
        Length of the shorter text over that of the longer, 0 to 1.
    same_text, same_title : bool
        Equal after folding of case, width, script and punctuation.
    same_language : bool
        Both articles are in the same language.
    shared_facts, differing_facts : tuple of str or None
        Facts both have; facts of one that the other contradicts. `compare` and `explain` look
        them up; elsewhere they are `None`.
    """

    cosine: float | None = None
    resemblance: float | None = None
    containment: float | None = None
    title_overlap: float | None = None
    fact_overlap: float | None = None
    days_apart: float | None = None
    length_ratio: float | None = None
    same_text: bool = False
    same_title: bool = False
    same_language: bool = True
    shared_facts: tuple[str, ...] | None = None
    differing_facts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An article that was found for another, with how close it is and why.

    Attributes
    ----------
    article : Card
        The article found.
    similarity : float
        Calibrated, 0 to 1, the same scale for every embedder.
    verdict : Verdict
    relation : Relation
        How the article asked about stands to the one found.
    evidence : Evidence
    also_covered : tuple of str
        Ids of near-duplicates of this match that were left out of the list because of it.
    decision : {"duplicate", "distinct"} or None
        What an editor decided about the pair, if one did and it counts.
    """

    article: Card
    similarity: float
    verdict: Verdict
    relation: Relation
    evidence: Evidence
    also_covered: tuple[str, ...] = ()
    decision: DecisionKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """An article that fills a box although it does not match; never mixed with matches.

    Attributes
    ----------
    article : Card
    reason : {"category", "latest"}
        Why it was taken: newest of the same category, or newest of all.
    """

    article: Card
    reason: Literal["category", "latest"]


@dataclass(frozen=True, slots=True)
class MatchList(Sequence[Match]):
    """Matches, best first, and what the list has to say about itself.

    Attributes
    ----------
    matches : tuple of Match
        Ordered as asked for; ties by id.
    own_duplicates : tuple of str
        Ids of near-duplicates of the article asked about; never among the matches of `related`.
    reason : str
        Why there are fewer matches than asked for; empty when there are not.
    filler : tuple of Filler
        Extra articles, only when asked for.
    """

    matches: tuple[Match, ...]
    own_duplicates: tuple[str, ...] = ()
    reason: str = ""
    filler: tuple[Filler, ...] = ()

    @property
    def also_covered(self) -> int:
        """How many near-duplicates were left out because their story is already in the list."""
        return sum(len(match.also_covered) for match in self.matches)

    @overload
    def __getitem__(self, index: int) -> Match: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Match, ...]: ...
    def __getitem__(self, index: int | slice) -> Match | tuple[Match, ...]:
        return self.matches[index]

    def __len__(self) -> int:
        return len(self.matches)

    def __iter__(self) -> Iterator[Match]:
        return iter(self.matches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What `compare` found out about two articles."""

    first: Card
    second: Card
    similarity: float
    verdict: Verdict
    relation: Relation
    evidence: Evidence
    decision: DecisionKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePair:
    """Two articles of one index that are near-duplicates; `first` has the smaller id."""

    first: Card
    second: Card
    similarity: float
    verdict: Verdict
    relation: Relation
    evidence: Evidence
    decision: DecisionKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """Articles that tell one story, every one a near-duplicate of the canonical one.

    Attributes
    ----------
    canonical : Card
        The article to keep.
    members : tuple of Match
        The others, closest first; similarity and evidence are against the canonical one.
    verdict : Verdict
        The weakest verdict of a member against the canonical one.
    weakest : float
        The least similarity of a member to the canonical one.
    loose : int
        Pairs of members that are not near-duplicates of each other, only of the canonical one.
    """

    canonical: Card
    members: tuple[Match, ...]
    verdict: Verdict
    weakest: float
    loose: int = 0

    @property
    def weakest_pair(self) -> tuple[str, str]:
        """Ids of the canonical article and of the member that is least close to it."""
        return self.canonical.id, self.members[-1].article.id

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of all its articles, the canonical one first."""
        return (self.canonical.id, *(match.article.id for match in self.members))


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which articles may be in an answer; empty fields let everything pass.

    Attributes
    ----------
    categories, languages, sources, sites : frozenset of str
        Allowed values.
    after, before : datetime or None
        Published at or after / strictly before; an article without a date fails either.
    exclude : frozenset of str
        Ids to leave out.
    public_at : datetime or None
        Only what a reader may see at this moment; `None` does not look at access.
    """

    categories: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    after: datetime | None = None
    before: datetime | None = None
    exclude: frozenset[str] = frozenset()
    public_at: datetime | None = None

    def __post_init__(self) -> None:
        for name in ("categories", "languages", "sources", "sites", "exclude"):
            value = getattr(self, name)
            if isinstance(value, str):
                raise ConfigError(
                    f"{name} takes a collection of texts, not one text: {value!r:.60}"
                )
            object.__setattr__(self, name, frozenset(value))
        for name in ("after", "before", "public_at"):
            moment = getattr(self, name)
            if moment is not None and not isinstance(moment, datetime):
                raise ConfigError(f"{name} must be a datetime, not {type(moment).__name__}")
            object.__setattr__(self, name, _utc(moment))

    def passes(self, card: Card) -> bool:
        """Whether the article may be in the answer."""
        return (
            (not self.categories or card.category in self.categories)
            and (not self.languages or card.language in self.languages)
            and (not self.sources or card.source in self.sources)
            and (not self.sites or card.site in self.sites)
            and (self.after is None or (card.date is not None and card.date >= self.after))
            and (self.before is None or (card.date is not None and card.date < self.before))
            and card.id not in self.exclude
            and (self.public_at is None or card.is_public(self.public_at))
        )

"""Articles → what an index keeps of them: clean text, what is embedded, sketch, flags.

One recipe, made when the index is built and stored in it, says how: which segments are
boilerplate and on which days dates lie. The same recipe serves every later update and every
draft that is only compared, so that both are measured alike. Knows no files and no model.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_digest, xxh3_128_digest

from recommender.boilerplate import Boilerplate, find_boilerplate
from recommender.config import IndexOptions
from recommender.evidence import COMPARED_LENGTH, NEAR_EMPTY_LENGTH, Comparable, bigrams
from recommender.fact_packing import pack, unpack
from recommender.facts import extract_facts, fact_keys
from recommender.records import CARD_FIELDS, Article, Card
from recommender.shingles import fingerprint_many
from recommender.store import Document, Sketch
from recommender.text import (
    TEXT_RECIPE_VERSION,
    clean,
    clean_title,
    detect_language,
    fold,
    fold_many,
    folded_title_fits,
)

TITLE_MISFIT = 1
NEAR_EMPTY = 2
DATE_IMPLAUSIBLE = 4
TITLE_GENERIC = 8

PROBLEMS: Mapping[int, str] = {
    TITLE_MISFIT: "title does not fit the body",
    NEAR_EMPTY: "next to no text",
    DATE_IMPLAUSIBLE: "suspicious date",
}

# A lead of this many characters fills the token window of any model with room to spare.
LEAD_LENGTH = 4_000
_TITLE_ONLY_LENGTH = 4
# A headline of fewer characters says too little for a body to fit or not.
_JUDGED_TITLE_LENGTH = 8
_GENERIC_COUNT = 5
_BEGINNING = 60
_EARLIEST = datetime.fromisoformat("1980-01-01T00:00:00+00:00")
_LATEST = timedelta(days=2)
_BULK_COUNT = 100
_BULK_SHARE = 0.2
_BULK_FACTOR = 5
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """An article after cleaning, before anything is left out of it."""

    card: Card
    text: str
    content_digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An article ready to be embedded and stored.

    Attributes
    ----------
    card : Card
        With its language filled in.
    text : str
        Clean text, boilerplate included.
    content_digest : bytes
        8 bytes of title and body as given.
    embedding_input : str
        What is embedded; empty when there is nothing to embed.
    compared : str
        The body without boilerplate.
    sketch : Sketch
        With no vector yet.
    """

    card: Card
    text: str
    content_digest: bytes
    embedding_input: str
    compared: str
    sketch: Sketch

    @property
    def input_digest(self) -> bytes:
        """16 bytes of what is embedded."""
        return xxh3_128_digest(self.embedding_input.encode())

    def document(self, vector: NDArray[np.float16] | None) -> Document:
        """The article as it is stored, with its vector."""
        return Document(
            card=self.card,
            text=self.text,
            content_digest=self.content_digest,
            input_digest=self.input_digest,
            sketch=replace(self.sketch, vector=vector),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the texts of one index are treated; fixed until it is rebuilt.

    Attributes
    ----------
    text_version : int
        Version of cleaning and folding.
    boilerplate : Boilerplate
        Segments that are left out of embedding and fingerprints.
    bulk_days : frozenset of int
        Days since 1970 that hold an implausible share of the corpus: imports, not publications.
    generic_titles : frozenset of str
        Folded titles that head many different bodies, as "News in brief" does: they say nothing
        of any of them, and count as no title.
    """

    text_version: int = TEXT_RECIPE_VERSION
    boilerplate: Boilerplate = field(default_factory=Boilerplate)
    bulk_days: frozenset[int] = frozenset()
    generic_titles: frozenset[str] = frozenset()

    def to_dict(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return {
            "text_version": self.text_version,
            "boilerplate": self.boilerplate.to_dict(),
            "bulk_days": sorted(self.bulk_days),
            "generic_titles": sorted(self.generic_titles),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Recipe:
        """Read what `to_dict` wrote."""
        return cls(
            text_version=data["text_version"],
            boilerplate=Boilerplate.from_dict(data["boilerplate"]),
            bulk_days=frozenset(data["bulk_days"]),
            generic_titles=frozenset(data["generic_titles"]),
        )


def clean_article(article: Article) -> Cleaned:
    """Turn HTML or plain text into clean text and fill in the language."""
    text = clean(article.body)
    title = clean_title(article.title)
    language = _primary(article.language) or detect_language(text or title)
    return Cleaned(
        card=replace(article.card, title=title, language=language),
        text=text,
        content_digest=content_digest(article),
    )


def card_of(article: Article, language: str) -> Card:
    """The card of an article whose text is stored already, with the language found then."""
    language = _primary(article.language) or language
    title = clean_title(article.title)
    if title != article.title:
        return replace(article.card, title=title, language=language)
    # Its values have been checked; thousands of articles pass here that did not change.
    values = (getattr(article, name) for name in CARD_FIELDS)
    return Card.restored(
        [
            language if name == "language" else value
            for name, value in zip(CARD_FIELDS, values, strict=True)
        ]
    )


def _primary(language: str) -> str:
    return language.replace("_", "-").partition("-")[0].lower()


def content_digest(article: Article) -> bytes:
    """8 bytes that change when title or body do."""
    return xxh3_64_digest(f"{article.title}\0{article.body}".encode())


class _Texts(Sequence[str]):
    """The texts of articles that may lie on disk."""

    def __init__(self, cleaned: Sequence[Cleaned]) -> None:
        self._cleaned = cleaned

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [each.text for each in self._cleaned[index]]
        return self._cleaned[index].text

    def __len__(self) -> int:
        return len(self._cleaned)

    def __iter__(self) -> Iterator[str]:
        return (each.text for each in self._cleaned)


def make_recipe(cleaned: Sequence[Cleaned], options: IndexOptions) -> Recipe:
    """Find what is boilerplate in a corpus and on which days its dates lie."""
    boilerplate = Boilerplate()
    if options.strip_boilerplate:
        boilerplate = find_boilerplate(
            _Texts(cleaned),
            min_count=options.boilerplate_min_count,
            min_share=options.boilerplate_min_share,
        )
    cards = [(each.card.title, each.card.date) for each in cleaned]
    return Recipe(
        boilerplate=boilerplate,
        bulk_days=find_bulk_days(date for _, date in cards),
        generic_titles=find_generic_titles([title for title, _ in cards], _Texts(cleaned)),
    )


def find_generic_titles(titles: Sequence[str], texts: Sequence[str]) -> frozenset[str]:
    """Folded titles of at least five bodies that begin differently."""
    titles = fold_many(titles)
    counts = Counter(titles)
    beginnings: dict[str, set[str]] = {}
    # The texts may lie on disk, and nearly all titles head one of them only.
    for number, title in enumerate(titles):
        if title and counts[title] >= _GENERIC_COUNT:
            beginnings.setdefault(title, set()).add(texts[number][:_BEGINNING])
    return frozenset(
        title
        for title, found in beginnings.items()
        if len(found) >= _GENERIC_COUNT and len(set(fold_many(sorted(found)))) >= _GENERIC_COUNT
    )


def find_bulk_days(dates: Iterable[datetime | None]) -> frozenset[int]:
    """Days that hold at least 100 articles, a fifth of all, and five times the median day."""
    return bulk_days_of(
        Counter(int(date.timestamp() // _DAY) for date in dates if date is not None)
    )


def bulk_days_of(days: Mapping[int, int]) -> frozenset[int]:
    """The same, of how many articles each day since 1970 has."""
    if len(days) < 2:
        return frozenset()
    total = sum(days.values())
    median = sorted(days.values())[len(days) // 2]
    least = max(_BULK_COUNT, _BULK_SHARE * total, _BULK_FACTOR * median)
    return frozenset(day for day, count in days.items() if count >= least)


def prepare(cleaned: Sequence[Cleaned], recipe: Recipe, now: datetime) -> list[Prepared]:
    """Derive from each article what is embedded, stored and compared.

    Parameters
    ----------
    cleaned : sequence of Cleaned, length n
    recipe : Recipe
    now : datetime
        Dates more than two days after it are implausible.
    """
    bodies = [recipe.boilerplate.strip(each.text) for each in cleaned]
    folded = [text[:COMPARED_LENGTH] for text in fold_many(bodies)]
    titles = fold_many([each.card.title for each in cleaned])
    fingerprints = fingerprint_many(folded)
    return [
        _prepare_one(each, body, text, title, fingerprint, recipe, now)
        for each, body, text, title, fingerprint in zip(
            cleaned, bodies, folded, titles, fingerprints, strict=True
        )
    ]


def _prepare_one(
    cleaned: Cleaned,
    body: str,
    folded: str,
    folded_title: str,
    fingerprint: NDArray[np.uint32],
    recipe: Recipe,
    now: datetime,
) -> Prepared:
    card = cleaned.card
    flags = 0
    near_empty = len(folded) < NEAR_EMPTY_LENGTH
    generic = folded_title in recipe.generic_titles
    judged = not near_empty and not generic and len(folded_title) >= _JUDGED_TITLE_LENGTH
    misfit = judged and not folded_title_fits(folded_title, folded)
    if near_empty:
        flags |= NEAR_EMPTY
    if misfit:
        flags |= TITLE_MISFIT
    if generic:
        flags |= TITLE_GENERIC
    # What is to be seen later only may be of that day.
    seen = max(now, card.visible_from or now)
    if card.date is not None and not is_plausible(card.date, recipe, seen):
        flags |= DATE_IMPLAUSIBLE
    title = "" if misfit or generic else card.title
    lead = body[:LEAD_LENGTH]
    if near_empty:
        embedding_input = title if len(folded_title) >= _TITLE_ONLY_LENGTH else ""
    else:
        embedding_input = f"{title}\n{lead}" if title else lead
    return Prepared(
        card=card,
        text=cleaned.text,
        content_digest=cleaned.content_digest,
        embedding_input=embedding_input,
        compared=body,
        sketch=Sketch(
            vector=None,
            fingerprint=fingerprint,
            facts=pack(extract_facts(title, body)),
            length=len(folded),
            text_digest=xxh3_128_digest(folded.encode()) if folded else b"",
            title_digest=xxh3_64_digest(folded_title.encode()) if folded_title else b"",
            flags=flags,
        ),
    )


def is_plausible(date: datetime, recipe: Recipe, now: datetime) -> bool:
    """Whether a date may be a publication date: in range, and not the day of a bulk import."""
    return (
        _EARLIEST <= date <= now + _LATEST and int(date.timestamp() // _DAY) not in recipe.bulk_days
    )


def comparable(
    card: Card, folded_title: str, sketch: Sketch, recipe: Recipe, load_text: Callable[[], str]
) -> Comparable:
    """What comparing needs of a stored article; its text is read when first needed."""
    return _comparable(card, folded_title, sketch, lambda: recipe.boilerplate.strip(load_text()))


def comparable_draft(prepared: Prepared) -> Comparable:
    """What comparing needs of an article that is not stored."""
    return _comparable(
        prepared.card, fold(prepared.card.title), prepared.sketch, lambda: prepared.compared
    )


def _comparable(
    card: Card, folded_title: str, sketch: Sketch, load_text: Callable[[], str]
) -> Comparable:
    dated = card.date is not None and not sketch.flags & DATE_IMPLAUSIBLE
    fits = not sketch.flags & (TITLE_MISFIT | TITLE_GENERIC)
    return Comparable(
        load_text=load_text,
        title=card.title if fits else "",
        fingerprint=sketch.fingerprint,
        title_bigrams=bigrams(folded_title) if fits else frozenset(),
        facts=fact_keys(unpack(sketch.facts)),
        day=card.date.timestamp() / _DAY if card.date is not None and dated else math.nan,
        length=sketch.length,
        text_digest=sketch.text_digest,
        title_digest=sketch.title_digest if fits else b"",
        language=card.language,
        excerpt=card.excerpt,
    )

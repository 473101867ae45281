"""Which of several near-duplicates is the one to keep: criteria that a user can order.

Pure: a policy and what is known of an article give a key; the smallest key is kept.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from recommender.errors import ConfigError
from recommender.records import Card

Criterion = Literal["pinned", "own", "earliest", "longest", "most-visited", "smallest-id"]
CRITERIA: tuple[Criterion, ...] = get_args(Criterion)
CanonicalKey = tuple[float | str, ...]

_FALSE = frozenset(("", "0", "false", "no", "否"))


@dataclass(frozen=True, slots=True, kw_only=True)
class CanonicalPolicy:
    """In which order criteria decide which article of a group is canonical.

    Parameters
    ----------
    order : sequence of {"pinned", "own", "earliest", "longest", "most-visited", "smallest-id"}
        The first that tells two articles apart decides; the smallest id always comes last.
    pinned : collection of str
        Ids of articles that are to stay, besides those whose `pinned_field` says so.
    own_sources : collection of str
        Values of `source` that mean the publisher's own articles; without any, "own" decides
        nothing.
    pinned_field, visits_field : str
        Fields of `extra`: whether an article is pinned, how often it was visited.

    Raises
    ------
    ConfigError
        If a criterion is unknown or comes twice, or a value has the wrong type.
    """

    order: tuple[Criterion, ...] = CRITERIA
    pinned: frozenset[str] = frozenset()
    own_sources: frozenset[str] = frozenset()
    pinned_field: str = "pinned"
    visits_field: str = "visits"

    def __post_init__(self) -> None:
        order = _texts("order", self.order)
        for each in order:
            if each not in CRITERIA:
                raise ConfigError(
                    f"{each!r:.60} is no way to choose the article to keep; "
                    f"known are {', '.join(CRITERIA)}"
                )
        if len(set(order)) < len(order):
            raise ConfigError(f"a criterion comes twice in {', '.join(order)}")
        object.__setattr__(self, "order", order)
        for name in ("pinned", "own_sources"):
            object.__setattr__(self, name, frozenset(_texts(name, getattr(self, name))))
        for name in ("pinned_field", "visits_field"):
            if not isinstance(getattr(self, name), str):
                raise ConfigError(f"{name} must be the name of a field")

    def is_pinned(self, card: Card) -> bool:
        """Whether an article is to stay whatever else is said of it."""
        value = card.extra.get(self.pinned_field)
        told = bool(value) and str(value).strip().lower() not in _FALSE
        return "pinned" in self.order and (told or card.id in self.pinned)

    def key(self, card: Card, length: int = 0) -> CanonicalKey:
        """What articles are sorted by; the first is kept.

        Parameters
        ----------
        card : Card
        length : int
            Characters of its folded text.
        """
        values: dict[Criterion, float | str] = {
            "pinned": not self.is_pinned(card),
            "own": bool(self.own_sources) and card.source not in self.own_sources,
            "earliest": math.inf if card.date is None else card.date.timestamp(),
            "longest": -length,
            "most-visited": -_number(card.extra.get(self.visits_field)),
            "smallest-id": card.id,
        }
        return (*(values[each] for each in self.order), card.id)


def policy_from(settings: Mapping[str, Any], **changes: Collection[str] | str) -> CanonicalPolicy:
    """A policy of what a settings file says, with what a caller says in its place.

    Parameters
    ----------
    settings : mapping
        Values for `CanonicalPolicy`.
    **changes
        Likewise; empty ones change nothing.
    """
    said = {name: value for name, value in changes.items() if value}
    return CanonicalPolicy(**{**settings, **said})


def _texts(name: str, values: object) -> tuple[Any, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Collection):
        raise ConfigError(f"{name} must be a list of texts, not {values!r:.60}")
    for each in values:
        if not isinstance(each, str):
            raise ConfigError(f"{name} must hold texts, not {each!r:.60}")
    return tuple(values)


def _number(value: object) -> float:
    """A count as systems write it; 0 where there is none."""
    if isinstance(value, str):
        value = value.replace(",", "").strip()
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return number if math.isfinite(number) else 0.0

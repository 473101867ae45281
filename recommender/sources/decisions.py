"""Reads editors' decisions from a JSON file, whole: one entry that is wrong spoils the file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from recommender.decisions import KINDS, Decision
from recommender.errors import ConfigError
from recommender.limits import Limits, named
from recommender.records import Treatment
from recommender.sources.dates import parse_date
from recommender.sources.fields import refuse_constant, whole_number
from recommender.sources.files import STANDARD_INPUT, _once_each
from recommender.sources.spreadsheets import open_bytes

_WANTED = ("first", "second", "decision")
_TAKEN = (*_WANTED, "treatment", "canonical", "note", "by", "at")
# Marks that say in one word that two are duplicates and what is done about them.
_MARKS: tuple[Treatment, ...] = ("merge", "keep")
# What the listing of decisions says beside them; a listing can be given back.
_LISTED = ("first_title", "second_title", "state", "edited", "missing", "conflict")
_LISTED_HASHES = ("first_hash", "second_hash")


def read_decisions(
    path: str, *, decided_by: str = "", limits: Limits | None = None
) -> list[Decision]:
    """Read a list of {first, second, decision, …}, or an object that holds it.

    Besides "duplicate" and "distinct" a decision may be "merge" or "keep": duplicates of which
    one is redirected to the `canonical` one, or of which both stay. A listing says the same as
    "duplicate" and a `treatment`. `note`, `by` and `at` may be left out.

    Parameters
    ----------
    path : str
        File, or "-" for standard input.
    decided_by : str
        Of entries that do not say.
    limits : Limits, optional
        How much is taken; the defaults if not given.

    Raises
    ------
    ConfigError
        If the file cannot be read or an entry is wrong; names file and entry.
    """
    name = "standard input" if path == STANDARD_INPUT else path
    entries = _entries(_text(path, name, limits or Limits()), name)
    decisions = []
    for number, entry in enumerate(entries, start=1):
        try:
            decisions.append(_decision(entry, decided_by))
        except ConfigError as error:
            raise ConfigError(f"{name}: entry {number}: {error}; nothing was decided") from error
    return decisions


def _text(path: str, name: str, limits: Limits) -> str:
    longest = limits.decisions_length
    try:
        if path == STANDARD_INPUT:
            data = sys.stdin.buffer.read(longest + 1)
        else:
            with open_bytes(path) as stream:
                data = stream.read(longest + 1)
        if len(data) > longest:
            raise ConfigError(
                f"{name} is too long for a file of decisions, at most {longest:,} bytes are "
                f"taken; {named('decisions_length')}"
            )
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name} is not UTF-8 at byte {error.start + 1}") from error


def _entries(text: str, name: str) -> Sequence[Any]:
    try:
        data = json.loads(
            text,
            parse_constant=refuse_constant,
            parse_int=whole_number,
            object_pairs_hook=_once_each,
        )
    except RecursionError as error:
        raise ConfigError(f"{name}: the JSON is nested too deeply") from error
    except ValueError as error:
        raise ConfigError(f"{name} is not JSON: {error}") from error
    if isinstance(data, dict) and set(data) == {"decisions"}:
        data = data["decisions"]
    if not isinstance(data, list):
        raise ConfigError(
            f'{name}: a list of decisions is wanted, or an object {{"decisions": […]}}'
        )
    return data


def _decision(entry: object, decided_by: str) -> Decision:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"an object is wanted, not {type(entry).__name__}")
    for name in _WANTED:
        if name not in entry:
            raise ConfigError(f"{name} is missing")
    for name in entry:
        if name not in (*_TAKEN, *_LISTED, *_LISTED_HASHES):
            raise ConfigError(f"{name!r:.60} is not known; taken are {', '.join(_TAKEN)}")
    if entry.get("state", "active") == "stale":
        raise ConfigError("it is stale: look at both texts, then take out its state, or the entry")
    decision: Any = entry["decision"]
    treatment: Any = entry.get("treatment") or ""
    if decision in _MARKS:
        if treatment not in ("", decision):
            raise ConfigError(f"it says {decision}, and {treatment!r:.60} as its treatment")
        decision, treatment = "duplicate", decision
    elif decision not in KINDS:
        raise ConfigError(f"a decision is duplicate, distinct, merge or keep, not {decision!r:.60}")
    return Decision(
        first=entry["first"],
        second=entry["second"],
        decision=decision,
        treatment=treatment,
        canonical=entry.get("canonical") or "",
        note=entry.get("note") or "",
        decided_by=entry.get("by") or decided_by,
        decided_at=_moment(entry.get("at")),
    )


def _moment(value: object) -> Any:
    if value is None:
        return None
    moment = parse_date(value) if isinstance(value, str) else None
    if moment is None:
        raise ConfigError(f"at is not a date, as 2025-07-17 is: {value!r:.60}")
    return moment

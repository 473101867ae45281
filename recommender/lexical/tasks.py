"""What the processes of a run do: sketch a range of the file, compare pairs.

Each task is a value that can be sent, and leaves its result as one file in the work folder; a
file that is there already was made by an interrupted run, and is not made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender.boilerplate import Boilerplate, find_boilerplate
from recommender.errors import ArticleError
from recommender.evidence import (
    COLUMNS,
    COMPARED_LENGTH,
    CONTAINMENT_LENGTH,
    RESEMBLANCE_LENGTH,
    Comparable,
    gather,
    to_evidence,
)
from recommender.indexing import Recipe, clean_article, comparable_draft, prepare
from recommender.lexical.parts import as_bytes, read_json, write_arrays, write_json
from recommender.lexical.reading import (
    Line,
    Lines,
    article_of,
    card_values,
    read_range,
    read_record,
    records_at,
)
from recommender.lexical.sketching import Sketches, sketch_many, text_digests
from recommender.priors import reference_profile
from recommender.shingles import Hashes, shared, shingle_sets
from recommender.similarity import Profile, relations, similarities
from recommender.text import clean, clean_title, fold_many

# So that the arrays of a batch stay in the processor's cache.
_BATCH_CHARACTERS = 50_000
# How much less of the 5-grams than of the 8-grams one text may have of another.
_SLACK = 0.1
NO_DAY = -(2**31)
_KEPT = (
    "title_overlap", "fact_overlap", "days_apart", "length_ratio",
    "same_text", "same_title", "same_language",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SketchRange:
    """Sketch the articles that begin in one range of a file."""

    lines: Lines
    start: int
    end: int
    boilerplate: Path
    target: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePairs:
    """Compare pairs of articles exactly.

    Attributes
    ----------
    pairs : sequence of (int, int)
        Numbers into `places`.
    places : sequence of (int, int)
        Offset and size of the line of each article.
    """

    lines: Lines
    pairs: Sequence[tuple[int, int]]
    places: Sequence[tuple[int, int]]
    recipe: Path
    min_resemblance: float
    min_containment: float
    now: datetime
    target: Path


Task = SketchRange | ComparePairs


def perform(task: Task) -> int:
    """Do a task, unless it was done before; gives the bytes or pairs it was about."""
    if isinstance(task, SketchRange):
        if not task.target.exists():
            _sketch_range(task)
        return task.end - task.start
    if not task.target.exists():
        _compare_pairs(task)
    return len(task.pairs)


def _sketch_range(task: SketchRange) -> None:
    found, count = read_range(task.lines, task.start, task.end)
    strip = _boilerplate(task.boilerplate).strip
    problems: list[tuple[int, str]] = []
    lost: list[tuple[int, str]] = []
    ids: list[str] = []
    places: list[tuple[int, int, int, int]] = []
    titles: list[str] = []
    texts: list[str] = []
    sketched: list[Sketches] = []
    held = 0
    for line in found:
        try:
            if isinstance(line.record, ArticleError):
                raise line.record
            read = read_record(line.record, task.lines)
        except ArticleError as error:
            where = f"article {error.article_id!r}: " if error.article_id else ""
            problems.append((line.number, f"{where}{error.reason}"))
            continue
        if read.lost_date:
            lost.append((line.number, read.lost_date))
        ids.append(read.id)
        places.append(_place(line, read.day))
        titles.append(read.title)
        texts.append(strip(clean(read.body)))
        held += len(texts[-1])
        if held >= _BATCH_CHARACTERS:
            sketched.append(sketch_many(fold_many(texts)))
            texts, held = [], 0
    sketched.append(sketch_many(fold_many(texts)))
    placed = np.array(places, np.int64).reshape(-1, 4)
    write_arrays(
        task.target,
        {
            "ids": as_bytes(ids),
            "problems": as_bytes(problems),
            "lost": as_bytes(lost),
            "line_count": np.array(count),
            "offsets": placed[:, 0],
            "sizes": placed[:, 1].astype(np.int32),
            "numbers": placed[:, 2].astype(np.int32),
            "days": placed[:, 3].astype(np.int32),
            "titles": text_digests(fold_many(titles)),
            **_joined(sketched),
        },
    )


def _place(line: Line, day: int | None) -> tuple[int, int, int, int]:
    return line.offset, line.size, line.number, NO_DAY if day is None else day


def _joined(parts: Sequence[Sketches]) -> dict[str, NDArray[Any]]:
    names = ("minima", "lengths", "digests", "beginnings", "sample_counts", "samples")
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}


def sampled_boilerplate(
    lines: Lines, places: Sequence[tuple[int, int]], *, min_count: int, min_share: float
) -> Boilerplate:
    """The boilerplate of the articles at some places; lines that hold none are passed over."""
    texts = []
    for record in records_at(lines, places, lenient=True):
        # What is wrong with a line is said when all are read.
        with suppress(ArticleError):
            texts.append(clean(read_record(record, lines).body))
    return find_boilerplate(texts, min_count=min_count, min_share=min_share)


def titles_at(lines: Lines, places: Sequence[tuple[int, int]]) -> list[str]:
    """The folded titles of the articles at some places."""
    return fold_many(
        [clean_title(read_record(each, lines).title) for each in records_at(lines, places)]
    )


@lru_cache(maxsize=2)
def _boilerplate(path: Path) -> Boilerplate:
    return Boilerplate.from_dict(read_json(path))


@lru_cache(maxsize=2)
def _recipe(path: Path) -> Recipe:
    return Recipe.from_dict(read_json(path))


@lru_cache(maxsize=1)
def _profile() -> Profile:
    return Profile.from_dict(reference_profile())


def _compare_pairs(task: ComparePairs) -> None:
    recipe = _recipe(task.recipe)
    records = list(records_at(task.lines, task.places))
    texts = [clean(read_record(each, task.lines).body) for each in records]
    folded = fold_many([recipe.boilerplate.strip(each) for each in texts])
    overlaps, shingles = _overlaps(folded, task)
    wanted = sorted({number for pair in overlaps for number in pair})
    cleaned = [clean_article(article_of(records[each], task.lines)) for each in wanted]
    comparables = {
        number: comparable_draft(each)
        for number, each in zip(wanted, prepare(cleaned, recipe, task.now), strict=True)
    }
    for number, comparable in comparables.items():
        # The value of a cached property: nothing is worked out twice.
        comparable.__dict__["shingles"] = shingles[number]
    rows = _measured(overlaps, comparables)
    cards = {number: card_values(each.card) for number, each in zip(wanted, cleaned, strict=True)}
    lengths = {each.card.id: len(folded[n]) for n, each in zip(wanted, cleaned, strict=True)}
    write_json(task.target, {"rows": rows, "cards": cards, "lengths": lengths})


def _overlaps(
    folded: Sequence[str], task: ComparePairs
) -> tuple[dict[tuple[int, int], tuple[float, float]], list[tuple[Hashes, Hashes]]]:
    """Exact resemblance and containment of the pairs that have enough of one of them.

    Also the shingles of all texts by which they were compared, short and long.
    """
    texts = [text[:COMPARED_LENGTH] for text in folded]
    short = shingle_sets(texts, RESEMBLANCE_LENGTH)
    near: dict[tuple[int, int], float] = {}
    for first, second in task.pairs:
        one, other = short[first], short[second]
        both = shared(one, other)
        union, shorter = len(one) + len(other) - both, min(len(one), len(other))
        resemblance = both / union if union else 0.0
        # Longer runs are contained in about as many cases, and in hardly any more.
        contained = both >= (task.min_containment - _SLACK) * shorter > 0
        if resemblance >= task.min_resemblance or contained:
            near[first, second] = resemblance
    long = shingle_sets(
        texts, CONTAINMENT_LENGTH, only={number for pair in near for number in pair}
    )
    found = {}
    for (first, second), resemblance in near.items():
        shorter = min(len(long[first]), len(long[second]))
        containment = shared(long[first], long[second]) / shorter if shorter else 0.0
        if resemblance >= task.min_resemblance or containment >= task.min_containment:
            found[first, second] = resemblance, containment
    return found, list(zip(short, long, strict=True))


def _by_first(pairs: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    grouped: dict[int, list[int]] = {}
    for first, second in pairs:
        grouped.setdefault(first, []).append(second)
    return grouped


def _measured(
    overlaps: Mapping[tuple[int, int], tuple[float, float]],
    comparables: Mapping[int, Comparable],
) -> list[list[Any]]:
    """Rows as they are written: who, the exact overlap, the scale, how they stand, and why."""
    pairs, tables = [], [np.zeros((0, len(COLUMNS)), np.float16)]
    for first, seconds in _by_first(overlaps).items():
        others = [comparables[each] for each in seconds]
        tables.append(gather(comparables[first], others, np.full(len(others), np.nan)))
        pairs += [(first, second) for second in seconds]
    table = np.concatenate(tables)
    scale = similarities(table, _profile())
    rows = []
    for pair, row, value, relation in zip(
        pairs, table, scale.tolist(), relations(table, scale), strict=True
    ):
        evidence = to_evidence(row)
        kept = {name: getattr(evidence, name) for name in _KEPT}
        rows.append([*pair, *overlaps[pair], value, relation.value, kept])
    return rows

"""All near-duplicate text pairs of a file: read, sketch, join, compare.

    lines → sketches (in parallel) → candidate pairs → exact overlap, evidence, verdict (parallel)

Only numbers of every article stay in memory, some 700 bytes each; texts are read again for the
articles of candidate pairs. Everything is numbered by the order of the ids, so that neither the
order of the lines nor the number of processes shows.

Texts that are equal once folded are found by their digest. They stand for each other in the
join: up to 16 of them are listed as all pairs, of more each with that of the
smallest id, so that twenty thousand copies make twenty thousand pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recommender import __version__
from recommender.boilerplate import Boilerplate
from recommender.config import IndexOptions, Thresholds
from recommender.errors import ArticleError, ConfigError
from recommender.evidence import SHORT_LENGTH
from recommender.indexing import Recipe, bulk_days_of
from recommender.lexical.joining import (
    Keys,
    contained_texts,
    enough_in_common,
    gathered,
    near_texts,
    of_keys,
    thinned,
)
from recommender.lexical.numbering import (
    Numbers,
    load_sketches,
    neighbours_first,
    one_of_each_generic_title,
    with_equals,
)
from recommender.lexical.parts import (
    from_bytes,
    identity_of,
    read_json,
    work_folder,
    write_json,
)
from recommender.lexical.reading import Lines, byte_ranges, sample_of, write_out
from recommender.lexical.results import LexicalResult, lengths_in, pairs_in
from recommender.lexical.tasks import (
    NO_DAY,
    ComparePairs,
    SketchRange,
    sampled_boilerplate,
    titles_at,
)
from recommender.lexical.workers import Workers, started
from recommender.limits import Limits
from recommender.progress import Progress, silent
from recommender.sources.fields import Problem, check_mapping
from recommender.sources.files import STANDARD_INPUT

# The boilerplate is looked for in so many articles: eight carriers among them are 0.2 %.
SAMPLE = 4_000
_LEAST_RANGE, _MOST_RANGE, _RANGES_WANTED = 1 << 18, 1 << 23, 24
_LEAST_CHUNK, _MOST_CHUNK, _CHUNKS_WANTED = 100, 1_000, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    min_resemblance: float
    min_containment: float
    options: IndexOptions
    skip_invalid: bool
    on_duplicate: str
    on_refused: Callable[[Problem], None]
    progress: Progress
    now: datetime


def find_lexical_pairs(
    path: str,
    *,
    now: datetime,
    min_resemblance: float = 0.3,
    min_containment: float = 0.8,
    thresholds: Thresholds | None = None,
    options: IndexOptions | None = None,
    fields: Mapping[str, str] | None = None,
    zone: tzinfo = timezone.utc,
    limits: Limits | None = None,
    skip_invalid: bool = False,
    on_duplicate: str = "error",
    on_refused: Callable[[Problem], None] | None = None,
    workers: int | None = None,
    work: str | Path | None = None,
    progress: Progress = silent,
) -> LexicalResult:
    """Find all pairs of articles of a file whose texts are nearly the same.

    The texts are treated as an index treats them: cleaned, without the boilerplate of the site,
    folded. Candidates come from a join of sketches that misses some 0.3 % of the pairs at a
    resemblance of 0.30 and next to none above 0.35; each is compared exactly. The verdict is
    that of the same evidence and scale as everywhere, without the cosine of a model: what two
    texts tell in other words is not found.

    Parameters
    ----------
    path : str
        A file of JSON lines or CSV (also ending in .gz), or "-" for standard input.
    now : datetime
        Dates more than two days after it are implausible.
    min_resemblance : float
        Least resemblance (Jaccard) of the sets of character 5-grams, 0.1 to 1.
    min_containment : float
        A pair of less resemblance is kept where the shorter text's character 8-grams are
        contained in the longer one to this share, 0.5 to 1.
    thresholds : Thresholds, optional
    options : IndexOptions, optional
        Only its boilerplate options count.
    fields, zone, limits
        As for `read_articles`.
    skip_invalid : bool
        Leave out lines that cannot be used; they are in the result.
    on_duplicate : {"error", "first", "last"}
        Which of two articles with one id wins.
    on_refused : callable, optional
        Given each line for which the run is refused, before the error is raised.
    workers : int, optional
        Processes; by default one a core. The result does not depend on it. They are spawned: a
        script calls this under `if __name__ == "__main__"`, or with one.
    work : str or Path, optional
        Folder in which parts are put by, so that an interrupted run goes on where it was;
        removed when all is done. Standard input cannot go on.
    progress : callable

    Raises
    ------
    ArticleError
        If lines cannot be used and are not to be skipped, or an id comes twice.
    ConfigError
        If the file cannot be read, a setting is out of range, or the work folder belongs to
        files that are not its own.
    """
    _check("min_resemblance", min_resemblance, 0.1)
    _check("min_containment", min_containment, 0.5)
    if on_duplicate not in ("error", "first", "last"):
        raise ConfigError(f"on_duplicate is error, first or last, not {on_duplicate!r}")
    lines = Lines(path=path, fields=dict(fields or {}), zone=zone, limits=limits or Limits())
    check_mapping(lines.fields)
    settings = _Settings(
        min_resemblance=min_resemblance,
        min_containment=min_containment,
        options=options or IndexOptions(),
        skip_invalid=skip_invalid,
        on_duplicate=on_duplicate,
        on_refused=on_refused or _ignore,
        progress=progress,
        now=now,
    )
    if work is not None and path == STANDARD_INPUT:
        raise ConfigError("standard input cannot be read twice: leave the work folder out")
    wanted = {
        "version": __version__,
        "file": {} if path == STANDARD_INPUT else identity_of(path),
        "settings": [
            min_resemblance,
            min_containment,
            settings.options.strip_boilerplate,
            settings.options.boilerplate_min_count,
            settings.options.boilerplate_min_share,
            sorted(lines.fields.items()),
            str(zone),
            on_duplicate,
        ],
    }
    folder = None if work is None else Path(work)
    with (
        started(workers) as processes,
        work_folder(folder, wanted, {"now": now.isoformat()}) as (parts, kept),
    ):
        run = _Run(lines, parts, processes, settings, datetime.fromisoformat(kept["now"]))
        return run.result(thresholds or Thresholds())


def _check(name: str, value: float, least: float) -> None:
    if not least <= value <= 1:
        raise ConfigError(f"{name} must lie between {least} and 1, not {value}")


def _ignore(problem: Problem) -> None:
    pass


class _Run:
    """One run over one file; every step leaves its parts in the folder."""

    def __init__(
        self, lines: Lines, folder: Path, workers: Workers, settings: _Settings, now: datetime
    ) -> None:
        self._name = "standard input" if lines.path == STANDARD_INPUT else lines.path
        self._lines = lines
        self._folder = folder
        self._workers = workers
        self._settings = settings
        self._now = now
        self._problems: list[Problem] = []
        self._refused: list[Problem] = []
        self._lost: list[Problem] = []
        self._written_lines: list[int] | None = None

    def result(self, thresholds: Thresholds) -> LexicalResult:
        if not _is_plain(self._lines.path):
            self._write_out()
        boilerplate = self._boilerplate()
        sketches = self._sketch()
        numbers = self._gather(sketches)
        self._describe(boilerplate, numbers)
        chosen = self._candidates(sketches, numbers)
        compared = self._compare(numbers, chosen)
        pairs = [each for path in compared for each in pairs_in(path, thresholds)]
        pairs.sort(key=lambda each: (-each.similarity, each.first.id, each.second.id))
        return LexicalResult(
            pairs=tuple(pairs),
            articles=len(numbers.offsets),
            problems=tuple(self._problems),
            lost_dates=tuple(self._lost),
            lengths={name: n for path in compared for name, n in lengths_in(path).items()},
        )

    def _write_out(self) -> None:
        """Make lines of JSON of any other source."""
        target, notes = self._folder / "articles.jsonl", self._folder / "articles.json"
        if not notes.exists():
            problems: list[Problem] = []
            lost: list[Problem] = []
            with target.open("wb") as stream:
                written = write_out(
                    self._lines.path,
                    self._lines,
                    stream,
                    on_problem=problems.append,
                    on_lost_date=lost.append,
                )
            write_json(
                notes,
                {
                    "lines": written,
                    "problems": [(each.line, each.reason) for each in problems],
                    "lost": [(each.line, each.reason) for each in lost],
                },
            )
        found = read_json(notes)
        self._written_lines = found["lines"]
        self._note(found["problems"], found["lost"])
        self._lines = Lines(path=str(target), limits=self._lines.limits)

    def _note(self, problems: Iterable[Any], lost: Iterable[Any]) -> None:
        bad = self._problems if self._settings.skip_invalid else self._refused
        bad += [self._problem(line, reason) for line, reason in problems]
        self._lost += [self._problem(line, reason) for line, reason in lost]

    def _problem(self, line: int, reason: str) -> Problem:
        return Problem(source=self._name, line=line, reason=reason)

    def _boilerplate(self) -> Boilerplate:
        """What the texts leave out, found in a sample before they are sketched."""
        path, options = self._folder / _BOILERPLATE, self._settings.options
        if path.exists():
            return Boilerplate.from_dict(read_json(path))
        found = Boilerplate()
        if options.strip_boilerplate:
            found = sampled_boilerplate(
                self._lines,
                sample_of(self._lines.path, SAMPLE),
                min_count=options.boilerplate_min_count,
                min_share=options.boilerplate_min_share,
            )
        write_json(path, found.to_dict())
        return found

    def _sketch(self) -> list[Path]:
        size = Path(self._lines.path).stat().st_size
        step = min(_MOST_RANGE, max(_LEAST_RANGE, size // _RANGES_WANTED))
        tasks = [
            SketchRange(
                lines=self._lines,
                start=start,
                end=end,
                boilerplate=self._folder / _BOILERPLATE,
                target=self._folder / f"sketches-{number:06d}.npz",
            )
            for number, (start, end) in enumerate(byte_ranges(size, step))
        ]
        self._perform("reading", tasks, size)
        return [task.target for task in tasks]

    def _perform(self, stage: str, tasks: Sequence[Any], total: int) -> None:
        done = 0

        def advance(amount: int) -> None:
            nonlocal done
            done += amount
            self._settings.progress(stage, done, total)

        self._workers.perform_all(tasks, advance)

    def _gather(self, parts: Sequence[Path]) -> Numbers:
        """Order the articles of all parts by id, after looking at what is wrong with any."""
        ids: list[str] = []
        lines: list[NDArray[np.int64]] = []
        columns: dict[str, list[NDArray[Any]]] = {
            name: [] for name in ("offsets", "sizes", "days", "titles", "beginnings", "digests",
                                  "lengths")
        }  # fmt: skip
        counts, before = [], 0
        for path in parts:
            with np.load(path) as part:
                found = from_bytes(part["ids"])
                ids += found
                counts.append(len(found))
                lines.append(part["numbers"] + before)
                self._note(
                    [(line + before, reason) for line, reason in from_bytes(part["problems"])],
                    [(line + before, reason) for line, reason in from_bytes(part["lost"])],
                )
                before += int(part["line_count"])
                for name, column in columns.items():
                    column.append(part[name])
        order = self._in_order(ids, _concatenated(lines, np.int64))
        self._refuse()
        ranks = np.full(len(ids), -1)
        ranks[order] = np.arange(len(order))
        return Numbers(
            **{name: _concatenated(column, np.int64)[order] for name, column in columns.items()},
            ranks=np.split(ranks, np.cumsum(counts)[:-1]) if counts else [],
        )

    def _in_order(self, ids: Sequence[str], lines: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places of the articles by id; of two with one id only that which wins."""
        order = sorted(range(len(ids)), key=ids.__getitem__)
        kept: list[int] = []
        for place in order:
            if not kept or ids[kept[-1]] != ids[place]:
                kept.append(place)
                continue
            if self._settings.on_duplicate == "error":
                first, second = self._line(lines[kept[-1]]), self._line(lines[place])
                self._refused.append(
                    self._problem(
                        second,
                        f"article {ids[place]!r}: the id comes twice, first in "
                        f"{self._name}:{first}; mend the input, or say which one wins with "
                        "--on-duplicate first|last",
                    )
                )
            elif self._settings.on_duplicate == "last":
                kept[-1] = place
        return np.array(kept, np.int64)

    def _line(self, number: int) -> int:
        written = self._written_lines
        return int(number) if written is None else written[int(number) - 1]

    def _refuse(self) -> None:
        refused = sorted(self._refused, key=lambda each: each.line)
        for problem in refused:
            self._settings.on_refused(problem)
        if len(refused) == 1:
            raise ArticleError(refused[0].reason, source=self._name, line=refused[0].line)
        if refused:
            first = refused[0]
            raise ArticleError(
                f"{len(refused):,} lines cannot be used, the first for: {first.reason}; mend "
                "them, or leave those that are no articles out with --skip-invalid",
                source=self._name,
                line=first.line,
            )

    def _describe(self, boilerplate: Boilerplate, numbers: Numbers) -> None:
        """Write down how texts are treated: what the comparing processes go by."""
        days = Counter(numbers.days[numbers.days != NO_DAY].tolist())
        titles = titles_at(self._lines, numbers.places(one_of_each_generic_title(numbers)))
        recipe = Recipe(
            boilerplate=boilerplate,
            bulk_days=bulk_days_of(days),
            generic_titles=frozenset(titles) - {""},
        )
        write_json(self._folder / _RECIPE, recipe.to_dict())

    def _candidates(self, parts: Sequence[Path], numbers: Numbers) -> Keys:
        """Pairs of articles to be compared, as keys of their numbers."""
        there = np.flatnonzero(numbers.lengths)
        _, first, member_of = np.unique(
            numbers.digests[there], return_index=True, return_inverse=True
        )
        # Different texts in the order of their smallest ids; `texts` numbers the articles.
        order = np.argsort(first)
        texts = there[first[order]]
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        member_of = place[member_of]
        minima, samples, counts = load_sketches(parts, numbers, texts)
        wanted = self._settings.min_resemblance
        near = gathered(self._joining(near_texts(minima, min_resemblance=wanted)))
        near = enough_in_common(near, samples, counts, min_resemblance=wanted)
        near = thinned(near, len(texts))
        inside = contained_texts(samples, counts, numbers.lengths[texts], min_length=SHORT_LENGTH)
        self._settings.progress("joining", _STEPS, _STEPS)
        return with_equals(np.union1d(near, inside), there, member_of, len(texts))

    def _joining(self, groups: Iterator[Keys]) -> Iterator[Keys]:
        for number, group in enumerate(groups):
            self._settings.progress("joining", number + 1, _STEPS)
            yield group

    def _compare(self, numbers: Numbers, keys: Keys) -> list[Path]:
        first, second = of_keys(keys)
        order = neighbours_first(first, second, len(numbers.offsets))
        first, second = first[order], second[order]
        size = min(_MOST_CHUNK, max(_LEAST_CHUNK, len(keys) // _CHUNKS_WANTED))
        tasks = []
        for number, start in enumerate(range(0, len(keys), size)):
            chunk = np.stack((first[start : start + size], second[start : start + size]))
            articles, places = np.unique(chunk, return_inverse=True)
            ends = places.reshape(chunk.shape).T.tolist()
            tasks.append(
                ComparePairs(
                    lines=self._lines,
                    pairs=[(one, other) for one, other in ends],
                    places=numbers.places(articles),
                    recipe=self._folder / _RECIPE,
                    min_resemblance=self._settings.min_resemblance,
                    min_containment=self._settings.min_containment,
                    now=self._now,
                    target=self._folder / f"pairs-{number:06d}.json",
                )
            )
        self._perform("comparing", tasks, len(keys))
        return [task.target for task in tasks]


_STEPS = 17
_BOILERPLATE, _RECIPE = "boilerplate.json", "recipe.json"


def _is_plain(path: str) -> bool:
    """Whether a file can be read by ranges: uncompressed JSON lines."""
    if not path.lower().endswith((".jsonl", ".ndjson", ".json")):
        return False
    with Path(path).open("rb") as stream:
        return stream.read(2) != b"\x1f\x8b"


def _concatenated(arrays: Sequence[NDArray[Any]], kind: Any) -> NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, kind)

"""Files of JSON lines or CSV as a source, as `[[sources]]` of the kind `files` names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from recommender.errors import ConfigError
from recommender.limits import Limits
from recommender.records import Article
from recommender.source_specs import SourceSpec
from recommender.sources.fields import check_mapping
from recommender.sources.files import read_placed_articles
from recommender.sources.opening import Surroundings, known_options
from recommender.sources.source import OnProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """Articles of one or more files."""

    name: str
    paths: tuple[str, ...]
    fields: Mapping[str, str]
    zone: tzinfo
    limits: Limits
    complete: bool = True
    site: str = ""

    @property
    def place(self) -> str:
        """Its files."""
        return ", ".join(self.paths)

    def articles(
        self,
        *,
        on_problem: OnProblem | None = None,
        on_lost_date: OnProblem | None = None,
    ) -> Iterator[Article]:
        """The articles of all files, in order."""
        for path in self.paths:
            for _, article in read_placed_articles(
                path,
                fields=self.fields,
                zone=self.zone,
                on_problem=on_problem,
                on_lost_date=on_lost_date,
                limits=self.limits,
            ):
                yield article


def open_source(spec: SourceSpec, surroundings: Surroundings) -> FileSource:
    """A source of files: `paths`, and `complete = false` for files that hold only what is new."""
    options = known_options(spec, "paths", "complete")
    paths, complete = options.get("paths"), options.get("complete", True)
    if isinstance(paths, str):
        paths = [paths]
    if not isinstance(paths, list) or not paths or not all(isinstance(p, str) for p in paths):
        raise ConfigError(f'[[sources]] {spec.name}: paths must name files, as ["articles.jsonl"]')
    if not isinstance(complete, bool):
        raise ConfigError(f"[[sources]] {spec.name}: complete must be true or false")
    check_mapping(spec.fields)
    return FileSource(
        name=spec.name,
        paths=tuple(str(surroundings.path(path)) for path in paths),
        fields=spec.fields,
        zone=surroundings.zone,
        limits=surroundings.limits,
        complete=complete,
    )

"""Settings: thresholds and index options, validated and frozen; `recommender.toml`; package data.

The only module that reads the numbers shipped with the package (profiles, priors). It hands
them in as plain values, so that the pure modules never open a file.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timezone, tzinfo
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from recommender.canonical import CanonicalPolicy
from recommender.errors import ConfigError
from recommender.export_specs import ExportSpec, export_spec
from recommender.limits import Limits
from recommender.records import Verdict
from recommender.service_settings import ServeOptions, serve_options
from recommender.source_specs import SourceSpec, source_specs

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover - the same parser under its earlier name
    import tomli as tomllib

CONFIG_NAME = "recommender.toml"
_NOT_TABLES = ("index", "sources")
_TABLES = ("options", "thresholds", "fields", "canonical", "limits", "sync", "export", "serve")
# The parser takes time in the square of a key of many parts.
_LONGEST_FILE = 64_000
DEFAULT_EMBEDDER = "multilingual-e5-small"
VectorKind = Literal["auto", "exact", "hnsw", "ivf"]


def install_command(extra: str) -> str:
    """What installs an extra, in the checkout: under its name pip may find another package."""
    return f'pip install -c constraints.txt ".[{extra}]"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Where similarity turns into a verdict; each includes its lower edge.

    Parameters
    ----------
    same_text, same_story, related : float
        Similarities from 0 to 1, in falling order.

    Raises
    ------
    ConfigError
        If one is not a number from 0 to 1 or they are out of order.
    """

    same_text: float = 0.90
    same_story: float = 0.75
    related: float = 0.50

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ConfigError(f"threshold {each.name} must be a number, not {value!r:.60}")
            if not (math.isfinite(value) and 0.0 <= value <= 1.0):
                raise ConfigError(f"threshold {each.name} must lie between 0 and 1, not {value}")
            object.__setattr__(self, each.name, float(value))
        if not self.related <= self.same_story <= self.same_text:
            raise ConfigError(
                "thresholds must not rise from same_text to related: "
                f"same_text {self.same_text}, same_story {self.same_story}, "
                f"related {self.related}; {self._way_out()}"
            )

    def _way_out(self) -> str:
        if self.same_story > self.same_text:
            return "raise same_text too, or lower same_story"
        return "raise same_story too, or lower related"

    def verdict(self, similarity: float) -> Verdict:
        """Cut a similarity into a verdict."""
        if similarity >= self.same_text:
            return Verdict.SAME_TEXT
        if similarity >= self.same_story:
            return Verdict.SAME_STORY
        return Verdict.RELATED if similarity >= self.related else Verdict.UNRELATED

    def with_changes(self, **changes: float | None) -> Thresholds:
        """A copy with the given thresholds changed; `None` keeps the present value."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """How an index is built; stored in it, changed only by `rebuild`.

    Parameters
    ----------
    embedder : str
        "multilingual-e5-small", "hashing", a folder, or a name on the model hub.
    max_tokens : int or None
        Window of title and lead that is embedded; `None` leaves it to the embedder.
    vectors : {"auto", "exact", "hnsw", "ivf"}
        The FAISS index; "auto" chooses by size.
    neighbours : int
        Candidates kept for each article with their evidence.
    strip_boilerplate : bool
        Whether recurring segments are kept out of embedding and fingerprints.
    boilerplate_min_count : int
        Least number of different articles that carry a segment.
    boilerplate_min_share : float
        Least share of the corpus that carries it, 0 to 1.
    timezone : str
        Zone of dates that name none, as in "Asia/Shanghai", and of the dates that people see.
    """

    embedder: str = DEFAULT_EMBEDDER
    max_tokens: int | None = None
    vectors: VectorKind = "auto"
    neighbours: int = 50
    strip_boilerplate: bool = True
    boilerplate_min_count: int = 8
    boilerplate_min_share: float = 0.002
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        if not isinstance(self.embedder, str) or not self.embedder.strip():
            raise ConfigError("embedder must be the name of a model")
        if self.vectors not in ("auto", "exact", "hnsw", "ivf"):
            raise ConfigError(f"vectors must be auto, exact, hnsw or ivf, not {self.vectors!r:.60}")
        _check_whole("max_tokens", self.max_tokens, least=8, most=8192, optional=True)
        _check_whole("neighbours", self.neighbours, least=1, most=1000)
        _check_whole("boilerplate_min_count", self.boilerplate_min_count, least=2, most=10**9)
        if not isinstance(self.strip_boilerplate, bool):
            raise ConfigError(
                f"strip_boilerplate must be true or false, not {self.strip_boilerplate!r:.60}"
            )
        share = self.boilerplate_min_share
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise ConfigError(f"boilerplate_min_share must lie between 0 and 1, not {share!r:.60}")
        zone_of(self.timezone)

    @property
    def zone(self) -> tzinfo:
        """The time zone itself."""
        return zone_of(self.timezone)

    def to_dict(self) -> dict[str, Any]:
        """The options as plain values, for storing."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncOptions:
    """When a sync does not believe its sources.

    Parameters
    ----------
    most_removed : float
        Share of a source's articles, 0 to 1, that may be gone, or all get one and the same text,
        at once; up to ten always may.

    Raises
    ------
    ConfigError
        If it is not a number from 0 to 1.
    """

    most_removed: float = 0.2

    def __post_init__(self) -> None:
        share = self.most_removed
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise ConfigError(f"[sync] most_removed must lie between 0 and 1, not {share!r:.60}")


def zone_of(name: object) -> tzinfo:
    """The time zone of a name, as in "Asia/Shanghai".

    Raises
    ------
    ConfigError
        If no zone has that name.
    """
    # Known also where no zone data are installed.
    if name == "UTC":
        return timezone.utc
    try:
        if isinstance(name, str):
            return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise ConfigError(f"timezone must be the name of a zone, as in Asia/Shanghai, not {name!r:.80}")


def _check_whole(
    name: str, value: object, *, least: int, most: int, optional: bool = False
) -> None:
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(
            f"{name} must be a whole number from {least:,} to {most:,}, not {value!r:.60}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `recommender.toml` says.

    Attributes
    ----------
    index : str or None
        Folder of the index.
    options : mapping
        Values for `IndexOptions` that the file sets.
    thresholds : mapping
        Values for `Thresholds` that the file sets.
    fields : mapping
        Field mapping of the input: our name → the name in the file.
    canonical : mapping
        Values for `CanonicalPolicy` that the file sets.
    limits : Limits
        How much is taken of files that are given.
    sync : SyncOptions
        When a sync does not believe its sources.
    sources : tuple of SourceSpec
        Where articles come from.
    export : ExportSpec
        Where related lists go.
    serve : ServeOptions
        How the HTTP service listens and what it takes.
    folder : Path
        Folder of the file; relative paths of sources begin there.
    is_read : bool
        Whether there is a file.
    """

    index: str | None = None
    options: Mapping[str, Any]
    thresholds: Mapping[str, float]
    fields: Mapping[str, str]
    canonical: Mapping[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    sync: SyncOptions = field(default_factory=SyncOptions)
    sources: tuple[SourceSpec, ...] = ()
    export: ExportSpec = field(default_factory=ExportSpec)
    serve: ServeOptions = field(default_factory=ServeOptions)
    folder: Path = field(default_factory=Path)
    is_read: bool = False


def read_settings(path: Path | None = None) -> Settings:
    """Read `recommender.toml`, or the one in the working folder; a missing default is empty.

    Raises
    ------
    ConfigError
        If the file cannot be read, is not TOML, or holds an unknown or invalid key.
    """
    file = path or Path(CONFIG_NAME)
    if path is None and not file.is_file():
        return Settings(options={}, thresholds={}, fields={})
    try:
        with file.open("rb") as stream:
            read = stream.read(_LONGEST_FILE + 1)
        if len(read) > _LONGEST_FILE:
            raise ConfigError(f"{file} is too long for a file of settings")
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror or error}") from error
    return parse_settings(read, file)


def parse_settings(read: bytes, file: Path) -> Settings:
    """The settings that a file holds.

    Parameters
    ----------
    read : bytes
        What is in it.
    file : Path
        What messages call it, and where relative paths begin.

    Raises
    ------
    ConfigError
        If it is not TOML, or holds an unknown or invalid key.
    """
    try:
        data = tomllib.loads(read.decode("utf-8-sig"))
    except RecursionError as error:
        raise ConfigError(f"{file} is not valid TOML: it is nested too deeply") from error
    except ValueError as error:
        # Also a number of more digits than Python reads.
        raise ConfigError(f"{file} is not valid TOML: {error}") from error
    try:
        return replace(_settings(data), folder=file.parent, is_read=True)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def _settings(data: dict[str, Any]) -> Settings:
    _known("the file", data, {*_NOT_TABLES, *_TABLES})
    tables = {name: data.get(name, {}) for name in _TABLES}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{name} must be a table, written [{name}]")
    _known("[options]", tables["options"], {each.name for each in fields(IndexOptions)})
    _known("[canonical]", tables["canonical"], {each.name for each in fields(CanonicalPolicy)})
    _known("[thresholds]", tables["thresholds"], {each.name for each in fields(Thresholds)})
    _known("[limits]", tables["limits"], {each.name for each in fields(Limits)})
    _known("[sync]", tables["sync"], {each.name for each in fields(SyncOptions)})
    IndexOptions(**tables["options"])
    CanonicalPolicy(**tables["canonical"])
    Thresholds().with_changes(**tables["thresholds"])
    for key, value in tables["fields"].items():
        if not isinstance(value, str):
            raise ConfigError(f"[fields] {key:.60} must be text, not {value!r:.60}")
    index = data.get("index")
    if index is not None and (not isinstance(index, str) or not index):
        raise ConfigError(f"index must be the path of a folder, not {index!r:.60}")
    limits = Limits(**tables.pop("limits"))
    sync = SyncOptions(**tables.pop("sync"))
    sources = source_specs(data.get("sources", []))
    export = export_spec(tables.pop("export"))
    serve = serve_options(tables.pop("serve"))
    return Settings(
        index=index,
        **tables,
        limits=limits,
        sync=sync,
        sources=sources,
        export=export,
        serve=serve,
    )


def _known(where: str, table: Mapping[str, Any], names: set[str]) -> None:
    for key in table:
        if key not in names:
            raise ConfigError(
                f"{where} has an unknown key {key!r:.60}; known are {', '.join(sorted(names))}"
            )


@cache
def package_data(name: str) -> Any:
    """Read one of the JSON files of fitted numbers that ship in `recommender/data`."""
    return json.loads((resources.files("recommender") / "data" / name).read_text("utf-8"))

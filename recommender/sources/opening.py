"""`SourceSpec` → `Source`: each kind is opened by the module that knows it.

Modules that need an extra are imported only when their kind is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timezone, tzinfo
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from recommender.config import zone_of
from recommender.errors import ConfigError
from recommender.limits import Limits
from recommender.source_specs import SourceSpec
from recommender.sources.source import Sited, Source

# Kind → the module with its `open_source(spec, surroundings)`.
_MODULES: Mapping[str, str] = {
    "files": "recommender.sources.file_source",
    "html": "recommender.sources.html_source",
    "feed": "recommender.sources.feed_source",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a source depends on beside its own spec.

    Attributes
    ----------
    folder : Path
        Relative paths of a spec begin here: the folder of `recommender.toml`.
    zone : tzinfo
        Zone of dates that name none.
    limits : Limits
    """

    folder: Path = field(default_factory=Path)
    zone: tzinfo = timezone.utc
    limits: Limits = field(default_factory=Limits)

    def path(self, name: str) -> Path:
        """A path that a spec names."""
        return self.folder / Path(name).expanduser()


def open_sources(specs: Iterable[SourceSpec], surroundings: Surroundings) -> list[Source]:
    """Open the sources; nothing is read yet.

    Raises
    ------
    ConfigError
        If a spec says something its kind does not know, or an extra is missing.
    """
    return [open_source(spec, surroundings) for spec in specs]


def open_source(spec: SourceSpec, surroundings: Surroundings) -> Source:
    """Open one source; its articles carry the site of the spec.

    Raises
    ------
    ConfigError
        As `open_sources`.
    """
    if spec.kind not in _MODULES:
        raise ConfigError(f"[[sources]] kind {spec.kind!r} is not supported")
    zone = zone_of(spec.timezone) if spec.timezone else surroundings.zone
    where = Surroundings(folder=surroundings.folder, zone=zone, limits=surroundings.limits)
    module = import_module(_MODULES[spec.kind])
    opener = cast(Callable[[SourceSpec, Surroundings], Source], module.open_source)
    source = opener(spec, where)
    return Sited(source, spec.site) if spec.site else source


def known_options(spec: SourceSpec, *names: str) -> Mapping[str, Any]:
    """The options of a spec, after a check that its kind knows each of them.

    Raises
    ------
    ConfigError
        For one that it does not know.
    """
    for name in spec.options:
        if name not in names:
            raise ConfigError(
                f"[[sources]] {spec.name}: unknown key {name!r:.60}; a source of kind {spec.kind} "
                f"knows {', '.join(sorted(('kind', 'name', 'site', 'timezone', 'fields', *names)))}"
            )
    return spec.options

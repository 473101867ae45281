"""`recommender init`: looks at where articles live and writes the settings that say so.

What it finds out is shown, and written so that a person can read and change it. No password is.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from recommender.cli_input import zone_name
from recommender.config import CONFIG_NAME, parse_settings, read_settings, zone_of
from recommender.console import emit, say, writable
from recommender.errors import ConfigError, SourceError
from recommender.reports.tables import printable
from recommender.settings_text import settings_text, source_text
from recommender.source_specs import SourceSpec
from recommender.sources import Surroundings, open_source
from recommender.sources.glancing import glance_at
from recommender.sources.opening import is_supported
from recommender.sources.source import Glance

_SHOWN = 5
_DEFAULT_VARIABLE = "RECOMMENDER_DATABASE"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PRESETS = ("pbootcms", "wordpress", "ghost")
_KINDS = (*_PRESETS, "sql", "html", "feed", "files")
_WORDS = {"pbootcms": "PbootCMS", "wordpress": "WordPress", "ghost": "Ghost", "sql": "SQL"}


# How articles get addresses, where their source has a say in it.
_BY_TEMPLATE = "; --url-template says how an address is made"
_BY_FIELD = "; --field url=NAME names what holds it"
_ADDRESSES = {
    **dict.fromkeys(_PRESETS, _BY_TEMPLATE),
    "sql": f"{_BY_FIELD}, or --url-template how it is made",
    "files": _BY_FIELD,
}


@dataclass(slots=True)
class _Plan:
    """The source as it will be written, and what else is needed to try it."""

    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    # An address that holds a password, which the settings name by a variable.
    secret: str = ""

    @property
    def variable(self) -> str:
        return str(self.options.get("url_env", ""))


@click.command()
@click.option("--pbootcms", metavar="SITE", help="Folder of a PbootCMS site.")
@click.option("--wordpress", metavar="SITE", help="Folder of a WordPress site.")
@click.option("--ghost", metavar="SITE", help="Folder of a Ghost site.")
@click.option(
    "--sql",
    metavar="URL",
    help="Any database, with --query: its SQLAlchemy URL, or the environment variable with it.",
)
@click.option("--query", metavar="SELECT", help="What to read, with --sql.")
@click.option("--html", metavar="FOLDER", help="A folder of HTML pages.")
@click.option("--feed", metavar="URL", help="An RSS, Atom or JSON feed.")
@click.option("--files", multiple=True, metavar="FILE", help="JSONL or CSV. Repeatable.")
@click.option("--prefix", metavar="TEXT", help="In front of the names of a site's tables.")
@click.option(
    "--field",
    "pairs",
    multiple=True,
    metavar="OURS=THEIRS",
    help="Name of a column or field, as in --field body=content. Repeatable.",
)
@click.option("--base-url", metavar="URL", help="Where addresses begin.  [default: the site's]")
@click.option("--url-template", metavar="TEXT", help="Address of a page, as in /news/{id}.html.")
@click.option("--site", metavar="NAME", help="Put in front of ids, for one of several sources.")
@click.option(
    "--timezone", callback=zone_name, metavar="ZONE", help="Zone of dates.  [default: the site's]"
)
@click.option("-i", "--index", metavar="FOLDER", help="Where the index will be.")
@click.option(
    "-o",
    "--output",
    default=CONFIG_NAME,
    show_default=True,
    type=click.Path(dir_okay=False),
    callback=writable,
    help="File to write, - for standard output.",
)
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@click.option("--add", is_flag=True, help="Add the source to the file, which is there.")
def init(
    query: str | None,
    pairs: tuple[str, ...],
    timezone: str | None,
    site: str | None,
    index: str | None,
    output: str,
    force: bool,
    add: bool,
    **given: Any,
) -> None:
    """Look at where your articles are and write recommender.toml, so that all else knows.

    Shows how many there are and the first titles. SITE is the site's folder, whose own config is
    read; or, where that is out of reach, the URL of its database.

    \b
    recommender init --pbootcms /var/www/site
    recommender init --wordpress /var/www/blog --timezone Asia/Shanghai
    recommender init --sql sqlite:///cms.db --query "SELECT id, title, body FROM news"
    recommender init --html /var/www/site/public
    recommender init --add --feed https://partner.example/feed.xml --site partner
    """
    target = Path(output)
    plan = _planned(given, query, target)
    fields = _fields(pairs)
    before = _before(target, index, force=force, add=add)
    if plan.secret and before is not None:
        plan.options["url_env"] = _free_variable(before)
    spec = SourceSpec(kind=plan.kind, site=site or "", fields=fields, options=plan.options)
    glance = _look(spec, plan, target, timezone)
    if glance is not None:
        _show(glance, plan)
        if plan.kind in _PRESETS and glance.base_url:
            plan.options.setdefault("base_url", glance.base_url)
    options = {**plan.options, **({"fields": fields} if fields else {})}
    zone = timezone or (glance.timezone if glance is not None else "")
    # The dates of PbootCMS are not in the index's zone unless it says so.
    if (before is not None and zone) or (timezone and plan.kind == "pbootcms"):
        options["timezone"] = zone
    if site:
        options["site"] = site
    if before is not None:
        text = _added(before, source_text(plan.kind, options), target)
    else:
        text = settings_text(
            index=index or f"indexes/{_short_name(site, plan, glance)}",
            timezone=zone or "UTC",
            kind=plan.kind,
            options=options,
        )
    emit(text, output)
    if plan.secret:
        say(
            f"The address of the database holds a password, so that {output} only names the "
            f"environment variable {plan.variable}. Set it for every command, also for cron:\n"
            f"  export {plan.variable}='…the address…'"
        )
    if output != "-":
        named = "" if target == Path(CONFIG_NAME) else f"--config {shlex.quote(output)} "
        say(f"{'Added to' if add else 'Wrote'} {output}. Now: recommender {named}sync")


def _before(target: Path, index: str | None, *, force: bool, add: bool) -> str | None:
    """What stands in the file to which a source is added; `None` where a new one is written."""
    if not add:
        if str(target) != "-" and target.exists() and not force:
            raise ConfigError(
                f"{target} is there already; --add adds the source to it, --force overwrites it"
            )
        return None
    if index or force or str(target) == "-":
        raise click.UsageError("--add goes with neither --index nor --force nor -o -")
    read_settings(target)
    return target.read_text("utf-8-sig")


def _free_variable(before: str) -> str:
    """A name for the variable of one more database."""
    names = (f"{_DEFAULT_VARIABLE}{number}" for number in ("", *range(2, 100)))
    return next(each for each in names if f'"{each}"' not in before)


def _added(before: str, source: str, target: Path) -> str:
    """The text of the settings with one more source, if both together can be read."""
    text = f"{before.rstrip()}\n\n{source}"
    try:
        parse_settings(text.encode("utf-8"), target)
    except ConfigError as error:
        raise ConfigError(
            f"the source cannot be added: {error} (init --site NAME gives it one)"
        ) from error
    return text


def _planned(given: Mapping[str, Any], query: str | None, target: Path) -> _Plan:
    """What is to be written, of the options of the command line."""
    named = [kind for kind in _KINDS if given[kind]]
    if len(named) != 1:
        wanted = ", ".join(f"--{kind}" for kind in _KINDS)
        raise click.UsageError(f"say where the articles are with one of {wanted}")
    kind = named[0]
    value = given[kind]
    plan = _Plan(kind)
    if kind in _PRESETS and Path(value).expanduser().is_dir():
        plan.options["site_folder"] = _path(value, target)
    elif kind in (*_PRESETS, "sql"):
        _name_database(plan, value, target)
    elif kind == "html":
        plan.options["folder"] = _path(value, target)
    elif kind == "feed":
        plan.options["url"] = value
    else:
        plan.options["paths"] = [_path(each, target) for each in value]
    if (kind == "sql") != (query is not None):
        raise click.UsageError("--sql and --query go together")
    if query is not None:
        plan.options["query"] = query
    for name in ("base_url", "url_template", "prefix"):
        if given[name] is not None:
            plan.options[name] = given[name]
    return plan


def _name_database(plan: _Plan, value: str, target: Path) -> None:
    """Name a database by an address without a password, or by a variable."""
    if "://" not in value:
        if _VARIABLE.fullmatch(value) and value in os.environ:
            plan.options["url_env"] = value
            return
        wanted = "URL of a database" if plan.kind == "sql" else "folder or URL of a database"
        # What may be a mistyped address may hold a password.
        shown = "what was given" if "@" in value else f"{value!r:.80}"
        raise ConfigError(
            f"--{plan.kind}: {shown} is no {wanted}, and no environment variable of that name is "
            "set"
        )
    from recommender.sources.databases import Database

    if Database.of_url(value, folder=target.parent, called=f"--{plan.kind}").has_password:
        plan.options["url_env"] = _DEFAULT_VARIABLE
        plan.secret = value
    else:
        plan.options["url"] = value


def _path(value: str, target: Path) -> str:
    """A path as the settings write it: relative only where they lie in the working folder."""
    path = Path(value).expanduser()
    return str(path) if target.parent == Path() else str(path.absolute())


def _fields(pairs: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        ours, separator, theirs = pair.partition("=")
        if not (separator and ours and theirs):
            raise click.BadParameter(f"{pair!r:.60} is not OURS=THEIRS", param_hint="--field")
        found[ours] = theirs
    return found


def _look(spec: SourceSpec, plan: _Plan, target: Path, timezone: str | None) -> Glance | None:
    """Try the source; `None` where its kind cannot be read here."""
    if not is_supported(spec.kind):
        return None
    plain = SourceSpec(
        kind=spec.kind, timezone=timezone or "", fields=spec.fields, options=spec.options
    )
    where = Surroundings(folder=target.parent, zone=zone_of(timezone or "UTC"))
    with _set(plan.variable, plan.secret):
        source = open_source(plain, where)
        return glance_at(source, _SHOWN)


@contextmanager
def _set(variable: str, value: str) -> Iterator[None]:
    """An environment variable, for as long as a source is tried."""
    before = os.environ.get(variable)
    if value:
        os.environ[variable] = value
    try:
        yield
    finally:
        if value and before is None:
            del os.environ[variable]
        elif value and before is not None:
            os.environ[variable] = before


def _show(glance: Glance, plan: _Plan) -> None:
    if not glance.articles:
        raise SourceError(printable(_why_none(glance, plan)))
    system = f"{_WORDS[plan.kind]}: " if plan.kind in _WORDS else ""
    count = "1 article" if glance.total == 1 else f"{glance.total:,} articles"
    more = "" if glance.whole else " and more"
    say(printable(f"{system}{glance.place}, {count}{more}, as"))
    for article in glance.articles:
        day = f"{article.date:%Y-%m-%d}" if article.date else " " * 10
        say(printable(f"  {day}  {article.title or article.id}  {article.url}".rstrip()))
    if not all(article.url for article in glance.articles):
        how = _ADDRESSES.get(plan.kind, "")
        say(f"Some of these have no address, so that no list could link to them{how}.")
    if glance.problem:
        say(printable(f"Not all can be used, as {glance.problem}"))


def _why_none(glance: Glance, plan: _Plan) -> str:
    """Why a source that can be read gives nothing to begin with."""
    if glance.problem:
        return f"{glance.place} gives no article that can be used, as {glance.problem}"
    if plan.kind in _PRESETS:
        return (
            f"{glance.place} gives no article that readers may see; is it the right one, and is "
            "--prefix right?"
        )
    return f"{glance.place} gives no article: it is empty"


def _short_name(site: str | None, plan: _Plan, glance: Glance | None) -> str:
    """A name for the index's folder: the site's domain, where it is known."""
    base = str(plan.options.get("base_url") or (glance.base_url if glance is not None else ""))
    domain = base.partition("://")[2].partition("/")[0].partition(":")[0]
    name = re.sub(r"[^\w.-]", "-", site or domain).strip(".-")
    return name or "articles"

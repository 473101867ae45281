"""HTML pages as a source, as `[[sources]]` of the kind `html` names them: a folder or a list.

A page's id is its path, which stays when its title or text changes. One page is in memory at a
time. What is no article (a list, a front page, a signpost) is told and left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin

from recommender.addresses import Address, parse_address
from recommender.config import install_command
from recommender.errors import ArticleError, ConfigError, SourceError
from recommender.limits import Limits, named
from recommender.records import Article
from recommender.source_specs import SourceSpec
from recommender.sources.fields import Problem
from recommender.sources.opening import Surroundings, known_options
from recommender.sources.page_files import PageFile, Patterns, is_inside, listed, read_file, walk
from recommender.sources.source import OnProblem

if TYPE_CHECKING:
    from recommender.sources.pages import Page

_PAGES = ("**/*.html", "**/*.htm")


@dataclass(frozen=True, slots=True, kw_only=True)
class HtmlSource:
    """Articles of HTML files."""

    name: str
    read: Callable[..., Page]
    none: type[ArticleError]
    folder: Path
    list_file: Path | None
    patterns: Patterns
    base: Address | None
    zone: tzinfo
    limits: Limits
    complete: bool = True
    noindex: bool = False
    site: str = ""

    @property
    def place(self) -> str:
        """Its list, or its folder."""
        return str(self.list_file or self.folder)

    def articles(
        self,
        *,
        on_problem: OnProblem | None = None,
        on_lost_date: OnProblem | None = None,
    ) -> Iterator[Article]:
        """The articles, in the order of the folder's names or of the list."""
        if not self.folder.is_dir():
            raise SourceError(f"{self.name}: {self.folder} is not a folder")
        if self.list_file is None:
            files = walk(self.folder, self.patterns, on_problem)
        else:
            files = listed(self.list_file, self.folder, self.patterns, on_problem)
        for file in files:
            try:
                yield self._article(file)
            except ArticleError as error:
                if on_problem is None:
                    raise ArticleError(
                        error.reason, source=self.name, article_id=error.article_id or file.id
                    ) from error
                on_problem(
                    Problem(
                        source=self.name,
                        reason=f"{file.id!r:.200}: {error.reason}",
                        article_id=file.id,
                        is_article=not isinstance(error, (_Alias, self.none)),
                    )
                )

    def _article(self, file: PageFile) -> Article:
        page = self._page(file.path)
        address = self._address(page)
        other = self._alias_of(file, address)
        if other:
            raise _Alias(f"it says that it is {other!r:.200} under another name")
        article = Article(
            id=file.id,
            title=page.title,
            body=page.body,
            url=file.url or self._url(file, address),
            date=page.date,
            category=page.category,
            language=page.language,
        )
        if len(article.body) > self.limits.body_length:
            raise ArticleError(
                f"body has {len(article.body):,} characters, at most "
                f"{self.limits.body_length:,} are taken; {named('body_length')}"
            )
        return article

    def _page(self, path: Path) -> Page:
        data = read_file(path, self.limits.page_length)
        if len(data) > self.limits.page_length:
            raise ArticleError(
                f"the page has more than {self.limits.page_length:,} bytes; {named('page_length')}"
            )
        return self.read(data, zone=self.zone, noindex=self.noindex)

    def _address(self, page: Page) -> Address | None:
        """The address the page gives as its own, if it may be believed.

        It must lie on the site's host, and not be the first page of the site, which templates
        give for every page.
        """
        try:
            whole = urljoin(self.base.url, page.canonical) if self.base else page.canonical
        except ValueError:
            return None
        address = parse_address(whole) if page.canonical else None
        if address is None or not address.host or address.is_home:
            return None
        return address if self.base is None or address.host == self.base.host else None

    def _url(self, file: PageFile, address: Address | None) -> str:
        if address is not None:
            return address.url
        if self.base is None:
            # From the root of the site: where the folder is that, the address is right.
            return f"/{_escaped(file.id)}"
        found = parse_address(self.base.url + _escaped(file.id))
        return "" if found is None else found.url

    def _alias_of(self, file: PageFile, address: Address | None) -> str:
        """Id of the page that this one says it is, if that is an article of its own."""
        other = self._named_by(file, address)
        if other is None:
            return ""
        try:
            back = self._address(self._page(other.path))
        except ArticleError:
            return ""
        # Two pages that name each other are both kept.
        return "" if self._named_by(other, back) else other.id

    def _named_by(self, file: PageFile, address: Address | None) -> PageFile | None:
        """The other file of the folder that an address stands for."""
        if address is None or self.base is None or self.list_file is not None:
            return None
        if not address.request.startswith(self.base.request):
            return None
        path = unquote(address.request[len(self.base.request) :].partition("?")[0]).strip("/")
        root = self.folder.resolve()
        names = (path, f"{path}/index.html", f"{path}.html", f"{path}/index.htm", f"{path}.htm")
        if file.id in names:
            return None
        for name in names:
            if path and self.patterns.match(name) and is_inside(root / name, root):
                return PageFile(name, root / name)
        return None


class _Alias(ArticleError):
    """A page that says it is another one under another name."""


def _escaped(path: str) -> str:
    for sign, escape in (("%", "%25"), ("?", "%3F"), ("#", "%23")):
        path = path.replace(sign, escape)
    return path


def open_source(spec: SourceSpec, surroundings: Surroundings) -> HtmlSource:
    """A source of pages: `folder` or `list`, or a `list` of paths below a `folder`.

    Also `pattern` and `exclude` (paths below the folder), `base_url` (the address of the folder),
    `noindex = true` to take pages that search engines are to leave out, and `complete = false` for
    a list that holds only what is new.

    Raises
    ------
    ConfigError
        If an option is unknown or malformed, or the extra `html` is missing.
    """
    options = known_options(
        spec, "folder", "list", "pattern", "exclude", "base_url", "noindex", "complete"
    )
    if spec.fields:
        raise ConfigError(f"[[sources]] {spec.name}: pages have no fields to name")
    for name in ("complete", "noindex"):
        if not isinstance(options.get(name, False), bool):
            raise ConfigError(f"[[sources]] {spec.name}: {name} must be true or false")
    folder, list_name = options.get("folder"), options.get("list")
    for key, value in (("folder", folder), ("list", list_name)):
        if value is not None and (not isinstance(value, str) or not value):
            raise ConfigError(f"[[sources]] {spec.name}: {key} must be a path")
    if folder is None and list_name is None:
        raise ConfigError(
            f'[[sources]] {spec.name}: name a folder of pages, as folder = "public", or a list'
        )
    list_file = None if list_name is None else surroundings.path(list_name)
    where = surroundings.path(folder) if folder is not None else None
    if where is None:
        where = list_file.parent if list_file is not None else surroundings.folder
    read, none = _reader()
    return HtmlSource(
        name=spec.name,
        read=read,
        none=none,
        folder=where,
        list_file=list_file,
        patterns=Patterns(
            _texts(spec, options.get("pattern", list(_PAGES)), "pattern"),
            _texts(spec, options.get("exclude", []), "exclude"),
        ),
        base=_base(spec, options.get("base_url", "")),
        zone=surroundings.zone,
        limits=surroundings.limits,
        complete=options.get("complete", True),
        noindex=options.get("noindex", False),
    )


def _reader() -> tuple[Callable[..., Page], type[ArticleError]]:
    """What reads a page, and its error for what is no article."""
    try:
        from recommender.sources.pages import NoArticle, read_page
    except ImportError as error:
        raise ConfigError(
            f"sources of kind html need an extra: {install_command('html')}"
        ) from error
    return read_page, NoArticle


def _texts(spec: SourceSpec, value: object, key: str) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(each, str) and each for each in given):
        raise ConfigError(
            f'[[sources]] {spec.name}: {key} must be a pattern or several, as ["**/index.html"]'
        )
    return tuple(given)


def _base(spec: SourceSpec, value: object) -> Address | None:
    if value == "":
        return None
    address = parse_address(value) if isinstance(value, str) else None
    if address is None or not address.host or "?" in address.request or address.fragment:
        raise ConfigError(
            f"[[sources]] {spec.name}: base_url must be a web address, as https://www.example.cn/"
        )
    if address.request.endswith("/"):
        return address
    return parse_address(address.url + "/")

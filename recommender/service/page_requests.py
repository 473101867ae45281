"""What a browser sends to the page → values: language, thresholds, a draft, where to go.

Pure but for the request it reads; decides nothing that the engine decides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request

from recommender.config import Thresholds
from recommender.errors import ArticleError, ConfigError
from recommender.records import Article
from recommender.reports.service_page import Cuts, Draft
from recommender.reports.wording import LANGUAGES, Language

LANGUAGE_COOKIE = "recommender_language"
_MOST_FIELDS = 20
_CUTS = ("same_text", "same_story", "related")
_MIDDAY = time(12)


class PageProblem(Exception):
    """What is wrong with what was sent; names a text of the page."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def is_part(request: Request) -> bool:
    """Whether the open page asks for a part of itself."""
    return request.headers.get("hx-request") == "true"


def language_of(request: Request) -> Language:
    """The language of the interface: of the address, of the cookie, of the browser."""
    for said in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        for language in LANGUAGES:
            if said == language:
                return language
    return preferred(request.headers.get("accept-language", ""))


def preferred(accepted: str) -> Language:
    """The language that an Accept-Language header prefers of those there are."""
    best: tuple[float, Language] = (0.0, "en")
    for part in accepted[:500].split(","):
        tag, _, weight = part.partition(";")
        primary = tag.strip().lower().partition("-")[0]
        try:
            share = float(weight.strip().removeprefix("q=")) if weight.strip() else 1.0
        except ValueError:
            continue
        for language in LANGUAGES:
            if primary == language and share > best[0]:
                best = (share, language)
    return best[1]


def root_of(request: Request) -> str:
    """What the service's paths begin with where a proxy serves it in a folder."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def switched(request: Request, language: Language) -> str:
    """Address of the same page in the other language."""
    other = next(each for each in LANGUAGES if each != language)
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in ("lang", "moved")]
    root = root_of(request)
    path = request.url.path.removeprefix(root)
    return f"{root}{path}?{urlencode([*kept, ('lang', other)])}"


def fields_of(body: bytes) -> dict[str, str]:
    """The fields of a form as browsers send it; the last of one name counts.

    Raises
    ------
    PageProblem
        If it is no such form.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MOST_FIELDS,
            errors="replace",
        )
    except ValueError:
        raise PageProblem("form") from None
    return dict(pairs)


def cuts_of(fields: Mapping[str, str], in_force: Thresholds) -> Cuts:
    """The thresholds that were chosen; those that were not moved are those in force.

    Raises
    ------
    PageProblem
        If one is no number, too low or above 1, or they are out of order.
    """
    changes: dict[str, float] = {}
    for name in _CUTS:
        said = fields.get(name, "").strip()
        # The page shows two decimals; of more an index may have been tuned to.
        if said and said != f"{getattr(in_force, name):.2f}":
            try:
                changes[name] = float(said)
            except ValueError:
                raise PageProblem("cuts") from None
    try:
        cuts = Cuts(chosen=in_force.with_changes(**changes), in_force=in_force)
    except ConfigError:
        raise PageProblem("cuts") from None
    if cuts.chosen.related < cuts.least:
        raise PageProblem("cuts")
    return cuts


def draft_of(fields: Mapping[str, str]) -> Draft:
    """What an editor typed."""
    return Draft(
        title=fields.get("title", ""),
        # Forms end lines as the network does.
        body=fields.get("body", "").replace("\r\n", "\n"),
        date=fields.get("date", "").strip(),
        id=fields.get("article", "").strip(),
    )


def digest_of(*texts: str) -> str:
    """A name for texts."""
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()


def article_of(draft: Draft, *, longest: int, zone: tzinfo) -> Article:
    """The draft as an article; without an id it gets one that no article has, always the same.

    Raises
    ------
    PageProblem
        If there is nothing in it, it is too long, or its date or id is none.
    """
    if draft.is_blank:
        raise PageProblem("no_draft")
    if len(draft.body) > longest:
        raise PageProblem("large")
    moment = None
    if draft.date:
        try:
            # The middle of the day is the least wrong where only the day is known.
            moment = datetime.combine(date.fromisoformat(draft.date), _MIDDAY, zone)
        except ValueError:
            raise PageProblem("date") from None
    try:
        return Article(
            id=draft.id or f"draft-{digest_of(draft.title, draft.body)}",
            title=draft.title,
            body=draft.body,
            date=moment,
        )
    except ArticleError as error:
        is_id = error.reason.startswith("id ")
        raise PageProblem("id" if is_id else "large") from None


def onward(said: str, root: str) -> str:
    """Where to go after signing in: a path of this service, whatever was said."""
    home = f"{root}/"
    if not said.startswith(home) or said.startswith("//") or "\\" in said or not said.isprintable():
        return home
    parts = urlsplit(said)
    return home if parts.scheme or parts.netloc else said

"""What every answer of the page has: its frame, its headers, and words for what went wrong.

Needs no index, so that what is refused before any route is reached is told as a page as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timezone, tzinfo
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from recommender.reports import service_page
from recommender.reports.service_page import Frame
from recommender.service.assets import addresses
from recommender.service.page_requests import is_part, language_of, onward, root_of, switched
from recommender.service.problems import Problem

PATHS = frozenset(("/", "/draft", "/pair", "/login", "/logout", "/docs"))
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_NAMES = {401: "signed_out", 403: "foreign", 404: "gone", 413: "large", 421: "host", 429: "often"}
_BUSY = (503, 504)


def frame_of(request: Request, *, zone: tzinfo = timezone.utc, signed_in: bool = True) -> Frame:
    """The frame for the answer to a request."""
    language = language_of(request)
    root = root_of(request)
    is_posted_pair = request.method == "POST" and request.url.path == f"{root}/pair"
    return Frame(
        language=language,
        root=root,
        assets=addresses(root),
        # What was posted would be lost.
        switch="" if is_posted_pair else switched(request, language),
        signed_in=signed_in,
        zone=zone,
    )


def name_of(status: int) -> str:
    """The text that tells of a status."""
    return "busy" if status in _BUSY else _NAMES.get(status, "other")


def told(
    request: Request,
    frame: Frame,
    name: str,
    status: int,
    headers: Mapping[str, str] | None = None,
    **values: str,
) -> Response:
    """What went wrong, as a page or as the part of it that was asked for."""
    write = service_page.problem_part if is_part(request) else service_page.problem_page
    return HTMLResponse(write(frame, name, **values), status, headers)


def refused(request: Request, frame: Frame, problem: Problem) -> Response:
    """A request that was refused; who is not signed in is led to the login and back."""
    if problem.status == 401 and not is_part(request) and request.method in ("GET", "HEAD"):
        said = request.url.path
        if request.url.query:
            said = f"{said}?{request.url.query}"
        if request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            # A link of the CMS: a browser sends no login along from there.
            again = service_page.again_page(frame, to=onward(said, frame.root))
            return HTMLResponse(again, problem.status)
        return RedirectResponse(f"{frame.root}/login?{urlencode({'onward': said})}", 303)
    return told(request, frame, name_of(problem.status), problem.status, problem.headers)


def page_of_problem(scope: Any, problem: Problem) -> Response | None:
    """A problem as a page, where a browser asked for one; nothing where a program asked."""
    request = Request(scope)
    if request.url.path.removeprefix(root_of(request)) not in PATHS:
        return None
    if "text/html" not in request.headers.get("accept", "") and not is_part(request):
        return None
    response = refused(request, frame_of(request, signed_in=problem.status != 401), problem)
    response.headers.update(HEADERS)
    return response

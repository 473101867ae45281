"""The editor's page at `/`: find an article, see its box and its near-duplicates, check a draft.

Thin over the engine: reads the request, asks in a thread, and has `reports.service_page` write
the answer. Every address gives a whole page, or the part of it that the open page asks for.
Nothing is stored.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timezone
from threading import Lock
from typing import ParamSpec

from fastapi import APIRouter
from fastapi.security import HTTPAuthorizationCredentials
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from recommender.config import Thresholds
from recommender.errors import (
    ArticleNotFound,
    EmbeddingError,
    IndexLocked,
    IndexStoreError,
    RecommenderError,
)
from recommender.explanation import Explanation
from recommender.records import Article
from recommender.reports import service_page
from recommender.reports.service_page import (
    FLOOR,
    Answer,
    Cuts,
    Draft,
    Frame,
    PairNote,
    near_ids,
    pair_note,
)
from recommender.service.assets import serve_asset
from recommender.service.page_frame import HEADERS, frame_of, name_of, refused, told
from recommender.service.page_requests import (
    LANGUAGE_COOKIE,
    PageProblem,
    article_of,
    cuts_of,
    digest_of,
    draft_of,
    fields_of,
    is_part,
    onward,
)
from recommender.service.problems import Problem, of_error
from recommender.service.state import ServiceState

Parameters = ParamSpec("Parameters")
Handler = Callable[[Request, Frame], Awaitable[Response]]

FOUND = 20
PLACES = 5
_MEASURED = 100
_COUNTED = 256
_NOTES = 1_000
_YEAR = 31_536_000


def router(state: ServiceState) -> APIRouter:
    """The routes of the page; none is in the OpenAPI document."""
    page = Page(state)
    routes = APIRouter()
    reading, sending = ["GET", "HEAD"], ["POST"]
    for path, methods, handler in (
        ("/", reading, page.guarded(page.home)),
        ("/draft", reading, page.guarded(page.draft)),
        ("/draft", sending, page.guarded(page.check)),
        ("/pair", reading, page.guarded(page.pair)),
        ("/pair", sending, page.guarded(page.draft_pair)),
        ("/login", reading, page.open(page.sign_in)),
        ("/login", sending, page.open(page.signed_in)),
        ("/logout", sending, page.open(page.sign_out)),
        ("/static/{name}", reading, serve_asset),
    ):
        routes.add_api_route(
            path, handler, methods=methods, include_in_schema=False, response_model=None
        )
    return routes


class Page:
    """The handlers of one worker."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        # Drafts that were counted against a rate: who moves a threshold asks about one again.
        self._counted: OrderedDict[str, None] = OrderedDict()
        self._notes: OrderedDict[tuple[str, str, str, bool], PairNote] = OrderedDict()
        self._turn = Lock()

    def open(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A handler for anyone; what goes wrong becomes a page, or a part of one."""

        async def answer(request: Request) -> Response:
            frame = frame_of(request, zone=self._state.reader.options.zone)
            try:
                response = await handler(request, frame)
            except PageProblem as problem:
                response = told(request, frame, problem.name, 422)
            except Problem as problem:
                response = refused(request, self._outside(request, frame), problem)
            except ArticleNotFound:
                response = told(request, frame, "absent", 404)
            except RecommenderError as error:
                said = of_error(error)
                is_index = isinstance(error, IndexStoreError) and not isinstance(error, IndexLocked)
                name = "index" if is_index else name_of(said.status)
                response = told(request, frame, name, said.status, said.headers)
            response.headers.update(HEADERS)
            if request.query_params.get("lang") == frame.language:
                response.set_cookie(
                    LANGUAGE_COOKIE,
                    frame.language,
                    max_age=_YEAR,
                    path=f"{frame.root}/",
                    httponly=True,
                    samesite="lax",
                )
            return response

        return answer

    def guarded(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """A handler for those who have the token or a login; others are led to the login."""

        async def allowed(request: Request, frame: Frame) -> Response:
            await self._state.access.required(request, _bearer(request))
            return await handler(request, frame)

        return self.open(allowed)

    async def home(self, request: Request, frame: Frame) -> Response:
        """Before anything is asked, what was found, or an article."""
        asked = request.query_params
        if article := asked.get("article"):
            return await self._article(request, frame, article)
        query = asked.get("q", "")
        if query.strip() or is_part(request):
            return await self._written(self._found, frame, query, is_part(request))
        return await self._written(self._start, frame)

    async def draft(self, request: Request, frame: Frame) -> Response:
        """The empty form for a draft."""
        in_force = self._state.reader.thresholds
        cuts = Cuts(chosen=in_force, in_force=in_force)
        return HTMLResponse(service_page.draft_page(frame, Draft(), cuts))

    async def check(self, request: Request, frame: Frame) -> Response:
        """A draft with its answer; nothing is stored."""
        body = await request.body()
        in_force = self._state.reader.thresholds
        try:
            return await self._state.run(self._checked, request, frame, body, in_force)
        except (Problem, PageProblem) as problem:
            if is_part(request):
                raise
            # What was typed is not lost.
            if isinstance(problem, PageProblem):
                name, status, headers = problem.name, 422, {}
            else:
                name, status = name_of(problem.status), problem.status
                headers = problem.headers
            cuts = Cuts(chosen=in_force, in_force=in_force)
            draft = draft_of(fields_of(body))
            page = service_page.draft_page(frame, draft, cuts, problem=name)
            return HTMLResponse(page, status, headers)

    async def pair(self, request: Request, frame: Frame) -> Response:
        """Two articles side by side."""
        asked = request.query_params
        first, second = asked.get("first", ""), asked.get("second", "")
        return await self._written(self._side_by_side, frame, first, second, is_part(request))

    async def draft_pair(self, request: Request, frame: Frame) -> Response:
        """A draft and an article side by side."""
        body = await request.body()

        def compared() -> str:
            fields = fields_of(body)
            article = self._article_of(draft_of(fields), frame)
            self._count(request, article)
            second = fields.get("second", "")
            return self._side_by_side(frame, article, second, is_part(request))

        return await self._written(compared)

    async def sign_in(self, request: Request, frame: Frame) -> Response:
        """The form for the token; straight on for those who are signed in."""
        to = onward(request.query_params.get("onward", ""), frame.root)
        if self._state.access.is_logged_in(request):
            return RedirectResponse(to, 303)
        frame = replace(frame, signed_in=False)
        hours = self._state.options.login_hours
        return HTMLResponse(service_page.sign_in_page(frame, hours=hours, onward=to))

    async def signed_in(self, request: Request, frame: Frame) -> Response:
        """Take the token and lead on, or say that it is none."""
        fields = fields_of(await request.body())
        to = onward(fields.get("onward", ""), frame.root)
        token = fields.get("token", "").strip()
        response = RedirectResponse(to, 303)
        try:
            if not token:
                raise Problem(401, "No token was sent.")
            self._state.access.log_in(request, response, token)
        except Problem as problem:
            names = {401: "token_wrong" if token else "token_empty", 429: "token_often"}
            if problem.status not in names:
                raise
            frame = replace(frame, signed_in=False)
            page = service_page.sign_in_page(
                frame,
                hours=self._state.options.login_hours,
                problem=names[problem.status],
                onward=to,
            )
            return HTMLResponse(page, problem.status, problem.headers)
        return response

    async def sign_out(self, request: Request, frame: Frame) -> Response:
        """Forget the login of this browser."""
        response = RedirectResponse(f"{frame.root}/login", 303)
        self._state.access.log_out(request, response)
        return response

    def _outside(self, request: Request, frame: Frame) -> Frame:
        return replace(frame, signed_in=self._state.access.is_logged_in(request))

    async def _written(
        self, write: Callable[Parameters, str], *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Response:
        """What is found out and written in a thread, so that nobody waits for it."""
        return HTMLResponse(await self._state.run(write, *args, **kwargs))

    async def _article(self, request: Request, frame: Frame, article: str) -> Response:
        in_force = self._state.reader.thresholds
        problem = ""
        try:
            cuts = cuts_of(request.query_params, in_force)
        except PageProblem as error:
            if is_part(request):
                raise
            cuts, problem = Cuts(chosen=in_force, in_force=in_force), error.name

        def shown() -> str:
            answer = self._answered(article, cuts.chosen)
            if is_part(request):
                return service_page.answer_part(frame, answer)
            return service_page.article_page(frame, answer, cuts, problem=problem)

        try:
            return await self._written(shown)
        except ArticleNotFound:
            return told(request, frame, "missing", 404, id=article)

    # What follows runs in a thread.

    def _start(self, frame: Frame) -> str:
        return service_page.start_page(frame, articles=len(self._state.engine))

    def _found(self, frame: Frame, query: str, is_part: bool) -> str:
        found = self._state.engine.find(query, limit=FOUND) if query.strip() else []
        write = service_page.search_part if is_part else service_page.search_page
        return write(frame, query=query, found=found, limit=FOUND)

    def _checked(
        self, request: Request, frame: Frame, body: bytes, in_force: Thresholds
    ) -> Response:
        fields = fields_of(body)
        draft = draft_of(fields)
        asked = request.query_params
        if draft.is_blank and ("moved" in asked or "lang" in asked):
            if is_part(request):
                return Response(status_code=204)
            cuts = Cuts(chosen=in_force, in_force=in_force)
            return HTMLResponse(service_page.draft_page(frame, draft, cuts))
        cuts = cuts_of(fields, in_force)
        article = self._article_of(draft, frame)
        self._count(request, article)
        answer = self._answered(article, cuts.chosen)
        if is_part(request):
            return HTMLResponse(service_page.answer_part(frame, answer))
        return HTMLResponse(service_page.draft_page(frame, draft, cuts, answer=answer))

    def _side_by_side(self, frame: Frame, first: str | Article, second: str, is_part: bool) -> str:
        explanation = self._explained(first, second)
        write = service_page.pair_part if is_part else service_page.pair_page
        return write(frame, explanation, is_draft=isinstance(first, Article))

    def _article_of(self, draft: Draft, frame: Frame) -> Article:
        return article_of(draft, longest=self._state.options.text_length, zone=frame.zone)

    def _answered(self, article: str | Article, thresholds: Thresholds) -> Answer:
        """Everything the page shows of an article."""
        lexical = isinstance(article, Article) and self._is_without_model()
        try:
            return self._asked(article, thresholds, lexical=lexical)
        except EmbeddingError:
            return self._asked(article, thresholds, lexical=True)

    def _asked(self, article: str | Article, thresholds: Thresholds, *, lexical: bool) -> Answer:
        engine, now = self._state.engine, datetime.now(timezone.utc)
        measured = engine.near_duplicates(
            article,
            limit=_MEASURED,
            min_similarity=min(FLOOR, thresholds.related),
            thresholds=thresholds,
            now=now,
            lexical=lexical,
        )
        return Answer(
            subject=article.card if isinstance(article, Article) else engine.get(article),
            is_draft=isinstance(article, Article),
            measured=measured,
            notes=self._notes_of(article, near_ids(measured), lexical=lexical),
            related=engine.related(
                article, limit=PLACES, thresholds=thresholds, now=now, lexical=lexical
            ),
            limit=PLACES,
            thresholds=thresholds,
            by_wording=lexical,
            now=now,
        )

    def _notes_of(
        self, article: str | Article, ids: list[str], *, lexical: bool
    ) -> dict[str, PairNote]:
        """What the list tells of each pair; the last ones are kept, as thresholds change none."""
        engine = self._state.engine
        if isinstance(article, Article):
            subject = digest_of(article.id, article.title, article.body, str(article.date))
        else:
            subject = article
        keys = {each: (engine.version(), subject, each, lexical) for each in ids}
        with self._turn:
            notes = {each: self._notes[key] for each, key in keys.items() if key in self._notes}
        missing = [each for each in ids if each not in notes]
        explained = engine.explain_all(article, missing, lexical=lexical) if missing else []
        notes.update(zip(missing, map(pair_note, explained), strict=True))
        with self._turn:
            for each, key in keys.items():
                self._notes[key] = notes[each]
                self._notes.move_to_end(key)
            while len(self._notes) > _NOTES:
                self._notes.popitem(last=False)
        return notes

    def _explained(self, first: str | Article, second: str) -> Explanation:
        lexical = isinstance(first, Article) and self._is_without_model()
        try:
            return self._state.engine.explain_all(first, [second], lexical=lexical)[0]
        except EmbeddingError:
            return self._state.engine.explain_all(first, [second], lexical=True)[0]

    def _is_without_model(self) -> bool:
        # Asked beforehand: a draft is not to wait for a process that does not come.
        embedder = self._state.embedder
        return embedder is not None and embedder.state() != "ready"

    def _count(self, request: Request, article: Article) -> None:
        """Use up part of the client's rate for a draft that was not counted yet."""
        key = digest_of(article.title, article.body)
        with self._turn:
            if key not in self._counted:
                self._state.take_embeddings(request)
            self._counted[key] = None
            self._counted.move_to_end(key)
            while len(self._counted) > _COUNTED:
                self._counted.popitem(last=False)


def _bearer(request: Request) -> HTTPAuthorizationCredentials | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    return HTTPAuthorizationCredentials(scheme=scheme, credentials=token)

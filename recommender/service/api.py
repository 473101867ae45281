"""The routes of the service; each thin over one call of the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.routing import APIRoute

from recommender.records import MAX_ID_LENGTH, Article
from recommender.reports.service_docs import api_page
from recommender.service import answers
from recommender.service.metrics import CONTENT_TYPE
from recommender.service.problems import MEDIA_TYPE, Problem
from recommender.service.related import (
    DEFAULT_LIMIT,
    MOST_LISTED,
    Question,
    Rendered,
)
from recommender.service.schemas import (
    ArticleGiven,
    BatchGiven,
    Changed,
    CompareAsked,
    ComparisonShown,
    Health,
    NearDuplicates,
    NearDuplicatesAsked,
    ProblemShown,
    Readiness,
    RelatedAsked,
    RelatedList,
)
from recommender.service.state import ServiceState

Lexical = Annotated[
    bool,
    Query(description="Compare a draft by wording, titles and facts alone, without the model."),
]
PROBLEM_SCHEMA = f"#/components/schemas/{ProblemShown.__name__}"
_WHY = {
    400: "The body is no JSON.",
    401: "Without the token, or with another one.",
    403: "A page of another site asked for it.",
    404: "There is no such article.",
    408: "The body took too long to come.",
    409: "The article was erased for good.",
    413: "Too large.",
    415: "The body is compressed, or not sent as application/json.",
    421: "The service is not asked under its name.",
    422: "Not of the form that is asked for.",
    429: "Too often; Retry-After says when to come again.",
    503: "Busy or unavailable; Retry-After says when to come again.",
    504: "It takes too long; Retry-After says when to come again.",
}
_LATER = (429, 503, 504)
_RETRY_AFTER = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
}
_KEPT = {
    "ETag": {"description": "For If-None-Match.", "schema": {"type": "string"}},
    "Cache-Control": {
        "description": "How long the list may be kept.",
        "schema": {"type": "string"},
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, for the OpenAPI document."""
    return {
        status: {
            "description": _WHY[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": PROBLEM_SCHEMA}}},
            **({"headers": _RETRY_AFTER} if status in _LATER else {}),
        }
        for status in sorted({421, 503, *statuses})
    }


_UNREADY_SECONDS = 5
_GUARDED = (400, 401, 403, 408, 413, 415, 422, 429, 504)


class StrictRoute(APIRoute):
    """Bodies are JSON and nothing else: by their type, no NaN, no half characters, not too deep."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Hand the request on with its own way to read JSON."""
        handle = super().get_route_handler()
        takes_body = self.body_field is not None

        async def handler(request: Request) -> Response:
            if takes_body:
                _check_type(request)
            return await handle(_StrictRequest(request.scope, request.receive))

        return handler


def _check_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    main, _, sub = kind.partition("/")
    if main != "application" or not (sub == "json" or sub.endswith("+json")):
        raise Problem(415, "Send the body as JSON, with Content-Type: application/json.")


class _StrictRequest(Request):
    async def json(self) -> Any:
        return orjson.loads(await self.body())


def public_router(state: ServiceState) -> APIRouter:
    """What anybody may ask."""
    router = APIRouter(route_class=StrictRoute, tags=["public"])

    @router.get(
        "/articles/{article_id:path}/related",
        response_model=RelatedList,
        responses={
            200: {"headers": _KEPT},
            304: {"description": "Not changed.", "headers": _KEPT},
            **problems(404, 422, 504),
        },
        response_description="The list.",
        summary="The related list of a public article",
    )
    async def get_related(
        request: Request,
        article_id: str,
        limit: Annotated[
            int, Query(ge=0, le=MOST_LISTED, description="Most matches.")
        ] = DEFAULT_LIMIT,
        min_similarity: Annotated[
            float | None,
            Query(
                ge=0,
                le=1,
                allow_inf_nan=False,
                description="Of what is listed; by default the threshold of related.",
            ),
        ] = None,
        category: Annotated[
            str, Query(max_length=1_000, description="Only of this one; empty is any.")
        ] = "",
        fill: Annotated[
            Literal["category", "latest"] | None,
            Query(description="Add the newest articles, of the category or of all, in filler."),
        ] = None,
    ) -> Response:
        """Needs no token and no model. Only articles that readers may see now, each story once."""
        question = Question(
            article=article_id,
            limit=limit,
            min_similarity=min_similarity,
            category=category,
            fill=fill,
        )
        path, query = request.scope["path"], request.scope["query_string"]
        if state.lists.is_quick(question):
            rendered = state.lists.answer(question, path, query)
        else:
            rendered = await state.public_work.run(
                state.lists.answer, question, path, query, engine=state.engine
            )
        return _sent(state, rendered, request)

    @router.get(
        "/healthz",
        response_model=Health,
        responses=problems(),
        response_description="It does.",
        summary="Whether the process answers",
    )
    async def healthz() -> Response:
        """Asks nothing of the index."""
        return answered({"status": "ok"})

    @router.get(
        "/readyz",
        response_model=Readiness,
        responses=problems(),
        response_description="The index opens; model says whether drafts can be read.",
        summary="Whether requests can be answered",
    )
    async def readyz() -> Response:
        """Opens the index and asks for the state of the model."""
        if not await asyncio.to_thread(state.is_there):
            raise Problem(503, "The index is not there any more.", retry_after=_UNREADY_SECONDS)
        state.reader.version()
        model = "none"
        if state.embedder is not None:
            model = await asyncio.to_thread(state.embedder.state)
        return answered({"status": "ready", "model": model})

    return router


def asking_router(state: ServiceState) -> APIRouter:
    """What an editor asks about drafts and articles."""
    router = _guarded_router(state)

    @router.post(
        "/related",
        response_model=RelatedList,
        responses=problems(404),
        response_description="The list.",
        summary="The related list of a draft or an article",
    )
    async def post_related(
        request: Request, asked: RelatedAsked, lexical: Lexical = False
    ) -> Response:
        """Nothing is stored."""
        given = _draft(state, request, asked.article, lexical) if asked.article else None
        return answered(await state.run(answers.related, state.engine, asked, given, lexical))

    @router.post(
        "/near-duplicates",
        response_model=NearDuplicates,
        responses=problems(404),
        response_description="What was found.",
        summary="The check before publishing",
    )
    async def post_near_duplicates(
        request: Request, asked: NearDuplicatesAsked, lexical: Lexical = False
    ) -> Response:
        """Articles with the same text or story, hidden ones as well, with evidence."""
        given = _draft(state, request, asked.article, lexical) if asked.article else None
        return answered(
            await state.run(answers.near_duplicates, state.engine, asked, given, lexical)
        )

    @router.post(
        "/compare",
        response_model=ComparisonShown,
        responses=problems(404),
        response_description="The comparison.",
        summary="Two articles and how close they are",
    )
    async def post_compare(
        request: Request, asked: CompareAsked, lexical: Lexical = False
    ) -> Response:
        """Either may be an id or a draft."""
        first, second = (
            each if isinstance(each, str) else _draft(state, request, each, lexical)
            for each in (asked.first, asked.second)
        )
        return answered(
            await state.run(answers.compare, state.engine, asked, first, second, lexical)
        )

    return router


def changing_router(state: ServiceState) -> APIRouter:
    """Articles in and out of the index."""
    router = _guarded_router(state)

    @router.put(
        "/articles",
        response_model=Changed,
        responses=problems(404, 409),
        response_description="What was done.",
        summary="Add or replace several articles",
    )
    async def put_articles(request: Request, given: BatchGiven) -> Response:
        """Each with its id. On disk when answered; every worker sees all of them at once."""
        most = state.options.batch
        if len(given.articles) > most:
            raise Problem(
                413,
                f"{len(given.articles):,} articles in one request, at most {most:,} are taken "
                "([serve] batch).",
            )
        articles = [_article(state, each) for each in given.articles]
        if len({each.id for each in articles}) < len(articles):
            raise Problem(422, "Two articles of the batch have the same id.")
        return answered(await _change(state, request, articles))

    @router.put(
        "/articles/{article_id:path}",
        response_model=Changed,
        responses={201: {"model": Changed, "description": "It is new."}, **problems(404, 409)},
        response_description="It was there already.",
        summary="Add or replace an article",
    )
    async def put_article(
        request: Request,
        article_id: Annotated[str, Path(max_length=MAX_ID_LENGTH)],
        given: ArticleGiven,
    ) -> Response:
        """On disk when answered; every worker sees it at once."""
        done = await _change(state, request, [_article(state, given, article_id)])
        return answered(done, status=201 if done["added"] else 200)

    @router.delete(
        "/articles/{article_id:path}",
        status_code=204,
        responses=problems(404),
        response_description="It is gone.",
        summary="Take an article out",
    )
    async def delete_article(
        article_id: Annotated[str, Path(max_length=MAX_ID_LENGTH)],
    ) -> Response:
        """Gone from every list when answered."""
        await state.change(answers.delete, state.engine, article_id)
        state.metrics.changed("removed", 1)
        return Response(status_code=204)

    return router


def operators_router(state: ServiceState, document: Callable[[], dict[str, Any]]) -> APIRouter:
    """What tells of the service itself; needs the token or a login as well.

    Parameters
    ----------
    state : ServiceState
    document : callable
        Gives the OpenAPI document.
    """
    router = APIRouter(
        tags=["operators"],
        dependencies=[Depends(state.access.required)],
        responses=problems(401, 429),
    )

    @router.get(
        "/metrics",
        response_class=PlainTextResponse,
        response_description="The counters.",
        summary="Counters for Prometheus",
    )
    async def metrics() -> Response:
        """Summed over all workers."""
        state.metrics.running(state.work.taken + state.changes.taken + state.public_work.taken)
        return Response(state.metrics.text(), media_type=CONTENT_TYPE)

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return answered(document())

    @router.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(api_page(document()))

    return router


def answered(content: Any, status: int = 200) -> Response:
    """An answer that nobody keeps."""
    return Response(
        orjson.dumps(content),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _guarded_router(state: ServiceState) -> APIRouter:
    return APIRouter(
        route_class=StrictRoute,
        tags=["editors"],
        dependencies=[Depends(state.access.required)],
        responses=problems(*_GUARDED),
    )


def _article(state: ServiceState, given: ArticleGiven, article_id: str | None = None) -> Article:
    return answers.as_article(
        given,
        zone=state.reader.options.zone,
        text_length=state.options.text_length,
        article_id=article_id,
    )


def _draft(state: ServiceState, request: Request, given: ArticleGiven, lexical: bool) -> Article:
    made = _article(state, given)
    if not lexical:
        state.take_embeddings(request)
    return made


async def _change(state: ServiceState, request: Request, articles: list[Article]) -> dict[str, Any]:
    state.take_embeddings(request, len(articles))
    done = await state.change(answers.put, state.engine, articles)
    state.metrics.changed("added", done["added"])
    state.metrics.changed("updated", done["updated"])
    return done


def _sent(state: ServiceState, rendered: Rendered, request: Request) -> Response:
    headers = dict(state.lists.headers_now(rendered))
    if rendered.etag in request.headers.get("if-none-match", "").encode("latin-1"):
        kept = (b"etag", b"cache-control")
        response = Response(status_code=304)
        response.raw_headers = [(name, headers[name]) for name in kept]
        return response
    response = Response(rendered.body)
    response.raw_headers = list(headers.items())
    return response

"""The application of one worker: routes, errors, and the gate in front of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Route

from recommender import __version__
from recommender.errors import RecommenderError
from recommender.service import page
from recommender.service.api import asking_router, changing_router, operators_router, public_router
from recommender.service.page_frame import page_of_problem
from recommender.service.problems import Problem, of_error, of_validation
from recommender.service.schemas import ProblemShown
from recommender.service.state import ServiceState

_TITLE = "Recommender"
_DESCRIPTION = "Related articles and near-duplicates of one index."
_DETAILS = {404: "There is nothing at this address.", 405: "This address takes other methods."}


def create_app(state: ServiceState) -> FastAPI:
    """The application over one index.

    Parameters
    ----------
    state : ServiceState
    """
    app = _Service(
        title=_TITLE,
        description=_DESCRIPTION,
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    routers = [public_router(state)]
    if not state.options.public_only:
        routers += [
            asking_router(state),
            changing_router(state),
            operators_router(state, app.openapi),
            page.router(state),
        ]
    for each in routers:
        app.include_router(each)

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return page_of_problem(request.scope, error) or error.response()

    @app.exception_handler(RecommenderError)
    async def _error(request: Request, error: RecommenderError) -> Response:
        return of_error(error).response()

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> Response:
        return of_validation(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        detail = _DETAILS.get(error.status_code, str(error.detail))
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = _allowed(request, routers)
        return Problem(error.status_code, detail, headers=headers).response()

    return app


class _Service(FastAPI):
    """An application whose document knows what a problem looks like."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            schemas = super().openapi().setdefault("components", {}).setdefault("schemas", {})
            problem = ProblemShown.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs"))
            schemas[ProblemShown.__name__] = problem
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
        assert self.openapi_schema is not None  # noqa: S101 - for the type checker
        return self.openapi_schema


def _allowed(request: Request, routers: Sequence[APIRouter]) -> str:
    """The methods of an address: of all its routes, where the framework tells those of one."""
    path = request.scope["path"]
    routes = [
        each for router in routers for each in router.routes if isinstance(each, (APIRoute, Route))
    ]
    found = [each.methods or () for each in routes if each.path_regex.match(path)]
    return ", ".join(sorted({method for methods in found for method in methods}))

"""The application of one worker: routes, errors, and the gate in front of them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from recommender import __version__
from recommender.errors import RecommenderError
from recommender.service import page
from recommender.service.api import asking_router, changing_router, operators_router, public_router
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
    app.include_router(public_router(state))
    if not state.options.public_only:
        app.include_router(asking_router(state))
        app.include_router(changing_router(state))
        app.include_router(operators_router(state, app.openapi))
        app.include_router(page.router(state), include_in_schema=False)

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(RecommenderError)
    async def _error(request: Request, error: RecommenderError) -> Response:
        return of_error(error).response()

    @app.exception_handler(RequestValidationError)
    async def _validation(request: Request, error: RequestValidationError) -> Response:
        return of_validation(error.errors()).response()

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        detail = _DETAILS.get(error.status_code, str(error.detail))
        return Problem(error.status_code, detail, headers=_headers(error)).response()

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


def _headers(error: HTTPException) -> dict[str, Any]:
    return dict(error.headers or {})

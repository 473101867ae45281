"""Who may ask: a token in a header, or the cookie of a login; both compared in constant time.

The cookie says until when it counts and is signed with a key made of the token, so that another
token ends every login. A browser sends it along whoever made the page; what changes something is
therefore taken only from pages of this service.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from recommender.service.problems import Problem
from recommender.service.rates import Rates, client_key

COOKIE = "recommender_login"
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_OWN_SITE = frozenset(("same-origin", "none"))
_LONGEST_COOKIE = 200

bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="The token that the service started with."
)


class Access:
    """Who may ask for what is not public.

    Parameters
    ----------
    token : str or None
        Without one nobody may.
    rates : Rates
        Counts tries that fail.
    tries : int
        Tries a minute that a client may fail.
    hours : float
        How long a login lasts.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(
        self,
        token: str | None,
        *,
        rates: Rates,
        tries: int,
        hours: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._token = None if token is None else _digest(token)
        self._key = hmac.digest(
            (token or secrets.token_hex()).encode(), b"recommender login", hashlib.sha256
        )
        self._rates, self._tries = rates, tries
        self._seconds = hours * 3_600
        self._clock = clock

    async def required(
        self,
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
    ) -> None:
        """Let a request pass that has the token or a login; a dependency of routes.

        Raises
        ------
        Problem
            401 without either, 403 for a change that another site's page asks for, 429 after too
            many tries.
        """
        # The header is read again: what the gate and a route ask is one and the same.
        self.check(request)

    def check(self, request: Request) -> None:
        """Refuse a request without the token or a login; see `required`."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme:
            self.check_token(request, token.strip() if scheme.lower() == "bearer" else "")
            return
        if not self.is_logged_in(request):
            raise Problem(
                401,
                "This needs the token of the service, as Authorization: Bearer TOKEN, or a login.",
                headers={"WWW-Authenticate": 'Bearer realm="recommender"'},
            )
        if request.method not in _SAFE_METHODS:
            self.check_origin(request)

    def check_token(self, request: Request, token: str) -> None:
        """Refuse what is not the token.

        Raises
        ------
        Problem
            401, or 429 after too many tries.
        """
        if self._is_token(token):
            return
        wait = self._rates.take("token", client_of(request), per_minute=self._tries)
        if wait:
            raise Problem(429, "Too many wrong tokens; wait a little.", retry_after=wait)
        raise Problem(
            401,
            "That is not the token of the service.",
            headers={"WWW-Authenticate": 'Bearer realm="recommender", error="invalid_token"'},
        )

    def is_logged_in(self, request: Request) -> bool:
        """Whether the request carries the cookie of a login that still counts."""
        cookie = request.cookies.get(COOKIE, "")
        if self._token is None or not cookie or len(cookie) > _LONGEST_COOKIE:
            return False
        said, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(self._signature(said).encode(), signature.encode()):
            return False
        until = said.partition(".")[0]
        return until.isascii() and until.isdigit() and int(until) > self._clock()

    def log_in(self, request: Request, response: Response, token: str) -> None:
        """Give a browser the cookie of a login.

        Parameters
        ----------
        request : Request
            The form that was sent.
        response : Response
            Gets the cookie.
        token : str
            What was filled in.

        Raises
        ------
        Problem
            401 for a wrong token, 403 for a form on another site's page, 429 after too many tries.
        """
        self.check_origin(request)
        self.check_token(request, token)
        said = f"{int(self._clock() + self._seconds)}.{secrets.token_urlsafe(12)}"
        response.set_cookie(
            COOKIE,
            f"{said}.{self._signature(said)}",
            max_age=int(self._seconds),
            path="/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    def log_out(self, request: Request, response: Response) -> None:
        """Take the cookie back.

        Raises
        ------
        Problem
            403 for a form on another site's page.
        """
        self.check_origin(request)
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")

    def check_origin(self, request: Request) -> None:
        """Refuse what a page of another site makes a browser send.

        Raises
        ------
        Problem
            403.
        """
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        if site is not None:
            own = site in _OWN_SITE
        else:
            # Browsers that do not say the one say the other of what changes something.
            own = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
        if not own:
            raise Problem(403, "A page of another site asked for this.")

    def _is_token(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(self._token, _digest(given))

    def _signature(self, said: str) -> str:
        return hmac.new(self._key, said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def client_of(request: Request) -> str:
    """Whom rates are counted for."""
    return client_key(request.client.host if request.client is not None else "")


def _digest(token: str) -> bytes:
    # Texts of any length and any characters compare in the same time.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()

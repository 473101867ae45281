"""Style sheet, scripts and picture of the page, under addresses that change with what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

_KINDS = {
    "htmx.min.js": "text/javascript; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "page.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_MARK = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file, and a mark of what it holds."""

    content: bytes
    kind: str
    mark: str


@cache
def assets() -> Mapping[str, Asset]:
    """All files by name."""
    folder = resources.files("recommender.service") / "static"
    found = {}
    for name, kind in _KINDS.items():
        content = (folder / name).read_bytes()
        mark = hashlib.sha256(content).hexdigest()[:_MARK]
        found[name] = Asset(content=content, kind=kind, mark=mark)
    return found


def addresses(root: str) -> dict[str, str]:
    """Where the files are, for a service whose paths begin with `root`."""
    return {name: f"{root}/static/{name}?v={each.mark}" for name, each in assets().items()}


async def serve_asset(request: Request) -> Response:
    """One file; kept by browsers for as long as its address stays."""
    found = assets().get(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    is_current = request.query_params.get("v") == found.mark
    headers = {
        "ETag": f'"{found.mark}"',
        "Cache-Control": "public, max-age=31536000, immutable" if is_current else "no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.kind, headers=headers)

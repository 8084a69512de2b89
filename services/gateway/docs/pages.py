"""The documentation pages: our own, without anything from elsewhere, so that it works offline."""

from pathlib import Path

from starlette.responses import Response

from gateway.http.incoming import Incoming

_FOLDER = Path(__file__).resolve().parents[1] / "static"

PAGES = {
    "/docs": "docs.html",
    "/docs/common.js": "common.js",
    "/docs/docs.js": "docs.js",
    "/docs/docs.css": "docs.css",
    "/docs/events": "events.html",
    "/docs/events.js": "events.js",
    "/docs/errors": "errors.html",
    "/docs/errors.js": "errors.js",
}

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}

_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class Page:
    """One file, read once."""

    def __init__(self, file: str) -> None:
        path = _FOLDER / file
        self._body, self._type = path.read_bytes(), _TYPES[path.suffix]

    async def __call__(self, request: Incoming) -> Response:
        return Response(self._body, headers=_HEADERS, media_type=self._type)

"""Requests that the gateway itself sends to the identity provider: TLS, no redirects, no proxies, little time and size.

The addresses come from settings and from the provider's own document, never from a client. Blocks: for worker threads.
"""

import http.client
import ipaddress
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from shared.kernel import strict_json

SECONDS = 5.0
MOST_BYTES = 1024 * 1024


class OutboundFailed(Exception):
    """No usable answer; the text is for the log."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def fetch_json(url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Any:
    """The JSON object at an address, or what it answers to a form. Raises OutboundFailed."""
    check_address(url)
    data = urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(url, data, {"Accept": "application/json", **(headers or {})})
    try:
        with _opener.open(request, timeout=SECONDS) as answer:
            body = answer.read(MOST_BYTES + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise OutboundFailed(f"{urlsplit(url).netloc}: {type(error).__name__} {getattr(error, 'code', '')}") from None
    if len(body) > MOST_BYTES:
        raise OutboundFailed(f"{urlsplit(url).netloc}: answer too large")
    return _object(body)


def check_address(url: str) -> None:
    """HTTPS, or plain HTTP to this very machine. Raises OutboundFailed."""
    parts = urlsplit(url)
    if (parts.scheme == "https" and parts.hostname) or (parts.scheme == "http" and _is_loopback(parts.hostname or "")):
        return
    raise OutboundFailed(f"not an https address: {url[:200]}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = strict_json.loads(body)
    except Exception as error:  # whatever a stranger sent
        raise OutboundFailed(f"not JSON: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise OutboundFailed("not a JSON object")
    return found

"""RFC 9457 problems as HTTP answers; which refusal is which problem is said in `shared/wire/problems.py`."""

import json
from typing import Any

from starlette.responses import Response

from shared.kernel.refusals import Refusal
from shared.wire.problems import STATUS, TITLES, problem

__all__ = ["MEDIA_TYPE", "STATUS", "TITLES", "respond", "to_wire"]

MEDIA_TYPE = "application/problem+json"

_RETRY_AFTER = {"unavailable": "2", "idempotency_running": "1", "not_yet": "1"}


def to_wire(refusal: Refusal, language: str) -> dict[str, Any]:
    """A refusal of the gateway itself in the form in which those of services arrive."""
    return refusal.to_wire(language)


def respond(refusal: dict[str, Any], language: str, request_id: str, instance: str) -> Response:
    """The HTTP answer to a refusal in wire form."""
    status = STATUS.get(str(refusal.get("family")), 500)
    details: dict[str, Any] = refusal.get("details") or {}
    told = problem(refusal, language, request_id, instance)
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Response(body, status, _headers(status, refusal, details, language), media_type=MEDIA_TYPE)


def _headers(status: int, refusal: dict[str, Any], details: dict[str, Any], language: str) -> dict[str, str]:
    headers = {"content-language": "fr" if language == "fr" else "en", "cache-control": "no-store"}
    code, family = str(refusal.get("code")), str(refusal.get("family"))
    wait = details.get("retry_after") or _RETRY_AFTER.get(code) or _RETRY_AFTER.get(family)
    if wait:
        headers["retry-after"] = str(wait)
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="liaison"' + (
            ', error="invalid_token"' if details.get("presented") else ""
        )
    if status == 405:
        headers["allow"] = ", ".join(details.get("allowed", []))
    if status == 412 and isinstance(details.get("version"), int):
        headers["etag"] = f'"{details["version"]}"'
    return headers

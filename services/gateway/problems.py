"""RFC 9457 problems: the one map from families of refusals to HTTP statuses, and the titles in English and French."""

import json
from typing import Any

from starlette.responses import Response

from shared.messages import sentence
from shared.refusals import Refusal

STATUS: dict[str, int] = {
    "bad_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "conflict": 409,
    "stale": 412,
    "too_large": 413,
    "unsupported_media_type": 415,
    "invalid": 422,
    "precondition_required": 428,
    "too_many_requests": 429,
    "internal": 500,
    "unavailable": 503,
    "deadline": 504,
    "not_yet": 504,
}

TITLES: dict[int, tuple[str, str]] = {
    400: ("Bad request", "Demande incorrecte"),
    401: ("Not signed in", "Non connecté"),
    403: ("Not allowed", "Interdit"),
    404: ("Not found", "Introuvable"),
    405: ("Method not allowed", "Méthode non admise"),
    408: ("Request timeout", "Délai de réception dépassé"),
    409: ("Conflict", "Conflit"),
    412: ("Changed in the meantime", "Modifié entre-temps"),
    413: ("Too large", "Trop volumineux"),
    415: ("Unsupported media type", "Type de contenu non pris en charge"),
    422: ("Not valid", "Non valide"),
    428: ("Version required", "Version requise"),
    429: ("Too many requests", "Trop de demandes"),
    500: ("Internal error", "Erreur interne"),
    503: ("Not available", "Indisponible"),
    504: ("No answer in time", "Pas de réponse à temps"),
}

MEDIA_TYPE = "application/problem+json"

_RETRY_AFTER = {"unavailable": "2", "idempotency_running": "1"}
_OWN = {"presented", "type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


def to_wire(refusal: Refusal, language: str) -> dict[str, Any]:
    """A refusal of the gateway itself in the form in which those of services arrive."""
    return refusal.to_wire(language)


def respond(refusal: dict[str, Any], language: str, request_id: str, instance: str) -> Response:
    """The HTTP answer to a refusal in wire form: {family, code, detail, details, errors}.

    Details become extension members (`state`, `allowed` …), never over the standard ones. An unknown family is a
    defect between versions and is answered like one.
    """
    status = STATUS.get(str(refusal.get("family")), 500)
    details: dict[str, Any] = refusal.get("details") or {}
    code = str(refusal.get("code") or "internal_error")
    problem: dict[str, Any] = {
        "type": f"urn:liaison:problem:{code}",
        "title": TITLES[status][language == "fr"],
        "status": status,
        "detail": refusal.get("detail") or sentence(code, language),
        "instance": instance,
        "code": code,
        "request_id": request_id,
    }
    if refusal.get("errors"):
        problem["errors"] = refusal["errors"]
    problem |= {name: value for name, value in details.items() if name not in _OWN}
    body = json.dumps(problem, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
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

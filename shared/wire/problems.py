"""RFC 9457 problems: the one map from families of refusals to HTTP statuses, and the titles in English and French."""

from typing import Any

from shared.kernel.error_messages import sentence
from shared.wire import fields
from shared.wire.fields import Schema

STATUS: dict[str, int] = {
    "bad_request": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "conflict": 409,
    "gone": 410,
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
    410: ("No longer kept", "N'est plus conservé"),
    412: ("Changed in the meantime", "Modifié entre-temps"),
    413: ("Too large", "Trop volumineux"),
    414: ("URL too long", "URL trop longue"),
    415: ("Unsupported media type", "Type de contenu non pris en charge"),
    422: ("Not valid", "Non valide"),
    428: ("Version required", "Version requise"),
    429: ("Too many requests", "Trop de demandes"),
    500: ("Internal error", "Erreur interne"),
    503: ("Not available", "Indisponible"),
    504: ("No answer in time", "Pas de réponse à temps"),
}

_OWN = {"presented", "type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


class ProblemError(Schema):
    """One error inside a problem, with an RFC 6901 pointer into the body or `?name` of a query parameter.

    The rest tells what would have been right, as far as that is known.
    """

    pointer = fields.Text(required=True)
    code = fields.Text(required=True)
    message = fields.Text()
    allowed = fields.Many(fields.Text())
    expected = fields.Text()
    decimals = fields.Whole()
    least = fields.Scalar()
    most = fields.Scalar()


class Problem(Schema):
    """RFC 9457; further members are those that the sentence names. In a batch: what the operation alone would have got."""

    type = fields.Text(required=True)
    title = fields.Text(required=True)
    status = fields.Whole(required=True)
    detail = fields.Text()
    instance = fields.Text()
    code = fields.Text(required=True)
    request_id = fields.Text()
    errors = fields.Many(fields.Part(ProblemError))


def type_of(code: str) -> str:
    """The URI reference that is the `type` of a problem: where the catalogue of errors explains it."""
    return f"/docs/errors#{code}"


def problem(refusal: dict[str, Any], language: str, request_id: str, instance: str) -> dict[str, Any]:
    """The problem object of a refusal in wire form: {family, code, detail, details, errors}.

    Details become extension members (`state`, `allowed` …), never over the standard ones. An unknown family is a
    defect between versions and is answered like one.
    """
    status = STATUS.get(str(refusal.get("family")), 500)
    details: dict[str, Any] = refusal.get("details") or {}
    code = str(refusal.get("code") or "internal_error")
    told: dict[str, Any] = {
        "type": type_of(code),
        "title": TITLES[status][language == "fr"],
        "status": status,
        "detail": refusal.get("detail") or sentence(code, language),
        "instance": instance,
        "code": code,
        "request_id": request_id,
    }
    if refusal.get("errors"):
        told["errors"] = refusal["errors"]
    return told | {name: value for name, value in details.items() if name not in _OWN}

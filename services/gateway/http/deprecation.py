"""Telling clients that an operation will go: `Deprecation` (RFC 9745), `Sunset` (RFC 8594), `Link` to its successor."""

from datetime import UTC, datetime
from email.utils import format_datetime

from starlette.responses import Response

from gateway.http.incoming import Incoming
from gateway.http.routes import Endpoint
from shared.schema.contract import Operation


def noticed(operation: Operation, endpoint: Endpoint) -> Endpoint:
    """The endpoint itself, or one whose answers carry the notice of a deprecated operation."""
    headers = notice(operation)
    if not headers:
        return endpoint

    async def answer(request: Incoming) -> Response:
        response = await endpoint(request)
        response.headers.update(headers)
        return response

    return answer


def notice(operation: Operation) -> dict[str, str]:
    """The headers of a deprecated operation; none for all others."""
    if not operation.deprecated:
        return {}
    headers = {"deprecation": f"@{int(_midnight(operation.deprecated).timestamp())}"}
    if operation.sunset:
        headers["sunset"] = format_datetime(_midnight(operation.sunset), usegmt=True)
    if operation.successor:
        headers["link"] = f'<{operation.successor}>; rel="successor-version"'
    return headers


def _midnight(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)

"""What stands in the headers and the query string of a request, checked and in the form in which services get it."""

import re
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import marshmallow as ma

from gateway.errors import (
    BodyRequired,
    IdempotencyKeyRequired,
    InvalidIdempotencyKey,
    InvalidParameter,
    InvalidWaitFor,
    UnsupportedMediaType,
)
from gateway.http.incoming import Incoming
from gateway.http.limits import read_body
from shared.kernel import strict_json
from shared.kernel.refusals import Invalid
from shared.messaging.awaited import check_known
from shared.wire.explaining import explained
from shared.wire.fields import Schema

QUERY_FIELDS = 100
MOST_EVENTS = 10

_KEY = re.compile(r"[\x21-\x7e]{16,255}")
_EVENT_ID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def parse_query(raw: bytes) -> dict[str, str | list[str]]:
    """Names and values; a repeated name gives a list. Raises InvalidParameter for what is not readable."""
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS)
    except ValueError:
        raise InvalidParameter from None
    query: dict[str, str | list[str]] = {}
    for name, value in pairs:
        if "\x00" in value or "\x00" in name:
            raise InvalidParameter
        known = query.get(name)
        query[name] = value if known is None else [*([known] if isinstance(known, str) else known), value]
    return query


def only(query: dict[str, str | list[str]], *names: str) -> None:
    """Raises InvalidParameter for a parameter of another name, or one that came twice."""
    wrong = [name for name, value in query.items() if name not in names or isinstance(value, list)]
    if wrong:
        errors = [{"pointer": f"?{name}", "code": "unknown_parameter"} for name in sorted(wrong)]
        raise InvalidParameter(errors, allowed=sorted(names))


def event_ids(value: str | list[str]) -> str:
    """`wait_for`: a few event ids, separated by commas or repeated. Raises InvalidWaitFor or UnknownWaitFor."""
    ids = ",".join([value] if isinstance(value, str) else value).split(",")
    if len(ids) > MOST_EVENTS or not all(_EVENT_ID.fullmatch(one) for one in ids):
        raise InvalidWaitFor(limit=MOST_EVENTS)
    check_known(map(UUID, ids))
    return ",".join(ids)


def idempotency_key(value: str | None, rule: str) -> str | None:
    """The key without its quotes: `"k"` and `k` are one key. Raises when it is needed and absent, or not well made."""
    if rule == "none":
        return None
    if value is None:
        if rule == "required":
            raise IdempotencyKeyRequired
        return None
    key = value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
    if not _KEY.fullmatch(key):
        raise InvalidIdempotencyKey
    return key


def check_media_type(request: Incoming, merge_patch: bool = False) -> None:
    """JSON in UTF-8, not compressed. Raises UnsupportedMediaType."""
    media_type, _, parameters = (request.field(b"content-type") or "").lower().partition(";")
    charset = parameters.strip().partition("charset=")[2].strip('" ')
    allowed = {"application/json", "application/merge-patch+json"} if merge_patch else {"application/json"}
    if (
        media_type.strip() not in allowed
        or charset not in ("", "utf-8")
        or request.field(b"content-encoding") not in (None, "identity")
    ):
        raise UnsupportedMediaType(expected="application/json")


async def load_body(request: Incoming, schema: type[Schema]) -> dict[str, Any]:
    """The validated body. Raises BodyRequired, UnsupportedMediaType, InvalidJson or Invalid."""
    if not request.body_pending:
        raise BodyRequired
    check_media_type(request)
    try:
        loaded: dict[str, Any] = schema().load(strict_json.loads(await read_body(request)))
        return loaded
    except ma.ValidationError as error:
        raise Invalid(*explained(schema(), error)) from None

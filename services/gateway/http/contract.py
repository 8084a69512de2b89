"""The gateway's own operations, declared like those of every service, and documented from the same declaration."""

import marshmallow as ma

from shared.contracts.gateway.events import PATTERNS, EventView
from shared.schema.contract import PUBLIC, SIGNED_IN, Operation
from shared.wire import fields
from shared.wire.fields import Schema


class TokenRequest(Schema):
    """Either e-mail and password, or a refresh token."""

    email = fields.Text(most=254, least=3)
    password = fields.Secret(most=1024, least=1)
    refresh_token = fields.Secret(most=200, least=1)


class TokenView(Schema):
    access_token = fields.Secret(most=4096, required=True)
    token_type = fields.Choice("Bearer", required=True)
    expires_in = fields.Whole(required=True)
    refresh_token = fields.Secret(required=True)


class RevokeRequest(Schema):
    """`api_keys` ends the keys of the user as well, while the token still works."""

    refresh_token = fields.Secret(most=200, least=1, required=True)
    api_keys = fields.Flag(load_default=False)


class InvitationRequest(Schema):
    invitation_token = fields.Secret(most=200, least=1, required=True)
    password = fields.Secret(most=1024, least=12, required=True)


class OidcReturn(Schema):
    """What the provider sends the browser back with."""

    state = fields.Text(most=200)
    code = fields.Text(most=4000)
    error = fields.Text(most=200)


class OwnPasswordRequest(Schema):
    """`api_keys` ends one's keys as well as one's sessions."""

    old_password = fields.Secret(most=1024, least=1, required=True)
    new_password = fields.Secret(most=1024, least=12, required=True)
    api_keys = fields.Flag(load_default=False)


class MeView(Schema):
    id = fields.Uuid(required=True)
    email = fields.Text(most=254, required=True)
    name = fields.Text(required=True)
    language = fields.Choice("en", "fr", required=True)
    roles = fields.Many(fields.Text(), required=True)
    permissions = fields.Many(fields.Text(), required=True)
    company_id = fields.Uuid(required=True)
    companies = fields.Many(fields.Uuid(), allow_none=True)


class ProcessView(Schema):
    name = fields.Text(required=True)
    status = fields.Choice("ready", "not_ready", "unreachable", required=True)
    milliseconds = fields.Whole(required=True)
    checks = ma.fields.Dict(keys=fields.Text(), values=ma.fields.Raw(), allow_none=True)


class StatusView(Schema):
    status = fields.Choice("ok", "degraded", required=True)
    broker = fields.Choice("connected", "disconnected", required=True)
    processes = fields.Many(fields.Part(ProcessView), required=True)


class StreamQuery(Schema):
    """`last_event_id` and `ticket` are for clients that cannot send the headers Last-Event-ID and Authorization."""

    ticket = fields.Text(most=8192)
    types = fields.Text(most=2000, validate=[fields.Form(PATTERNS, error="unknown_event_type")])
    last_event_id = fields.Text(most=36)


class StreamTicketRequest(Schema):
    """`types` as for the stream itself."""

    types = fields.Text(most=2000, validate=[fields.Form(PATTERNS, error="unknown_event_type")])


class StreamTicketView(Schema):
    """For the query parameter `ticket` of one stream, within so many seconds."""

    ticket = fields.Secret(required=True)
    expires_in = fields.Whole(required=True)


class SchemaView(Schema):
    """A JSON Schema, draft 2020-12."""

    dialect = fields.Text(required=True, data_key="$schema")
    id = fields.Text(required=True, data_key="$id")
    type = fields.Choice("object", required=True)
    title = fields.Text(required=True)
    description = fields.Text(most=2000, required=True)
    required = fields.Many(fields.Text(), required=True)
    properties = fields.Open(required=True)


class EventTypeView(Schema):
    """`permission` is what a subscriber needs; `consumers` are the handlers of Liaison itself that listen to it."""

    type = fields.Text(required=True)
    routing_key = fields.Text(required=True)
    version = fields.Whole(required=True)
    service = fields.Text(required=True)
    description = fields.Text(most=2000, required=True)
    permission = fields.Text(required=True)
    dataschema = fields.Text(required=True)
    schema_url = fields.Text(required=True)
    schema = fields.Part(SchemaView, required=True)
    example = fields.Part(EventView, required=True)
    consumers = fields.Many(fields.Text(), required=True)


class EventTypesView(Schema):
    data = fields.Many(fields.Part(EventTypeView), required=True)


class ResourceView(Schema):
    """What clients need to know of a resource to draw its lists, forms and buttons."""

    name = fields.Text(required=True)
    path = fields.Text(required=True)
    area = fields.Text(required=True)
    title = fields.Many(fields.Text(), required=True, metadata={"description": "What one is called, and many."})
    help = fields.Text(required=True)
    label = fields.Many(fields.Text(), required=True, metadata={"description": "The fields by which one is called."})
    permissions = fields.Open(
        required=True, metadata={"description": "What is needed, by create, read, update, delete."}
    )
    fields_ = fields.Open(
        required=True,
        data_key="fields",
        metadata={"description": "By name: type, name, help, and what it may be used for."},
    )
    list = fields.Open(required=True, metadata={"description": "`columns` that a list shows at first, and its `sort`."})
    states = fields.Open(metadata={"description": "`field`, `path` (their order), and `values` with name and tone."})
    verbs = fields.Open(
        required=True,
        metadata={"description": "By name: what it is called, the states that it starts `from`, its body."},
    )
    related = fields.Many(
        fields.Open(), required=True, metadata={"description": "Lists that are filtered `by` a reference."}
    )
    events = fields.Many(fields.Text(), required=True)


class ResourcesView(Schema):
    """In the language of `Accept-Language`, what the caller may read."""

    data = fields.Many(fields.Part(ResourceView), required=True)


sign_in = Operation(
    "POST /v1/auth/token",
    "Sign in with e-mail and password, or exchange a refresh token",
    PUBLIC,
    request=TokenRequest,
    response=TokenView,
    problems=(401,),
)
revoke = Operation(
    "POST /v1/auth/revoke",
    "End a session by its refresh token, also its access tokens",
    PUBLIC,
    request=RevokeRequest,
    status=204,
)
accept_invitation = Operation(
    "POST /v1/auth/invitation",
    "Set the first password of an invited user",
    PUBLIC,
    request=InvitationRequest,
    status=204,
    problems=(401,),
)
start_oidc = Operation(
    "GET /v1/auth/oidc/start", "To the identity provider, to sign in there", PUBLIC, status=302, problems=(404,)
)
return_from_oidc = Operation(
    "GET /v1/auth/oidc/callback",
    "Back from the identity provider, signed in",
    PUBLIC,
    response=TokenView,
    parameters=OidcReturn,
    problems=(401, 404),
)
change_password = Operation(
    "POST /v1/me/password",
    "Change one's own password and end all sessions",
    SIGNED_IN,
    request=OwnPasswordRequest,
    status=204,
)
me = Operation("GET /v1/me", "The signed-in user with roles and permissions", SIGNED_IN, response=MeView)
status = Operation("GET /v1/status", "What runs, and whether it is ready", SIGNED_IN, response=StatusView)
list_resources = Operation(
    "GET /v1/resources", "What can be read, with names, fields, states and verbs", SIGNED_IN, response=ResourcesView
)

list_event_types = Operation(
    "GET /v1/event-types", "All types of events", PUBLIC, response=EventTypesView, tag="events"
)
get_event_type = Operation(
    "GET /v1/event-types/{type}",
    "One type of event, by its type, its routing key or its dataschema",
    PUBLIC,
    response=EventTypeView,
    problems=(404,),
    tag="events",
)
get_event_schema = Operation(
    "GET /v1/event-types/{type}/schema",
    "The JSON Schema of an event's data: what its dataschema names",
    PUBLIC,
    response=SchemaView,
    problems=(404,),
    tag="events",
)
stream_events = Operation(
    "GET /v1/events/stream",
    "What happens, live, as server-sent events; Last-Event-ID resumes without a gap",
    "gateway.events:read",
    parameters=StreamQuery,
    problems=(410,),
    tag="events",
)
create_stream_ticket = Operation(
    "POST /v1/events/stream-tickets",
    "A ticket for one event stream of a browser, whose EventSource can send no header; good once, for 30 seconds",
    "gateway.events:read",
    request=StreamTicketRequest,
    response=StreamTicketView,
    status=201,
    tag="events",
)

OPERATIONS: dict[str, Operation] = {
    "sign_in": sign_in,
    "revoke": revoke,
    "accept_invitation": accept_invitation,
    "start_oidc": start_oidc,
    "return_from_oidc": return_from_oidc,
    "change_password": change_password,
    "me": me,
    "status": status,
    "list_resources": list_resources,
    "stream_events": stream_events,
    "create_stream_ticket": create_stream_ticket,
    "list_event_types": list_event_types,
    "get_event_type": get_event_type,
    "get_event_schema": get_event_schema,
}

for _name, _operation in OPERATIONS.items():
    _operation.service, _operation.name = "gateway", _name
    _operation.tag = _operation.tag or _operation.path.split("/")[2]


def page(path: str) -> Operation:
    """A public page that is no part of the API: health, metrics, documentation."""
    return Operation(f"GET {path}", path, PUBLIC, service="gateway", name=path.strip("/") or "root", tag="page")

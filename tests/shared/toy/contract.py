"""What the toy service offers. Registered only in processes that import it."""

from decimal import Decimal
from uuid import UUID

from shared import contracts
from shared.kernel import ids
from shared.schema.contract import Event, Listing, Operation
from shared.wire import fields
from shared.wire.fields import Schema

NAME = "toy"


class ThingMade(Event, type="toy.thing.made", number=0x0CE):
    """A thing was made. What its name says happens to whoever hears of it."""

    thing_id: UUID
    name: str
    amount: Decimal


class ThingRenamed(Event, type="toy.thing.renamed", number=0xEC4):
    """A thing has another name."""

    thing_id: UUID
    name: str


class ThingBroken(Event, type="toy.thing.broken", number=0xDA4):
    """A thing broke; nobody listens."""

    thing_id: UUID


class ThingChange(Schema):
    """What may change."""

    name = fields.Text(most=200, least=1)
    amount = fields.Amount(not_negative=True)
    note = fields.Text(most=100, allow_none=True)


class ThingRequest(ThingChange):
    """A thing to make."""

    id = fields.Uuid()
    name = fields.Text(most=200, least=1, required=True)


class ThingView(Schema):
    """A thing."""

    id = fields.Uuid()
    name = fields.Text()
    amount = fields.Amount()
    note = fields.Text(allow_none=True)
    number = fields.Whole(allow_none=True)
    broken = fields.Flag()
    created_at = fields.Instant()
    version = fields.Whole()


class NapQuery(Schema):
    """How long the database shall sleep, in seconds."""

    seconds = fields.Number(required=True, positive=True)


class NapView(Schema):
    """That it slept."""

    slept = fields.Flag()


create_thing = Operation(
    "POST /v1/things", "Make a thing", "toy.things:write", request=ThingRequest, response=ThingView, status=201
)
get_thing = Operation("GET /v1/things/{id}", "One thing", "toy.things:read", response=ThingView)
patch_thing = Operation(
    "PATCH /v1/things/{id}", "Change a thing", "toy.things:write", request=ThingChange, response=ThingView
)
delete_thing = Operation("DELETE /v1/things/{id}", "Throw a thing away", "toy.things:write", status=204)
list_things = Operation(
    "GET /v1/things",
    "Things by filter",
    "toy.things:read",
    response=ThingView,
    listing=Listing(
        filters={
            "name": fields.Text(),
            "amount": fields.Amount(),
            "note": fields.Text(),
            "broken": fields.Flag(),
            "number": fields.Whole(),
            "created_at": fields.Instant(),
        },
        sorts=("created_at", "name", "amount"),
        search=("name",),
    ),
)
break_thing = Operation(
    "POST /v1/things/{id}/break", "Break a thing", "toy.things:write", response=ThingView, idempotency="required"
)
nap = Operation("GET /v1/naps", "Let the database sleep", "toy.things:read", response=NapView, parameters=NapQuery)
fail = Operation("POST /v1/failures", "Fail without a word", "toy.things:write", response=NapView)

for _name, _operation in list(vars().items()):
    if isinstance(_operation, Operation):
        _operation.service, _operation.name, _operation.tag = NAME, _name, "toy"
ids.assign(f"job/{NAME}", 0x463)
contracts.events.cache_clear()
contracts._types_by_tag.cache_clear()

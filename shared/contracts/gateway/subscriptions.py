"""Queues of their own on the broker, for other systems that speak AMQP."""

from shared.schema.contract import Listing, Operation
from shared.wire import fields
from shared.wire.fields import Schema

SUBSCRIPTION_STATUSES = ("creating", "active", "updating", "suspending", "suspended", "deleting")


class SubscriptionRequest(Schema):
    """`bindings` are patterns of routing keys: crm_sales.order.*, *.*.created, or # for every event.

    `max_length` messages are kept, then the oldest go; `message_ttl` is in seconds. `replay` lets the subscriber read
    the stream `events.log` as well, which holds everything of the last seven days: for whoever may see every event.
    """

    id = fields.Uuid()
    name = fields.Text(most=100, least=1, required=True)
    bindings = fields.Many(fields.Text(most=255, least=1), most=50, least=1, required=True)
    max_length = fields.Whole(least=1, most=1_000_000, load_default=100_000)
    message_ttl = fields.Whole(least=1, most=30 * 86_400, load_default=None, allow_none=True)
    replay = fields.Flag(load_default=False)


class SubscriptionView(Schema):
    """`status` is `active` once queue and user exist, a moment after the answer; `suspended` while its owner may not see all
    that it brings, or not sign in, or the key has ended that it was made with (`api_key_id`): then it has no user and nothing
    new comes. `messages` wait, `consumers` are connected;
    both are of `measured_at`."""

    id = fields.Uuid()
    name = fields.Text(most=100)
    owner_id = fields.Text()
    api_key_id = fields.Uuid(allow_none=True)
    status = fields.Choice(*SUBSCRIPTION_STATUSES)
    bindings = fields.Many(fields.Text(most=255))
    max_length = fields.Whole()
    message_ttl = fields.Whole(allow_none=True)
    replay = fields.Flag()
    queue = fields.Text()
    user = fields.Text()
    stream = fields.Text(allow_none=True)
    address = fields.Text(most=500)
    messages = fields.Whole(allow_none=True)
    consumers = fields.Whole(allow_none=True)
    measured_at = fields.Instant(allow_none=True)
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


class SubscriptionPasswordView(SubscriptionView):
    """`password` is shown in this answer only, not in one that is repeated."""

    password = fields.Secret()


_READ, _WRITE = "gateway.event_subscriptions:read", "gateway.event_subscriptions:write"

create_event_subscription = Operation(
    "POST /v1/event-subscriptions", "Have a queue of one's own on the broker; the answer shows the password, once",
    _WRITE, request=SubscriptionRequest, response=SubscriptionPasswordView, status=201,
)  # fmt: skip
list_event_subscriptions = Operation(
    "GET /v1/event-subscriptions", "Queues of other systems, with what waits in them", _READ,
    response=SubscriptionView, all_companies=True,
    listing=Listing(filters={"name": fields.Text(), "status": fields.Choice(*SUBSCRIPTION_STATUSES)}, search=("name",)),
)  # fmt: skip
get_event_subscription = Operation(
    "GET /v1/event-subscriptions/{id}",
    "One queue of another system",
    _READ,
    response=SubscriptionView,
    all_companies=True,
)
delete_event_subscription = Operation(
    "DELETE /v1/event-subscriptions/{id}",
    "Remove the queue, what waits in it, and its user",
    _WRITE,
    status=204,
    all_companies=True,
)
rotate_event_subscription_password = Operation(
    "POST /v1/event-subscriptions/{id}/rotate-password", "Make a new password, shown once; the old one ends",
    _WRITE, response=SubscriptionPasswordView, all_companies=True,
)  # fmt: skip

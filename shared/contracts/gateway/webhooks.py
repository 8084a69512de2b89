"""What other systems are told: addresses that receive signed events, and the log of what was sent to them."""

from dataclasses import field
from typing import ClassVar
from uuid import UUID

from shared.schema.contract import Changes, Data, Event, Listing, Operation
from shared.wire import fields
from shared.wire.fields import Schema

DELIVERY_KINDS = ("event", "test", "redelivery")
DELIVERY_STATUSES = ("pending", "delivered", "failed")
DISABLED_REASONS = ("gone", "retries_exhausted", "failing_too_long", "owner_inactive", "key_ended")

_MOST_PATTERNS = 50


class WebhookState(Data):
    """What every event about a webhook carries. Of its address only the host: the rest may be a secret. `companies` are
    those whose events it may be told of, None for all."""

    for_its_companies: ClassVar[bool] = True
    webhook_id: UUID
    owner_id: UUID
    host: str
    event_types: list[str]
    active: bool
    companies: list[UUID] | None = None


class WebhookCreated(
    WebhookState, Event, type="gateway.webhook.created", number=0x603, permission="gateway.webhooks:read"
):
    """Events are sent to another address from now on."""


class WebhookUpdated(
    WebhookState, Event, type="gateway.webhook.updated", number=0xFB4, permission="gateway.webhooks:read"
):
    """A webhook was changed, stopped or resumed by a person, or its secret was rotated."""

    changes: Changes = field(default_factory=dict)


class WebhookDeleted(
    WebhookState, Event, type="gateway.webhook.deleted", number=0xDFA, permission="gateway.webhooks:read"
):
    """Nothing is sent there any more."""


class WebhookDisabled(
    WebhookState, Event, type="gateway.webhook.disabled", number=0xAF3, permission="gateway.webhooks:read"
):
    """Deliveries stopped by themselves; `disabled_reason` says why."""

    disabled_reason: str


class WebhookTested(Event, type="gateway.webhook.tested", number=0xE8C, permission="gateway.webhooks:read"):
    """What a webhook is sent when it is tested. It goes to that webhook only and is not on the bus."""

    webhook_id: UUID
    asked_by: str


class ChangedWebhook(Schema):
    """How `changes` of an event shows a webhook."""

    host = fields.Text()
    event_types = fields.Many(fields.Text())
    active = fields.Flag()


class WebhookRequest(Schema):
    """`event_types` are patterns: crm_sales.order.placed, crm_sales.order.*, *.*.created, or # for every event."""

    id = fields.Uuid()
    url = fields.Text(most=2048, least=1, required=True)
    event_types = fields.Many(fields.Text(most=100, least=1), most=_MOST_PATTERNS, least=1, required=True)
    description = fields.Multiline(most=500, load_default="")
    active = fields.Flag(load_default=True)


class WebhookPatch(Schema):
    """`active: true` resumes from where deliveries stopped."""

    url = fields.Text(most=2048, least=1)
    event_types = fields.Many(fields.Text(most=100, least=1), most=_MOST_PATTERNS, least=1)
    description = fields.Multiline(most=500)
    active = fields.Flag()


class WebhookView(Schema):
    """`api_key_id` is the key that address and events were chosen with, if one was: the webhook ends with it."""

    id = fields.Uuid()
    owner_id = fields.Uuid()
    api_key_id = fields.Uuid(allow_none=True)
    url = fields.Text(most=2048)
    event_types = fields.Many(fields.Text(most=100))
    description = fields.Text(most=500)
    active = fields.Flag()
    disabled_reason = fields.Choice(*DISABLED_REASONS, allow_none=True)
    disabled_at = fields.Instant(allow_none=True)
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


class WebhookSecretView(WebhookView):
    """`secret` (`whsec_…`) is shown in this answer only, not when it is repeated."""

    secret = fields.Secret(allow_none=True)


class DeliveryView(Schema):
    """One attempt. `answer` is the beginning of what the receiver said."""

    id = fields.Uuid()
    webhook_id = fields.Uuid()
    kind = fields.Choice(*DELIVERY_KINDS)
    event_id = fields.Uuid()
    event_type = fields.Text()
    attempt = fields.Whole()
    status = fields.Choice(*DELIVERY_STATUSES)
    at = fields.Instant()
    status_code = fields.Whole(allow_none=True)
    duration_ms = fields.Whole(allow_none=True)
    error_code = fields.Text(allow_none=True)
    answer = fields.Text(most=1024)


_READ, _WRITE = "gateway.webhooks:read", "gateway.webhooks:write"

create_webhook = Operation(
    "POST /v1/webhooks",
    "Have events sent to an address; the answer shows the secret that signs them, once",
    _WRITE,
    request=WebhookRequest,
    response=WebhookSecretView,
    status=201,
)
list_webhooks = Operation(
    "GET /v1/webhooks",
    "One's own webhooks; administrators see all",
    _READ,
    response=WebhookView,
    listing=Listing(
        filters={"active": fields.Flag(), "owner_id": fields.Uuid(), "disabled_reason": fields.Text()},
        sorts=("created_at", "updated_at"),
        search=("url", "description"),
    ),
)
get_webhook = Operation("GET /v1/webhooks/{id}", "One webhook", _READ, response=WebhookView)
patch_webhook = Operation(
    "PATCH /v1/webhooks/{id}",
    "Change, stop or resume a webhook; it goes on with the event at which it stopped",
    _WRITE,
    request=WebhookPatch,
    response=WebhookView,
)
delete_webhook = Operation("DELETE /v1/webhooks/{id}", "Delete a webhook with its log", _WRITE, status=204)
rotate_webhook_secret = Operation(
    "POST /v1/webhooks/{id}/rotate-secret",
    "Make a new secret, shown once; for 24 hours the old one signs as well",
    _WRITE,
    response=WebhookSecretView,
)
test_webhook = Operation(
    "POST /v1/webhooks/{id}/test",
    "Send a signed test event once, now; the log shows what came of it",
    _WRITE,
    response=DeliveryView,
    status=202,
)
list_webhook_deliveries = Operation(
    "GET /v1/webhooks/{id}/deliveries",
    "What was sent in the last 30 days, each attempt with its outcome",
    _READ,
    response=DeliveryView,
    listing=Listing(
        filters={
            "status": fields.Choice(*DELIVERY_STATUSES),
            "kind": fields.Choice(*DELIVERY_KINDS),
            "event_id": fields.Uuid(),
            "event_type": fields.Text(),
            "at": fields.Instant(),
        },
        sorts=("at",),
        default_sort="-at",
    ),
)
redeliver_webhook_delivery = Operation(
    "POST /v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
    "Send an event once more, with the same id",
    _WRITE,
    response=DeliveryView,
    status=202,
)

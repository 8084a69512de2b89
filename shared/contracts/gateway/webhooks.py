"""What other systems receive: addresses that receive signed events, and the log of what was sent to them."""

from dataclasses import field
from typing import ClassVar
from uuid import UUID

from shared.schema import Choice, Flag, Instant, Many, Multiline, Refers, Resource, Secret, Text, Verb
from shared.schema.contract import Changes, Data, Event, Listing, Operation
from shared.wire import fields
from shared.wire.fields import Schema

DELIVERY_KINDS = ("event", "test", "redelivery")
DELIVERY_STATUSES = ("pending", "delivered", "failed")
DISABLED_REASONS = ("gone", "retries_exhausted", "failing_too_long", "owner_inactive", "key_ended")


class WebhookState(Data):
    """What every event about a webhook carries. Of its address only the host: the rest may be a secret. `companies` are
    those whose events it may receive, None for all."""

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


class ChangedWebhook(Schema):
    """How `changes` of an event shows a webhook."""

    host = fields.Text()
    event_types = fields.Many(fields.Text())
    active = fields.Flag()


class Webhook(
    Resource,
    path="/v1/webhooks",
    permission="gateway.webhooks",
    label="url",
    columns=("url", "event_types", "active", "disabled_reason", "owner_id"),
    summaries={
        "create": "Have events sent to an address; the answer shows the secret that signs them, once",
        "list": "One's own webhooks; administrators see all",
        "update": "Change, stop or resume a webhook; it goes on with the event at which it stopped",
        "delete": "Delete a webhook with its log",
    },
):
    """An address that receives signed events."""

    owner_id = Refers(
        "users", "Whose rights decide which events are sent.", by_handler=True, computed=True, filter=True
    )
    api_key_id = Refers(
        "api-keys", "The key that address and events were chosen with; the webhook ends with it.", title="API key",
        by_handler=True, computed=True, null=True,
    )  # fmt: skip
    url = Text(2048, "Where events are sent.", title="URL", required=True, search=True)
    event_types = Many(
        Text(100, least=1), "Patterns: crm_sales.order.placed, crm_sales.order.*, *.*.created, or # for every event.",
        least=1, most=50, required=True,
    )  # fmt: skip
    description = Multiline(500, "What it is for.", default="", search=True)
    active = Flag("Whether events are sent; true resumes where deliveries stopped.", default=True, filter=True)
    disabled_reason = Choice(
        DISABLED_REASONS, "Why deliveries stopped by themselves.", null=True, computed=True, filter=True
    )
    disabled_at = Instant("When deliveries stopped by themselves.", null=True, computed=True)
    secret = Secret(200, "What signs the events (`whsec_…`), shown this once.", on_write=True)

    rotate_secret = Verb("Make a new secret, shown once; for 24 hours the old one signs as well", writes=True)
    test = Verb("Send a signed test event once, now; the log shows what came of it", response=DeliveryView, status=202)


list_webhook_deliveries = Operation(
    "GET /v1/webhooks/{id}/deliveries",
    "What was sent in the last 30 days, each attempt with its outcome",
    "gateway.webhooks:read",
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
    "gateway.webhooks:write",
    response=DeliveryView,
    status=202,
)

"""Queues of their own on the broker, for other systems that speak AMQP."""

from shared.schema import Choice, Flag, Instant, Many, Refers, Resource, Secret, Text, Verb, Whole

SUBSCRIPTION_STATUSES = ("creating", "active", "updating", "suspending", "suspended", "deleting")


class EventSubscription(
    Resource,
    path="/v1/event-subscriptions",
    permission="gateway.event_subscriptions",
    label="name",
    columns=("name", "status", "bindings", "messages", "consumers"),
    operations=("create", "get", "list", "delete"),
    all_companies=("get", "list", "delete"),
    summaries={
        "create": "Have a queue of one's own on the broker; the answer shows the password, once",
        "list": "Queues of other systems, with what waits in them",
        "get": "One queue of another system",
        "delete": "Delete the queue, what waits in it, and its user",
    },
):
    """A queue on the broker that receives events, and the user that reads it.

    It is `suspended` while its owner may not see all that it brings, or not sign in, or the key has ended that it was made
    with: then it has no user and nothing new comes.
    """

    name = Text(100, "What it is for.", required=True, filter=True, search=True)
    owner_id = Text(200, "Who made it: the id of a user, or the name of a program.", computed=True)
    api_key_id = Refers(
        "api-keys", "The key that it was made with, and ends with.", title="API key", by_handler=True, computed=True,
        null=True,
    )  # fmt: skip
    status = Choice(
        SUBSCRIPTION_STATUSES, "`active` once queue and user exist, a moment after the answer.", computed=True,
        filter=True,
    )  # fmt: skip
    bindings = Many(
        Text(255, least=1), "Patterns of routing keys: crm_sales.order.*, *.*.created, or # for every event.", least=1,
        most=50, required=True,
    )  # fmt: skip
    max_length = Whole("How many messages are kept; then the oldest go.", least=1, most=1_000_000, default=100_000)
    message_ttl = Whole(
        "Seconds for which a message is kept.", title="Message TTL", least=1, most=30 * 86_400, null=True, default=None
    )
    replay = Flag(
        "Whether the stream `events.log` may be read too, which holds everything of the last seven days.",
        default=False,
    )  # fmt: skip
    queue = Text(100, "The name of the queue.", computed=True)
    user = Text(100, "The user of the broker that may read it.", computed=True)
    stream = Text(100, "The name of the stream, where `replay` is true.", null=True, computed=True)
    address = Text(500, "Where the broker is found.", computed=True)
    messages = Whole("How many messages wait.", least=0, null=True, computed=True)
    consumers = Whole("How many consumers are connected.", least=0, null=True, computed=True)
    measured_at = Instant("When messages and consumers were counted.", null=True, computed=True)
    password = Secret(100, "The password of the user, shown this once.", on_write=True)

    rotate_password = Verb("Make a new password, shown once; the old one ends", writes=True, all_companies=True)

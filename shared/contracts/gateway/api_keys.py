"""API keys: with which programs act for their owner."""

from shared.schema import Instant, Many, Refers, Resource, Secret, Text, Verb


class ApiKey(
    Resource,
    path="/v1/api-keys",
    permission="gateway.api_keys",
    label="name",
    title=("API key", "API keys"),
    columns=("name", "key_id", "owner_id", "expires_at", "last_used_at", "revoked_at"),
    operations=("create", "get", "list", "delete"),
    summaries={
        "create": "Create a key for a program", "get": "One key", "list": "Keys by filter",
        "delete": "Revoke a key and delete it",
    },
):  # fmt: skip
    """A key of a program. One that is made with another key reaches no further than that one, and ends with it."""

    name = Text(200, "What it is for.", required=True, filter=True, sort=True, search=True)
    key_id = Text(8, "The characters by which it is recognised.", title="Key id", computed=True, filter=True)
    scopes = Many(Text(100, least=1), "Permissions that its owner holds.", least=1, most=200, required=True)
    owner_id = Refers("users", "For whom it acts.", computed=True, filter=True)
    parent_id = Refers("api-keys", "The key that it was made with.", by_handler=True, computed=True, null=True)
    company_id = Refers("companies", "The only company that it opens; null: all of its owner's.", null=True)
    expires_at = Instant("When it ends by itself.", null=True, filter=True)
    last_used_at = Instant("When it was last used, to the minute.", null=True, computed=True, filter=True)
    revoked_at = Instant("When it was revoked.", null=True, computed=True, filter=True)
    secret = Secret(100, "The key itself, shown this once and kept nowhere.", on_write=True)

    revoke = Verb("Revoke a key: it ends within seconds, with all keys made with it")

"""Who may come in, and what they may do there."""

from dataclasses import field
from typing import ClassVar
from uuid import UUID

from shared.schema.contract import Changes, Data, Event, Listing, Operation
from shared.wire import fields
from shared.wire.fields import Schema

LANGUAGES = ("en", "fr")
OUTCOMES = (
    "accepted", "refused", "locked", "refresh_reused", "denied", "invited", "password_changed", "keys_ended", "oidc_refused",
)  # fmt: skip


class UserState(Data):
    """What the events of a user carry. `companies` is None for all; `team` is the name of the team."""

    for_its_companies: ClassVar[bool] = True
    user_id: UUID
    email: str
    name: str
    language: str
    roles: list[str]
    company_id: UUID
    companies: list[UUID] | None = None
    team: str | None = None
    manager_id: UUID | None = None
    active: bool = True
    team_id: UUID | None = None


class UserCreated(UserState, Event, type="gateway.user.created", number=0xE43, permission="gateway.users:read"):
    """Somebody may sign in. `companies` is None for all; `team` is the name of the team."""


class UserUpdated(UserState, Event, type="gateway.user.updated", number=0x7F4, permission="gateway.users:read"):
    """A user as it is now; `active` false: may no longer sign in."""

    changes: Changes = field(default_factory=dict)


class UserDeleted(Event, type="gateway.user.deleted", number=0x5BA, permission="gateway.users:read"):
    """A user who never signed in was removed."""

    for_its_companies: ClassVar[bool] = True
    user_id: UUID
    companies: list[UUID] | None = None


class TeamNamed(Event, type="gateway.team.named", number=0x7A5, permission="gateway.users:read"):
    """Users had a team that was only a text: there is to be a team of this name, with this id."""

    team_id: UUID
    name: str


class UserChange(Schema):
    """What may change of a user. `companies` null: all of them."""

    email = fields.Text(most=254, least=3)
    name = fields.Text(most=200, least=1)
    language = fields.Choice(*LANGUAGES)
    roles = fields.Many(fields.Text(most=50, least=1), most=50)
    company_id = fields.Known("companies")
    companies = fields.Many(fields.Known("companies"), least=1, most=200, allow_none=True)
    team_id = fields.Known("teams", allow_none=True)
    manager_id = fields.Uuid(allow_none=True)
    active = fields.Flag()


class UserRequest(UserChange):
    """A user to make, with either a first password or an invitation token that the client has drawn at random.

    With the token, `POST /v1/auth/invitation` sets the password, once, within seven days.
    """

    id = fields.Uuid()
    email = fields.Text(most=254, least=3, required=True)
    name = fields.Text(most=200, least=1, required=True)
    roles = fields.Many(fields.Text(most=50, least=1), most=50, required=True)
    password = fields.Secret(most=1024, least=12)
    invitation_token = fields.Secret(most=200, least=32)


class UserView(Schema):
    """A user. No secret is ever shown."""

    id = fields.Uuid()
    email = fields.Text()
    name = fields.Text()
    language = fields.Choice(*LANGUAGES)
    roles = fields.Many(fields.Text())
    company_id = fields.Uuid()
    companies = fields.Many(fields.Uuid(), allow_none=True)
    team_id = fields.Uuid("teams", allow_none=True)
    manager_id = fields.Uuid(allow_none=True)
    active = fields.Flag()
    last_sign_in_at = fields.Instant(allow_none=True)
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


class PasswordRequest(Schema):
    """`api_keys` ends the keys of the user as well as the sessions."""

    password = fields.Secret(most=1024, least=12, required=True)
    api_keys = fields.Flag(load_default=False)


USERS = Listing(
    filters={
        "email": fields.Text(most=254),
        "name": fields.Text(),
        "team_id": fields.Uuid("teams"),
        "manager_id": fields.Uuid(),
        "active": fields.Flag(),
        "created_at": fields.Instant(),
        "last_sign_in_at": fields.Instant(),
    },
    sorts=("created_at", "email", "name"),
    default_sort="-created_at",
    search=("email", "name"),
)

create_user = Operation(
    "POST /v1/users", "Let somebody in", "gateway.users:write", request=UserRequest, response=UserView, status=201
)
get_user = Operation("GET /v1/users/{id}", "One user", "gateway.users:read", response=UserView)
list_users = Operation("GET /v1/users", "Users by filter", "gateway.users:read", response=UserView, listing=USERS)
patch_user = Operation(
    "PATCH /v1/users/{id}", "Change a user", "gateway.users:write", request=UserChange, response=UserView
)
delete_user = Operation("DELETE /v1/users/{id}", "Remove a user who never signed in", "gateway.users:write", status=204)
deactivate_user = Operation(
    "POST /v1/users/{id}/deactivate", "Shut a user out and end all sessions", "gateway.users:write", response=UserView
)
activate_user = Operation(
    "POST /v1/users/{id}/activate", "Let a user in again", "gateway.users:write", response=UserView
)
set_password = Operation(
    "POST /v1/users/{id}/set-password",
    "Give a user another password and end all sessions",
    "gateway.users:write",
    request=PasswordRequest,
    response=UserView,
)


class RoleChange(Schema):
    permissions = fields.Many(fields.Text(most=100, least=1), least=1, most=500)


class RoleRequest(RoleChange):
    """A role to make. Permissions may hold `*` and end with a reach: `sales.orders:read@own`, `@team`."""

    id = fields.Uuid()
    name = fields.Text(
        most=50, least=2, required=True, validate=[fields.Form("^[a-z][a-z0-9_]*$", error="invalid_name")]
    )
    permissions = fields.Many(fields.Text(most=100, least=1), least=1, most=500, required=True)


class RoleView(Schema):
    """A role and the permissions it holds: `sales.orders:write`, `sales.*:read`, `*:read@own`, or `*` for all.

    Built-in roles have no id and cannot be changed.
    """

    id = fields.Uuid(allow_none=True)
    name = fields.Text()
    permissions = fields.Many(fields.Text())
    built_in = fields.Flag()
    version = fields.Whole()
    created_at = fields.Instant(allow_none=True)
    updated_at = fields.Instant(allow_none=True)


class RolesView(Schema):
    data = fields.Many(fields.Part(RoleView))


class PermissionView(Schema):
    """A permission, what it lets its holder do, and the operations that ask for it."""

    name = fields.Text()
    en = fields.Text()
    fr = fields.Text()
    operations = fields.Many(fields.Text())


class PermissionsView(Schema):
    """The names alone in `data`, the same with their meaning in `permissions`."""

    data = fields.Many(fields.Text())
    permissions = fields.Many(fields.Part(PermissionView))


list_roles = Operation("GET /v1/roles", "All roles with their permissions", "gateway.roles:read", response=RolesView)
get_role = Operation("GET /v1/roles/{id}", "One role of one's own making", "gateway.roles:read", response=RoleView)
create_role = Operation(
    "POST /v1/roles", "Make a role", "gateway.roles:write", request=RoleRequest, response=RoleView, status=201
)
patch_role = Operation(
    "PATCH /v1/roles/{id}", "Change what a role may", "gateway.roles:write", request=RoleChange, response=RoleView
)
delete_role = Operation("DELETE /v1/roles/{id}", "Remove a role that nobody has", "gateway.roles:write", status=204)
list_permissions = Operation(
    "GET /v1/permissions",
    "Every permission there is, and what it is for",
    "gateway.roles:read",
    response=PermissionsView,
)


class ApiKeyRequest(Schema):
    """A key to make: `scopes` are permissions that its owner holds; without `company_id`, in all the owner's companies. A
    key that is made with another key reaches no further than that one, and ends with it."""

    name = fields.Text(most=200, least=1, required=True)
    scopes = fields.Many(fields.Text(most=100, least=1), least=1, most=200, required=True)
    company_id = fields.Known("companies", allow_none=True)
    expires_at = fields.Instant(allow_none=True)


class ApiKeyView(Schema):
    """A key, by the eight characters that it is recognised by. `parent_id` is the key that it was made with, if it was: it
    ends with that one."""

    id = fields.Uuid()
    name = fields.Text()
    key_id = fields.Text()
    scopes = fields.Many(fields.Text())
    owner_id = fields.Uuid()
    parent_id = fields.Uuid(allow_none=True)
    company_id = fields.Uuid(allow_none=True)
    expires_at = fields.Instant(allow_none=True)
    last_used_at = fields.Instant(allow_none=True)
    revoked_at = fields.Instant(allow_none=True)
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


class NewApiKeyView(ApiKeyView):
    """`secret` is shown this once and kept nowhere; a repeated request is answered without it."""

    secret = fields.Secret(most=100)


API_KEYS = Listing(
    filters={
        "name": fields.Text(),
        "owner_id": fields.Uuid(),
        "key_id": fields.Text(most=8),
        "created_at": fields.Instant(),
        "expires_at": fields.Instant(),
        "last_used_at": fields.Instant(),
        "revoked_at": fields.Instant(),
    },
    sorts=("created_at", "name"),
    search=("name",),
)

create_api_key = Operation(
    "POST /v1/api-keys",
    "Make a key for a program",
    "gateway.api_keys:write",
    request=ApiKeyRequest,
    response=NewApiKeyView,
    status=201,
)
get_api_key = Operation("GET /v1/api-keys/{id}", "One key", "gateway.api_keys:read", response=ApiKeyView)
list_api_keys = Operation(
    "GET /v1/api-keys", "Keys by filter", "gateway.api_keys:read", response=ApiKeyView, listing=API_KEYS
)
revoke_api_key = Operation(
    "POST /v1/api-keys/{id}/revoke", "End a key, within seconds", "gateway.api_keys:write", response=ApiKeyView
)
delete_api_key = Operation("DELETE /v1/api-keys/{id}", "End a key and forget it", "gateway.api_keys:write", status=204)


class SignInView(Schema):
    """Who came in or did not, when and from where. `detail` names what was denied."""

    id = fields.Uuid()
    at = fields.Instant()
    outcome = fields.Choice(*OUTCOMES)
    email = fields.Text(allow_none=True)
    user_id = fields.Uuid(allow_none=True)
    address = fields.Text()
    detail = fields.Text(allow_none=True)


SIGN_INS = Listing(
    filters={
        "at": fields.Instant(),
        "outcome": fields.Choice(*OUTCOMES),
        "email": fields.Text(most=254),
        "user_id": fields.Uuid(),
        "address": fields.Text(most=100),
    },
    sorts=("at",),
    default_sort="-at",
)

list_sign_ins = Operation(
    "GET /v1/sign-ins",
    "Who came in, who did not, and what was denied",
    "gateway.sign_ins:read",
    response=SignInView,
    listing=SIGN_INS,
    all_companies=True,
)

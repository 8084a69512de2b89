"""Users: who may sign in, with which roles, in which companies and which team."""

from dataclasses import field
from typing import ClassVar
from uuid import UUID

from shared.schema import Choice, Flag, Group, Instant, Many, Refers, Resource, Secret, Text, Verb
from shared.schema.contract import Changes, Data, Event


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


class NewPassword(Group):
    """A password that somebody else chooses."""

    password = Secret(1024, "The new password.", least=12, required=True)
    api_keys = Flag("Whether the keys of the user end too.", title="End API keys", default=False)


class User(
    Resource,
    path="/v1/users",
    permission="gateway.users",
    label="name",
    columns=("name", "email", "roles", "team_id", "active", "last_sign_in_at"),
    summaries={"delete": "Remove a user who never signed in"},
):
    """A person or a program that signs in, created with a first password or with an invitation token.

    With the token, which the client draws at random, `POST /v1/auth/invitation` sets the password, once, within seven days.
    """

    email = Text(
        254, "What the user signs in with.", title="E-mail", least=3, required=True, unique=True, filter=True, sort=True,
        search=True,
    )  # fmt: skip
    name = Text(200, "As shown to others.", required=True, filter=True, sort=True, search=True)
    language = Choice({"en": "English", "fr": "French"}, "The language of what the user reads.", optional=True)
    roles = Many(Text(50, least=1), "Names of roles, built in or created.", most=50, required=True)
    company_id = Refers(
        "companies", "The company that the user works in, unless a request names another.", optional=True
    )
    companies = Many(
        Refers("companies"), "The companies that are open to the user; null: all.", least=1, most=200, null=True
    )
    team_id = Refers("teams", "The team, whose records `@team` reaches.", null=True, filter=True)
    manager_id = Refers("users", "Whom the user reports to.", by_handler=True, null=True, filter=True)
    active = Flag("Whether the user may sign in.", default=True, filter=True)
    password = Secret(1024, "A first password, or else an invitation token.", least=12, create_only=True, optional=True)
    invitation_token = Secret(
        200, "Drawn at random by the client, and exchanged for a password by the user.", least=32, create_only=True,
        optional=True,
    )  # fmt: skip
    last_sign_in_at = Instant("When the user last signed in.", null=True, computed=True, filter=True)

    deactivate = Verb("Deactivate a user: all sessions end")
    activate = Verb("Activate a user")
    set_password = Verb("Set a password: all sessions end", request=NewPassword)

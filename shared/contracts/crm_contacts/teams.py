"""Teams: who works together."""

from uuid import UUID

from shared.schema import Flag, Multiline, Refers, Resource, Text
from shared.schema.contract import Event


class Team(
    Resource,
    path="/v1/teams",
    permission="contacts.teams",
    permissions={"write": "manage"},
    label="name",
    all_companies=("update", "delete"),
    events={"created": 0x7A1, "updated": 0x7A2, "deleted": 0x7A3},
):
    """People who work together and see each other's records. Members may work in any company."""

    name = Text(
        100, "As shown in lists.", required=True, unique=True, filter=True, sort=True, search=True, published=True
    )
    manager_id = Refers("users", "Who leads the team.", null=True, published=True)
    description = Multiline(2000, "What the team does.", null=True, search=True)
    active = Flag("Whether people can be assigned to it.", default=True, filter=True, published=True)


class TeamRecognized(Event, type="crm_contacts.team.recognized", number=0x7A4, permission="contacts.teams:read"):
    """There was a team of this name already, so what names `named_id` means `team_id` (see `gateway.team.named`)."""

    team_id: UUID
    named_id: UUID
    name: str

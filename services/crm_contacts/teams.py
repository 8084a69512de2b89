"""Flow: users had a team that was only a text → there is such a team."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_contacts.models.teams import Team
from shared.contracts import crm_contacts as contacts
from shared.contracts import gateway
from shared.flows.entrypoints import subscribe
from shared.storage.outbox import publish


class NamedTeams:
    """Teams are declared resources; this is what is left of the time when users had names of teams."""

    @subscribe(gateway.TeamNamed)
    def make_named_team(self, session: Session, event: gateway.TeamNamed) -> None:
        """A name that a team has already means that team."""
        there = session.scalars(select(Team).where(Team.name == event.name)).one_or_none()
        if there is None:
            there = Team(**contacts.Team.declaration.initial(), id=event.team_id, name=event.name)
            session.add(there)
            session.flush()
            publish(session, contacts.Team.created.of(there))
        elif there.id != event.team_id:
            publish(session, contacts.TeamRecognized(team_id=there.id, named_id=event.team_id, name=event.name))

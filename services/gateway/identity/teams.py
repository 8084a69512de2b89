"""Flow: a team is deleted where it belongs → nobody is in it any more."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from gateway.models import Team, User
from shared.contracts import crm_contacts as contacts
from shared.contracts import gateway as contract
from shared.flows.entrypoints import subscribe
from shared.schema.contract import Event
from shared.storage.changes import recorded
from shared.storage.outbox import publish


class Teams:
    """What happens to users when something happens to their team. The copy of teams keeps itself (models.py)."""

    @subscribe(contacts.Team.deleted)
    def leave_team(self, session: Session, event: Event) -> None:
        """From the moment on at which the copy is gone, `@team` reaches nobody by it; this says so of each user."""
        _move(session, event.aggregate_id, None)

    @subscribe(contacts.TeamRecognized)
    def move_to_recognized_team(self, session: Session, event: contacts.TeamRecognized) -> None:
        """Teams that were made of texts (migration 0023), where there was one of that name already."""
        known = {"id": event.team_id, "name": event.name, "active": True}
        session.execute(insert(Team).values(known).on_conflict_do_nothing())
        _move(session, event.named_id, event.team_id)


def _move(session: Session, gone: UUID, to: UUID | None) -> None:
    """The team is locked first, so that nobody joins it meanwhile."""
    team = session.get(Team, gone, with_for_update=True)
    for user in _members(session, gone):
        changes = recorded(contract.User.declaration.changing, user)
        user.team_id = to
        publish(session, user.updated(changes()))
    if team is not None:
        session.delete(team)


def _members(session: Session, team_id: UUID) -> Sequence[User]:
    members = select(User).where(User.team_id == team_id).order_by(User.id)
    return session.scalars(members.with_for_update()).all()

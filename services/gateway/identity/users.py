"""Flow: a user is created → has roles, companies, a team → is deactivated, and all sessions end."""

import hashlib
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.identity.built_in import ADMINISTRATOR
from gateway.identity.errors import LastAdministrator, PasswordOrInvitation
from gateway.identity.granting import check_roles
from gateway.identity.passwords import hashed, weakness
from gateway.identity.reaches import check_place
from gateway.models import ApiKey, Credential, RefreshToken, Team, User
from shared.api.reaching import is_shown
from shared.contracts import gateway as contract
from shared.flows.entrypoints import command
from shared.jobs.offload import off_the_hub
from shared.kernel import clock
from shared.kernel.context import current
from shared.kernel.ids import new_id
from shared.kernel.refusals import InUse, Invalid
from shared.storage.changes import recorded
from shared.storage.outbox import publish

INVITED_FOR = timedelta(days=7)
_EMAIL = re.compile(r"[^@\s\x00-\x1f<>\",;]{1,64}@[^@\s\x00-\x1f<>\",;]{1,189}")


class Users:
    """Users: who may sign in."""

    @command(contract.User.create)
    def create_user(self, session: Session, request: dict[str, Any]) -> User:
        """With a first password, or with an invitation that its holder exchanges for one."""
        secrets = {name: request.pop(name, None) for name in ("password", "invitation_token")}
        user = User(**{"id": new_id(), "active": True, "company_id": current(session).company_id})
        _fill(session, user, request)
        if "companies" not in request:
            companies = current(session).companies
            user.companies = list(companies) if companies else None
        session.add(user)
        session.flush()
        check_place(session, user)
        session.add(_credential(user, **secrets))
        publish(session, user.created())
        return user

    @command(contract.User.update)
    def update_user(self, session: Session, user: User, request: dict[str, Any]) -> User:
        shut_out = user.active and request.get("active") is False
        _keep_an_administrator(session, user, request)
        changes = recorded(contract.User.declaration.changing, user)
        _fill(session, user, request)
        if {"team_id", "manager_id"} & set(request):
            check_place(session, user)
        if shut_out:
            _end_sessions(session, user)
        publish(session, user.updated(changes()))
        return user

    @command(contract.User.deactivate)
    def deactivate_user(self, session: Session, user: User) -> User:
        _keep_an_administrator(session, user, {"active": False})
        changes = recorded(contract.User.declaration.changing, user)
        user.active = False
        _end_sessions(session, user)
        publish(session, user.updated(changes()))
        return user

    @command(contract.User.delete)
    def delete_user(self, session: Session, user: User) -> None:
        """A user who once signed in stays: what they did bears their id."""
        if user.last_sign_in_at is not None:
            raise InUse
        _keep_an_administrator(session, user, {"active": False})
        session.delete(user)
        publish(session, contract.UserDeleted(user_id=user.id, companies=user.companies))

    @command(contract.User.set_password)
    def set_password_user(self, session: Session, user: User, request: dict[str, Any]) -> User:
        credential = session.get(Credential, user.id) or Credential(user_id=user.id)
        _set_password(credential, user, request["password"], "/password")
        session.add(credential)
        _end_sessions(session, user)
        if request["api_keys"]:
            _end_keys(session, user)
        return user


def _fill(session: Session, user: User, request: dict[str, Any]) -> None:
    """Raises Invalid with a pointer for each thing that cannot be."""
    if "email" in request:
        request["email"] = _email(request["email"])
    if "roles" in request:
        request["roles"] = list(dict.fromkeys(request["roles"]))
        check_roles(session, request["roles"])
    if request.get("manager_id"):
        _check_manager(session, user, request["manager_id"])
    if request.get("team_id"):
        _check_team(session, user, request["team_id"])
    for name, value in request.items():
        setattr(user, name, value)
    _check_companies(session, user, request)


def _email(raw: str) -> str:
    email = raw.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise Invalid.at("/email", "invalid_email")
    return email


def _check_manager(session: Session, user: User, manager_id: UUID) -> None:
    """A manager exists, for the caller, and does not, over any number of steps, report to this very user."""
    above: UUID | None = manager_id
    for _ in range(100):
        if above == user.id:
            raise Invalid.at("/manager_id", "circular")
        manager = session.get(User, above)
        if manager is None or (above == manager_id and not is_shown(manager, current(session))):
            raise Invalid.at("/manager_id", "not_found")
        if (above := manager.manager_id) is None:
            return
    raise Invalid.at("/manager_id", "circular")


def _check_team(session: Session, user: User, team_id: UUID) -> None:
    """People are assigned to teams that take them. The row is locked, so that the team is not deleted meanwhile."""
    team = session.get(Team, team_id, with_for_update={"read": True})
    if team is None or not (team.active or user.team_id == team_id):
        raise Invalid.at("/team_id", "inactive" if team else "not_found")


def _check_companies(session: Session, user: User, request: dict[str, Any]) -> None:
    """One works in one of one's companies, and gives others none but one's own."""
    if user.companies is not None and user.company_id not in user.companies:
        if "company_id" in request:
            raise Invalid.at("/company_id", "not_found")
        user.company_id = user.companies[0]
    mine = current(session).companies
    if mine is None or "companies" not in request:
        return
    wanted = request["companies"]
    if wanted is None or not set(wanted) <= set(mine):
        raise Invalid.at("/companies", "not_found")


def _keep_an_administrator(session: Session, user: User, request: dict[str, Any]) -> None:
    """Raises LastAdministrator. The rows are locked in order, so that two cannot be deactivated together."""
    stays = request.get("active") is not False and ADMINISTRATOR in (request.get("roles") or user.roles)
    if stays or not (user.active and ADMINISTRATOR in user.roles):
        return
    active = select(User.id).where(User.active, User.roles.contains([ADMINISTRATOR]))
    if len(session.scalars(active.order_by(User.id).with_for_update()).all()) < 2:
        raise LastAdministrator


def _credential(user: User, password: str | None, invitation_token: str | None) -> Credential:
    if (password is None) == (invitation_token is None):
        raise PasswordOrInvitation
    credential = Credential(user_id=user.id)
    if password is not None:
        _set_password(credential, user, password, "/password")
    else:
        credential.invitation = hashlib.sha256(str(invitation_token).encode()).digest()
        credential.invited_until = clock.now() + INVITED_FOR
    return credential


def _set_password(credential: Credential, user: User, password: str, pointer: str) -> None:
    if weak := weakness(password, user.email, user.name):
        raise Invalid.at(pointer, weak)
    credential.password_hash, credential.changed_at = off_the_hub(hashed, password), clock.now()
    credential.invitation = credential.invited_until = None


def _end_sessions(session: Session, user: User) -> None:
    """Refresh tokens end with this transaction, access tokens when the edge looks again, within seconds."""
    open_ones = update(RefreshToken).where(RefreshToken.user_id == user.id, RefreshToken.revoked_at.is_(None))
    session.execute(open_ones.values(revoked_at=clock.now()))
    user.sessions_ended_at = clock.now()


def _end_keys(session: Session, user: User) -> None:
    for key in session.scalars(select(ApiKey).where(ApiKey.owner_id == user.id, ApiKey.revoked_at.is_(None))):
        key.revoked_at = clock.now()

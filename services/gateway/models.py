"""The gateway's own data: users and what they sign in with, roles, tokens, keys, sign-ins."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, LargeBinary, Uuid, and_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, object_session

from shared.contracts import crm_contacts as contacts
from shared.contracts import gateway as contract
from shared.kernel import clock, ids
from shared.schema.contract import Changes
from shared.storage.constraints import where_given
from shared.storage.database import Aggregate, Conventions, new_metadata
from shared.storage.replicas import Replica


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()


class Team(Replica, Base, of=contacts.Team):
    """A team of crm_contacts. Rules with `@team` ask for it, so the team that is deleted there ends here (people.py)."""

    name: Mapped[str]
    active: Mapped[bool]


class User(Aggregate, Base, of=contract.User):
    """A person or a program that signs in. `email` is kept in lower case; `companies` is None for all of them.

    A token issued before `sessions_ended_at` is worth nothing any more. Secrets are not here but in `Credential`, so
    that neither audit nor history ever sees one.
    """

    __tablename__ = "app_user"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("cardinality(companies) > 0", name="companies"),
        where_given("ix_app_user_manager_id", "manager_id"),
        where_given("ix_app_user_team_id", "team_id"),
    )
    company_key = "no_company"  # where one works now is not what one belongs to: see `seen_in`

    email: Mapped[str]
    name: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    roles: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    company_id: Mapped[UUID] = mapped_column(default=ids.DEFAULT_COMPANY_ID)
    companies: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    team_id: Mapped[UUID | None]
    manager_id: Mapped[UUID | None] = mapped_column(ForeignKey("app_user.id"))
    active: Mapped[bool] = mapped_column(default=True)
    last_sign_in_at: Mapped[datetime | None]
    sessions_ended_at: Mapped[datetime | None]

    @classmethod
    def seen_in(cls, companies: Sequence[UUID]) -> ColumnElement[bool]:
        """Users who work in one of these; in all companies means in these as well."""
        return or_(cls.companies.is_(None), cls.companies.overlap(companies))

    def seen_from(self) -> list[UUID] | None:
        return self.companies

    @property
    def team(self) -> str | None:
        """The name of the team, which events carry beside its id."""
        session = object_session(self)
        team = session.get(Team, self.team_id) if session and self.team_id else None
        return team.name if team else None

    def activate(self) -> None:
        self.active = True

    def created(self) -> contract.UserCreated:
        return contract.UserCreated.of(self)

    def updated(self, changes: Changes) -> contract.UserUpdated:
        return contract.UserUpdated.of(self, changes=changes)


class Credential(Base):
    """What proves a user: an Argon2id hash, or the SHA-256 of an invitation with which the password may be set once."""

    __tablename__ = "credential"
    __table_args__ = (CheckConstraint("(invitation IS NULL) = (invited_until IS NULL)", name="invited_until"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True)
    password_hash: Mapped[str | None]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    invitation: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    invited_until: Mapped[datetime | None]


class Role(Aggregate, Base, of=contract.Role):
    """A role of one's own making; the built-in ones are in identity/built_in.py and cannot be changed."""

    built_in = False

    name: Mapped[str]
    permissions: Mapped[list[str]] = mapped_column(ARRAY(TEXT))


class ApiKey(Aggregate, Base, of=contract.ApiKey):
    """A key with which a program acts for its owner, within `scopes`. Only the SHA-256 of the key is kept.

    It can never do more than its owner can at that moment. `company_id` is None where all the owner's companies are open.
    `parent_id` is the key that it was made with, if it was: it ends with that one.
    """

    __table_args__ = (
        Index("ix_api_key_owner_id", "owner_id", "created_at", "id"),
        where_given("ix_api_key_parent_id", "parent_id"),
    )
    company_key = "no_company"

    name: Mapped[str]
    key_id: Mapped[str] = mapped_column(unique=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"))
    company_id: Mapped[UUID | None]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    @classmethod
    def seen_in(cls, companies: Sequence[UUID]) -> ColumnElement[bool]:
        """What opens one of these, of an owner who works there."""
        opens = or_(cls.company_id.is_(None), cls.company_id.in_(companies))
        return and_(opens, cls.owner_id.in_(select(User.id).where(User.seen_in(companies))))

    def seen_from(self) -> list[UUID] | None:
        return [self.company_id] if self.company_id else owners_companies(self)

    secret: ClassVar[str | None] = None  # set on the object that has just been made, to be shown once


class RefreshToken(Base):
    """One link of a chain that began with a sign-in (`family`). Only the SHA-256 of the token is kept.

    It works once: `used_at` is set when it is exchanged. Coming again, it was copied, and the whole family ends.
    """

    __tablename__ = "refresh_token"
    __table_args__ = (
        Index(None, "family"),
        Index(None, "user_id", "expires_at"),
    )

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    family: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("app_user.id", ondelete="CASCADE"))
    issued_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    @property
    def usable(self) -> bool:
        return self.used_at is None and self.revoked_at is None and self.expires_at > clock.now()


class SignIn(Base):
    """A sign-in, or one that was refused. Rows are only added, and deleted after half a year."""

    __tablename__ = "sign_in"
    __table_args__ = (Index(None, "at", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new_id)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    outcome: Mapped[str]
    email: Mapped[str | None]
    user_id: Mapped[UUID | None]
    address: Mapped[str]
    detail: Mapped[str | None]


class Attempts(Base):
    """Failed sign-ins of an account, or of an account from one address, since the last success."""

    __tablename__ = "sign_in_attempts"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    blocked_until: Mapped[datetime | None]


def owners_companies(owned: Any) -> list[UUID] | None:
    """The companies in which the owner of a key or a webhook works: None for all, none where there is no owner any more."""
    session = object_session(owned)
    assert session is not None
    owner = session.get(User, owned.owner_id)
    return owner.companies if owner else []

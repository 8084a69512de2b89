"""The gateway's own data: who may sign in, and which refresh tokens are out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared import clock, ids
from shared.database import Aggregate, Conventions, new_metadata


class Base(Conventions, DeclarativeBase):
    metadata = new_metadata()


class User(Aggregate, Base):
    """A person or a program that signs in. `email` is kept in lower case; `roles` are names from roles.py."""

    __tablename__ = "app_user"

    email: Mapped[str]
    name: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    roles: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    company_id: Mapped[UUID] = mapped_column(default=ids.DEFAULT_COMPANY_ID)
    active: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str]


class RefreshToken(Base):
    """One link of a chain that began with a sign-in (`family`). Only the SHA-256 of the token is kept.

    It works once: `used_at` is set when it is exchanged. Coming again, it was copied, and the whole family ends.
    """

    __tablename__ = "refresh_token"

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

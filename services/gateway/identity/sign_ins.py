"""Sign-ins, also those that were refused, and what is deleted in time."""

from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gateway.models import Attempts, RefreshToken, SignIn
from shared.contracts import gateway as contract
from shared.flows.entrypoints import ListRequest, Page, every, query
from shared.kernel import clock

KEPT = timedelta(days=183)


class SignIns:
    """What the edge noted of sign-ins."""

    @query(contract.list_sign_ins)
    def list_sign_ins(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(SignIn))

    @every(hours=1)
    def sweep_the_entrance(self, session: Session) -> None:
        """Its name is stored with its last run."""
        now = clock.now()
        session.execute(delete(SignIn).where(SignIn.at < now - KEPT))
        session.execute(delete(Attempts).where(Attempts.last_at < now - timedelta(days=1)))
        session.execute(delete(RefreshToken).where(RefreshToken.expires_at < now))

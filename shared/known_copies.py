"""Flows for services whose requests name what others own: they keep the ids of all that there is (`shared/existence.py`)."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.contracts import gateway
from shared.entrypoints import subscribe

_LEARN = text(
    "INSERT INTO known (resource, id) SELECT :resource, unnest(CAST(:ids AS uuid[])) ORDER BY 2 ON CONFLICT DO NOTHING"
)
_LEARN_COMPANIES = text(
    "INSERT INTO company SELECT unnest(CAST(:ids AS uuid[])) ORDER BY 1 ON CONFLICT (id) DO NOTHING"
)
_FORGET = text("DELETE FROM known WHERE resource = :resource AND id = ANY(CAST(:ids AS uuid[]))")


class KnownCompanies:
    """Companies that users and keys are limited to; there is a table for them, as in services that date documents."""

    @subscribe(finance.CompanyAdded, finance.CompanyChanged, order="latest")
    def know_company(self, session: Session, events: list[finance.CompanyState]) -> None:
        session.execute(_LEARN_COMPANIES, {"ids": [str(event.company_id) for event in events]})


class KnownUsers:
    """Users who own records, or did."""

    @subscribe(gateway.UserCreated, gateway.UserUpdated, gateway.UserDeleted, order="latest")
    def know_user(self, session: Session, events: list[gateway.UserState | gateway.UserDeleted]) -> None:
        _learn(session, "users", (e.user_id for e in events if not isinstance(e, gateway.UserDeleted)))
        _forget(session, "users", (e.user_id for e in events if isinstance(e, gateway.UserDeleted)))


class KnownProducts:
    """Products that lines of invoices name."""

    @subscribe(inventory.ProductCreated, inventory.ProductUpdated, inventory.ProductDeleted, order="latest")
    def know_product(self, session: Session, events: list[inventory.ProductState | inventory.ProductDeleted]) -> None:
        _learn(session, "products", (e.product_id for e in events if not isinstance(e, inventory.ProductDeleted)))
        _forget(session, "products", (e.product_id for e in events if isinstance(e, inventory.ProductDeleted)))


def _learn(session: Session, resource: str, ids: Iterable[UUID]) -> None:
    _write(session, _LEARN, resource, ids)


def _forget(session: Session, resource: str, ids: Iterable[UUID]) -> None:
    _write(session, _FORGET, resource, ids)


def _write(session: Session, statement: TextClause, resource: str, ids: Iterable[UUID]) -> None:
    if told := [str(id_) for id_ in ids]:
        session.execute(statement, {"resource": resource, "ids": told})

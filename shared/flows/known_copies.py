"""Flows for services whose requests name what others own: they keep the ids of all that there is (`shared/api/existence.py`)."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.contracts import gateway
from shared.flows.entrypoints import subscribe
from shared.schema.envelope import dumps

_LEARN = text(
    "INSERT INTO known AS k (resource, id, companies) SELECT :resource, CAST(e ->> 'id' AS uuid),"
    " CASE WHEN e ->> 'companies' IS NOT NULL THEN"
    " ARRAY(SELECT CAST(jsonb_array_elements_text(e -> 'companies') AS uuid)) END"
    " FROM jsonb_array_elements(CAST(:told AS jsonb)) AS e ORDER BY 2"
    " ON CONFLICT (resource, id) DO UPDATE SET companies = excluded.companies"
    " WHERE k.companies IS DISTINCT FROM excluded.companies"
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
        told = [(e.user_id, e.companies) for e in events if not isinstance(e, gateway.UserDeleted)]
        _learn(session, "users", told)
        _forget(session, "users", (e.user_id for e in events if isinstance(e, gateway.UserDeleted)))


class KnownProducts:
    """Products that lines of invoices name."""

    @subscribe(inventory.ProductCreated, inventory.ProductUpdated, inventory.ProductDeleted, order="latest")
    def know_product(self, session: Session, events: list[inventory.ProductState | inventory.ProductDeleted]) -> None:
        told = [(e.product_id, [e.company_id]) for e in events if not isinstance(e, inventory.ProductDeleted)]
        _learn(session, "products", told)
        _forget(session, "products", (e.product_id for e in events if isinstance(e, inventory.ProductDeleted)))


def _learn(session: Session, resource: str, told: Sequence[tuple[UUID, list[UUID] | None]]) -> None:
    """Ids with the companies in which they are seen, None for all."""
    if told:
        rows = [{"id": id_, "companies": companies} for id_, companies in told]
        session.execute(_LEARN, {"resource": resource, "told": dumps(rows)})


def _forget(session: Session, resource: str, ids: Iterable[UUID]) -> None:
    if gone := [str(id_) for id_ in ids]:
        session.execute(_FORGET, {"resource": resource, "ids": gone})

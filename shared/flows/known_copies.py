"""A flow for services whose requests name companies and that date no documents: they keep the ids of all companies.

Ids of other resources are kept without a flow (`shared/api/known.py`).
"""

from sqlalchemy import Column, MetaData, Table, Uuid
from sqlalchemy.orm import Session

from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import subscribe
from shared.storage.copies import put

_COMPANY = Table("company", MetaData(), Column("id", Uuid, primary_key=True))


class KnownCompanies:
    """Companies that users and keys are limited to; there is a table for them, as in services that date documents."""

    @subscribe(finance.CompanyAdded, finance.CompanyChanged, order="latest")
    def know_company(self, session: Session, events: list[finance.CompanyState]) -> None:
        put(session, _COMPANY, [{"id": event.company_id} for event in events])

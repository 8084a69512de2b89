"""Fiscal years and their periods: open → soft_locked → locked.

The present fiscal year, the one before and the one after are opened by themselves when somebody posts into them;
all others by hand. A posting outside any fiscal year, or into a locked period, is refused.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from erp_finance import fiscal
from erp_finance.companies import company_of
from erp_finance.errors import YearsDoNotAdjoin
from erp_finance.ledger import open_year
from erp_finance.models import FiscalYear
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import command
from shared.kernel.fiscal_years import Span, add_months, span
from shared.kernel.refusals import Invalid


class Periods:
    """When may be posted."""

    @command(finance.FiscalYear.create)
    def create_fiscal_year(self, session: Session, request: dict[str, Any]) -> FiscalYear:
        """Open a fiscal year right before or right after the known ones, with its months as periods."""
        company, year = company_of(session, request), _span(request)
        session.refresh(company, with_for_update={"key_share": True})
        _require_adjoining(session, company.id, year)
        return open_year(session, company.id, year, request.get("id"))


def _span(request: dict[str, Any]) -> Span:
    starts_on = request["starts_on"]
    ends_on = request.get("ends_on") or add_months(starts_on, 12) - timedelta(days=1)
    if not starts_on < ends_on < add_months(starts_on, fiscal.LONGEST_MONTHS):
        raise Invalid.at("/ends_on", "out_of_range")
    return span(starts_on, ends_on)


def _require_adjoining(session: Session, company_id: UUID, year: Span) -> None:
    bounds = select(func.min(FiscalYear.starts_on), func.max(FiscalYear.ends_on))
    first, last = session.execute(bounds.where(FiscalYear.company_id == company_id)).one()
    if first is None:
        return
    next_start = last + timedelta(days=1)
    if year.starts_on != next_start and year.ends_on != first - timedelta(days=1):
        raise YearsDoNotAdjoin(expected=next_start)

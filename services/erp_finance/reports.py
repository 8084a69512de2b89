"""What the books say: trial balance, general ledger, journal, statement, aged receivables.

Sums of whole periods come from the maintained balances; only the period that a date cuts is summed line by line.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from erp_finance.ageing import Ageing
from erp_finance.errors import ReportTooLarge
from erp_finance.models import Company
from shared.contracts import erp_finance as finance
from shared.flows.entrypoints import query
from shared.kernel.business_days import business_day
from shared.kernel.context import current
from shared.kernel.money import ZERO
from shared.kernel.refusals import BadRequest

MOST_ROWS = 10_000


class Reporting:
    """Reports of one company."""

    @query(finance.report_trial_balance)
    def report_trial_balance(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        """Every account that moved: everything up to `as_of` (today if nothing is said), or what moved in from … to."""
        head = _head(session, parameters)
        if head["from_"] is not None:
            head["as_of"] = None
        rows = _balances(session, head)
        return {**head, "rows": rows, "totals": _totals(rows)}

    @query(finance.report_general_ledger)
    def report_general_ledger(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        """The posted lines by account and date; `from` left out: the present fiscal year."""
        head = _year_to_date(session, _head(session, parameters))
        rows = _lines(session, head, order="l.account, l.date, e.posted_at", account=parameters.get("account", ""))
        return {**head, "rows": rows, "totals": _totals(rows)}

    @query(finance.report_journal)
    def report_journal(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        """The posted lines in the order of their entries."""
        head = _year_to_date(session, _head(session, parameters))
        rows = _lines(session, head, order="e.journal, e.seq, l.position", journal=parameters.get("journal"))
        return {**head, "rows": rows, "totals": _totals(rows)}

    @query(finance.report_account_statement)
    def report_account_statement(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        """One account (411 if none is named), or one partner on it: what was before, then each line with the balance."""
        head = _year_to_date(session, _head(session, parameters))
        account, partner = parameters.get("account", "411"), parameters.get("partner_id")
        before = _before(session, head, account, partner)
        lines = _lines(session, head, order="l.date, e.posted_at", account=account, partner=partner)
        rows = _running([before, *lines])
        return {**head, "rows": rows, "totals": _totals(rows)}

    @query(finance.report_aged_receivables)
    def report_aged_receivables(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        """Open invoices by days overdue as they stood on `as_of`, and what customers have given in advance."""
        head = {**_head(session, parameters), "from_": None, "to": None}
        ages, names = _aged(session, head)
        total = Ageing()
        for age in ages.values():
            total.merge(age)
        rows = [{"customer_id": key, "name": names[key], **age.figures()} for key, age in ages.items()]
        rows.sort(key=lambda row: (row["name"], str(row["customer_id"])))
        return {**head, "rows": rows, "totals": total.figures()}


def _head(session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
    """Company, currency and dates of a report. Raises BadRequest for an unknown company or crossed dates."""
    company = session.get(Company, parameters.get("company_id") or current(session).company_id)
    if company is None:
        raise BadRequest([{"pointer": "?company_id", "code": "not_found"}])
    to = parameters.get("to") or parameters.get("as_of") or business_day(session, company.id)
    since = parameters.get("from_")
    if since is not None and since > to:
        raise BadRequest([{"pointer": "?from", "code": "out_of_range"}])
    return {"company_id": company.id, "currency": company.currency, "as_of": to, "from_": since, "to": to}


_YEAR_START = text(
    "SELECT starts_on FROM fiscal_year WHERE company_id = :company_id AND starts_on <= :to ORDER BY starts_on DESC LIMIT 1"
)


def _year_to_date(session: Session, head: dict[str, Any]) -> dict[str, Any]:
    if head["from_"] is not None:
        return {**head, "as_of": None}
    start = session.execute(_YEAR_START, {"company_id": head["company_id"], "to": head["to"]}).scalar()
    return {**head, "as_of": None, "from_": start or head["to"]}


_BALANCES = text(
    """
    WITH parts AS (
        SELECT b.account, b.debit, b.credit
        FROM account_balance b JOIN period p ON p.id = b.period_id
        WHERE b.company_id = :company_id AND p.ends_on <= :to AND p.starts_on >= :from
        UNION ALL
        SELECT l.account, l.debit, l.credit
        FROM period p JOIN journal_line l ON l.company_id = p.company_id
            AND l.date BETWEEN greatest(p.starts_on, :from) AND least(p.ends_on, :to)
        WHERE p.company_id = :company_id AND p.starts_on <= :to AND p.ends_on >= :from
            AND (p.ends_on > :to OR p.starts_on < :from)
    )
    SELECT s.account, CASE WHEN :english THEN a.name_en ELSE a.name END AS name, s.debit, s.credit
    FROM (SELECT account, sum(debit) AS debit, sum(credit) AS credit FROM parts GROUP BY account) AS s
    JOIN account a ON a.company_id = :company_id AND a.code = s.account
    ORDER BY s.account
    """
)


def _balances(session: Session, head: dict[str, Any]) -> list[dict[str, Any]]:
    values = {
        "company_id": head["company_id"], "from": head["from_"] or date(1, 1, 1), "to": head["to"],
        "english": _english(session),
    }  # fmt: skip
    return [_with_balance(row._asdict()) for row in session.execute(_BALANCES, values)]


def _english(session: Session) -> bool:
    return current(session).language != "fr"


_LINES = """
    SELECT l.entry_id, e.number, l.date, e.journal, e.reference, l.account,
        CASE WHEN :english THEN a.name_en ELSE a.name END AS name, l.label, l.partner_id, l.debit, l.credit
    FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
    JOIN account a ON a.company_id = l.company_id AND a.code = l.account
    WHERE l.company_id = :company_id AND l.date BETWEEN :from AND :to
        AND (:account = '' OR starts_with(l.account, :account))
        AND (CAST(:partner AS uuid) IS NULL OR l.partner_id = :partner)
        AND (CAST(:journal AS text) IS NULL OR e.journal = :journal)
    ORDER BY {order}, l.entry_id, l.position LIMIT :most
"""


def _lines(session: Session, head: dict[str, Any], order: str, **chosen: Any) -> list[dict[str, Any]]:
    """Posted lines. Raises ReportTooLarge rather than cut in silence."""
    values = {
        "company_id": head["company_id"], "from": head["from_"], "to": head["to"], "english": _english(session),
        "account": chosen.get("account", ""), "partner": chosen.get("partner"), "journal": chosen.get("journal"),
        "most": MOST_ROWS + 1,
    }  # fmt: skip
    rows: Sequence[Row[Any]] = session.execute(text(_LINES.format(order=order)), values).all()
    if len(rows) > MOST_ROWS:
        raise ReportTooLarge(most=MOST_ROWS)
    return [_with_balance(row._asdict()) for row in rows]


_BEFORE = text(
    "SELECT coalesce(sum(debit), 0) AS debit, coalesce(sum(credit), 0) AS credit FROM journal_line"
    " WHERE company_id = :company_id AND date < :from AND starts_with(account, :account)"
    " AND (CAST(:partner AS uuid) IS NULL OR partner_id = :partner)"
)


def _before(session: Session, head: dict[str, Any], account: str, partner: Any) -> dict[str, Any]:
    values = {"company_id": head["company_id"], "from": head["from_"], "account": account, "partner": partner}
    sums = session.execute(_BEFORE, values).one()
    label = "Opening balance" if _english(session) else "Solde antérieur"
    nothing = {"entry_id": None, "number": None, "journal": None, "partner_id": partner, "reference": "", "name": ""}
    return {**nothing, "date": head["from_"], "account": account, "label": label, **sums._asdict()}


def _running(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    shown, balance = [], ZERO
    for row in rows:
        balance += row["debit"] - row["credit"]
        shown.append({**row, "balance": balance})
    return shown


def _with_balance(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "balance": row["debit"] - row["credit"]}


def _totals(rows: Iterable[dict[str, Any]]) -> dict[str, Decimal]:
    debit, credit = ZERO, ZERO
    for row in rows:
        debit, credit = debit + row["debit"], credit + row["credit"]
    return {"debit": debit, "credit": credit, "balance": debit - credit}


_OPEN_INVOICES = text(
    """
    SELECT i.customer_id, max(i.customer_name) AS name, i.due_on, sum(i.gross_total - coalesce(s.amount, 0)) AS residual
    FROM invoice i LEFT JOIN LATERAL (
        SELECT sum(amount) AS amount FROM allocation a WHERE a.invoice_id = i.id AND a.allocated_on <= :to
            AND (a.released_on IS NULL OR a.released_on > :to)
    ) AS s ON true
    WHERE i.company_id = :company_id AND i.kind = 'invoice' AND i.issued_on <= :to
    GROUP BY i.customer_id, i.due_on HAVING sum(i.gross_total - coalesce(s.amount, 0)) <> 0
    """
)
_GIVEN = text(
    """
    SELECT customer_id, max(name) AS name, sum(amount) AS amount FROM (
        SELECT p.contact_id AS customer_id, NULL AS name,
            CASE p.direction WHEN 'in' THEN p.amount ELSE -p.amount END AS amount
        FROM payment p LEFT JOIN journal_entry r ON r.reverses_id = p.entry_id
        WHERE p.company_id = :company_id AND p.status <> 'draft' AND p.date <= :to AND (r.date IS NULL OR r.date > :to)
        UNION ALL
        SELECT i.customer_id, i.customer_name, i.gross_total FROM invoice i
        WHERE i.company_id = :company_id AND i.kind = 'credit_note' AND i.issued_on <= :to
        UNION ALL
        SELECT i.customer_id, i.customer_name, -a.amount FROM allocation a JOIN invoice i ON i.id = a.invoice_id
        WHERE a.company_id = :company_id AND a.allocated_on <= :to AND (a.released_on IS NULL OR a.released_on > :to)
    ) AS given GROUP BY customer_id HAVING sum(amount) <> 0
    """
)
_NAMES = text("SELECT id, name FROM customer WHERE id = ANY(CAST(:ids AS uuid[]))")


def _aged(session: Session, head: dict[str, Any]) -> tuple[dict[Any, Ageing], dict[Any, str]]:
    """Open items per customer, and the names of the customers."""
    values = {"company_id": head["company_id"], "to": head["as_of"]}
    ages: dict[Any, Ageing] = {}
    names: dict[Any, str] = {}
    for row in session.execute(_OPEN_INVOICES, values):
        ages.setdefault(row.customer_id, Ageing()).add(row.due_on, head["as_of"], row.residual)
        names[row.customer_id] = row.name
    for row in session.execute(_GIVEN, values):
        ages.setdefault(row.customer_id, Ageing()).unallocated += row.amount
        names.setdefault(row.customer_id, row.name or "")
    known = session.execute(_NAMES, {"ids": [str(key) for key in ages]})
    names.update({row.id: row.name for row in known})
    return ages, names

"""Reports of one company."""

from shared.schema.contract import Operation
from shared.wire import fields
from shared.wire.fields import Schema


class _ReportParameters(Schema):
    """`as_of` is for what stands at a day, `from` and `to` for what happened in a time."""

    company_id = fields.Uuid()
    as_of = fields.Day()
    from_ = fields.Day(data_key="from")
    to = fields.Day()
    format = fields.Choice("json", load_default="json")


class TrialBalanceParameters(_ReportParameters):
    """Without dates: as of today."""


class LedgerParameters(_ReportParameters):
    """`account` keeps only accounts whose code begins so."""

    account = fields.Text(most=20)


class JournalParameters(_ReportParameters):
    """`journal` keeps one journal."""

    journal = fields.Text(most=10)


class StatementParameters(LedgerParameters):
    """One account (411 if left out) or one partner on it."""

    partner_id = fields.Uuid()


class _Report(Schema):
    as_of = fields.Day(allow_none=True)
    from_ = fields.Day(data_key="from", allow_none=True)
    to = fields.Day(allow_none=True)
    currency = fields.Text()


class BalanceTotals(Schema):
    """Sums over all rows."""

    debit = fields.Amount()
    credit = fields.Amount()
    balance = fields.Amount()


class BalanceRow(BalanceTotals):
    """balance = debit − credit."""

    account = fields.Text()
    name = fields.Text()


class TrialBalance(_Report):
    """Every account that moved, with its debits and credits."""

    rows = fields.Many(fields.Part(BalanceRow))
    totals = fields.Part(BalanceTotals)


class LedgerRow(BalanceRow):
    """A posted line; in an account statement `balance` is the running balance."""

    entry_id = fields.Uuid(allow_none=True)
    number = fields.Text(allow_none=True)
    date = fields.Day()
    journal = fields.Text(allow_none=True)
    reference = fields.Text()
    label = fields.Text()
    partner_id = fields.Uuid(allow_none=True)


class LedgerReport(_Report):
    """Posted lines and their sums."""

    rows = fields.Many(fields.Part(LedgerRow))
    totals = fields.Part(BalanceTotals)


class AgedTotals(Schema):
    """What is owed, by days after the due date; `unallocated` is money received that settles nothing yet."""

    not_due = fields.Amount()
    days_1_30 = fields.Amount()
    days_31_60 = fields.Amount()
    days_61_90 = fields.Amount()
    over_90 = fields.Amount()
    unallocated = fields.Amount()
    balance = fields.Amount()


class AgedRow(AgedTotals):
    """One customer."""

    customer_id = fields.Uuid()
    name = fields.Text()


class AgedReceivables(_Report):
    """Open invoices by age, per customer, as of a day."""

    rows = fields.Many(fields.Part(AgedRow))
    totals = fields.Part(AgedTotals)


report_trial_balance = Operation(
    "GET /v1/reports/trial-balance", "Trial balance", "finance.reports:read",
    response=TrialBalance, parameters=TrialBalanceParameters,
)  # fmt: skip
report_general_ledger = Operation(
    "GET /v1/reports/general-ledger", "General ledger", "finance.reports:read",
    response=LedgerReport, parameters=LedgerParameters,
)  # fmt: skip
report_journal = Operation(
    "GET /v1/reports/journal", "Journal", "finance.reports:read", response=LedgerReport, parameters=JournalParameters
)
report_account_statement = Operation(
    "GET /v1/reports/account-statement", "Statement of an account or a partner, with running balance",
    "finance.reports:read", response=LedgerReport, parameters=StatementParameters,
)  # fmt: skip
report_aged_receivables = Operation(
    "GET /v1/reports/aged-receivables", "Open invoices by age", "finance.reports:read",
    response=AgedReceivables, parameters=_ReportParameters,
)  # fmt: skip

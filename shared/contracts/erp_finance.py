"""Events and operations of `erp_finance`."""

from dataclasses import field
from datetime import date
from decimal import Decimal
from uuid import UUID

from shared.commerce.terms import LONGEST_DAYS
from shared.kernel.fiscal_years import FIRST_DAY
from shared.kernel.money import MINOR_UNITS, ZERO
from shared.kernel.time_zones import known_zone
from shared.schema.contract import Amount, Changes, Data, Event, Listing, Operation
from shared.wire import codes, fields
from shared.wire.fields import Schema

JOBS = 0x3AF
"""The number of this service's jobs, which their ids carry: given once, like those of events."""


class CompanyState(Data):
    """What every company event carries: the own legal entity after the change.

    `time_zone` is an IANA name, `fiscal_year_start` MM-DD.
    """

    company_id: UUID
    name: str
    currency: str
    time_zone: str
    fiscal_year_start: str = FIRST_DAY


class CompanyAdded(
    CompanyState, Event, type="erp_finance.company.added", number=0xC08, permission="finance.companies:read"
):
    """An own legal entity was added."""


class CompanyChanged(
    CompanyState, Event, type="erp_finance.company.changed", number=0x9C9, permission="finance.companies:read"
):
    """An own legal entity was changed."""

    changes: Changes = field(default_factory=dict)


class FiscalYearOpened(Event, type="erp_finance.fiscal_year.opened", number=0x3F1, permission="finance.periods:read"):
    """A fiscal year was opened: documents may be dated in it, unless a period of it is locked."""

    fiscal_year_id: UUID
    company_id: UUID
    code: str
    starts_on: date
    ends_on: date


class PeriodLocked(Event, type="erp_finance.period.locked", number=0xC99, permission="finance.periods:read"):
    """A period was closed, softly or (`final`) for good: no service dates a document in it any more."""

    period_id: UUID
    company_id: UUID
    code: str
    starts_on: date
    ends_on: date
    final: bool


class PeriodUnlocked(Event, type="erp_finance.period.unlocked", number=0x51E, permission="finance.periods:read"):
    """A softly locked period was opened again."""

    period_id: UUID
    company_id: UUID
    code: str
    starts_on: date
    ends_on: date


class CreditApproved(
    Event, type="erp_finance.credit.approved", number=0x065, permission="finance.credit_limits:read", about="order"
):
    """The customer's exposure, this order included, is within the limit (`limit` None: no limit is set)."""

    order_id: UUID
    customer_id: UUID
    exposure: Amount
    limit: Amount | None
    currency: str


class CreditHeld(
    Event, type="erp_finance.credit.held", number=0x82D, permission="finance.credit_limits:read", about="order"
):
    """The order would exceed the customer's credit limit."""

    order_id: UUID
    customer_id: UUID
    exposure: Amount
    limit: Amount
    currency: str


class CreditReleased(
    Event, type="erp_finance.credit.released", number=0xBBA, permission="finance.credit_limits:read", about="order"
):
    """The exposure of a cancelled order was given back."""

    order_id: UUID
    customer_id: UUID


class InvoicedLine(Data):
    """The quantity of an order line that an invoice or a credit note bills (negative on credit notes)."""

    order_line_id: UUID
    quantity: Decimal
    net: Amount


class InvoiceCreated(Event, type="erp_finance.invoice.created", number=0x3F4, permission="finance.invoices:read"):
    """An invoice was drafted by hand; it is no document of the books before it is issued."""

    invoice_id: UUID
    company_id: UUID
    customer_id: UUID
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    product_ids: list[UUID]


class InvoiceIssued(Event, type="erp_finance.invoice.issued", number=0xE17, permission="finance.invoices:read"):
    """A customer invoice got its legal number and was posted."""

    invoice_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    order_id: UUID | None
    delivery_id: UUID | None
    issued_on: date
    due_on: date
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    lines: list[InvoicedLine]


class CreditNoteIssued(Event, type="erp_finance.credit_note.issued", number=0x345, permission="finance.invoices:read"):
    """An invoice was corrected; amounts are positive."""

    credit_note_id: UUID
    number: str
    corrects_id: UUID
    company_id: UUID
    customer_id: UUID
    order_id: UUID | None
    issued_on: date
    currency: str
    net_total: Amount
    tax_total: Amount
    gross_total: Amount
    lines: list[InvoicedLine]


class InvoicePaid(Event, type="erp_finance.invoice.paid", number=0xB13, permission="finance.invoices:read"):
    """Payments or credit notes settled an invoice completely."""

    invoice_id: UUID
    number: str
    order_id: UUID | None
    customer_id: UUID
    paid_on: date


class InvoiceReopened(Event, type="erp_finance.invoice.reopened", number=0x988, permission="finance.invoices:read"):
    """A payment was reversed or unallocated: the invoice is open again."""

    invoice_id: UUID
    number: str
    order_id: UUID | None
    customer_id: UUID
    residual: Amount


class PaidInvoice(Data):
    """The part of a payment that settles one invoice."""

    invoice_id: UUID
    order_id: UUID | None
    amount: Amount
    residual: Amount


class PaymentAllocated(Event, type="erp_finance.payment.allocated", number=0x3FB, permission="finance.payments:read"):
    """Money received before was set against invoices; `unallocated` is what is left of the payment."""

    payment_id: UUID
    number: str
    customer_id: UUID
    currency: str
    allocated_on: date
    unallocated: Amount
    allocations: list[PaidInvoice]


class PaymentUnallocated(
    Event, type="erp_finance.payment.unallocated", number=0x6E4, permission="finance.payments:read"
):
    """A payment was taken off invoices, which are open again; `unallocated` is what it has left.

    Of each invoice, `amount` is what it had been settled by, `residual` what is open now.
    """

    payment_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    currency: str
    released_on: date
    unallocated: Amount
    allocations: list[PaidInvoice]


class PaymentCreated(Event, type="erp_finance.payment.created", number=0x3F5, permission="finance.payments:read"):
    """A payment was drafted; it settles nothing before it is posted."""

    payment_id: UUID
    company_id: UUID
    customer_id: UUID
    direction: str
    amount: Amount
    currency: str


class PaymentReceived(Event, type="erp_finance.payment.received", number=0xDB8, permission="finance.payments:read"):
    """Money came in from a customer and was posted; `unallocated` is what settles no invoice yet."""

    payment_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    amount: Amount
    currency: str
    paid_on: date
    unallocated: Amount
    allocations: list[PaidInvoice]


class PaymentReversed(Event, type="erp_finance.payment.reversed", number=0x301, permission="finance.payments:read"):
    """A payment did not hold: its entry is mirrored, and the invoices named in `allocations` are open again.

    Of each, `amount` is what it had been settled by, `residual` what is open now.
    """

    payment_id: UUID
    number: str
    company_id: UUID
    customer_id: UUID
    direction: str
    amount: Amount
    currency: str
    reversed_on: date
    allocations: list[PaidInvoice]


class CreditLimitState(Data):
    """How much a customer may owe one company; `limit` None: no limit."""

    credit_limit_id: UUID
    company_id: UUID
    contact_id: UUID
    limit: Amount | None
    currency: str


class CreditLimitCreated(
    CreditLimitState,
    Event,
    type="erp_finance.credit_limit.created",
    number=0x6E5,
    permission="finance.credit_limits:read",
):
    """A customer got a credit limit."""


class CreditLimitChanged(
    CreditLimitState,
    Event,
    type="erp_finance.credit_limit.changed",
    number=0x6E6,
    permission="finance.credit_limits:read",
):
    """A customer has another credit limit; it counts from the next order on."""

    changes: Changes = field(default_factory=dict)


# -- Resources -------------------------------------------------------------------------------------------------------


class _Resource(Schema):
    """What every resource shows besides its own fields."""

    id = fields.Uuid()
    version = fields.Whole()
    created_at = fields.Instant()
    updated_at = fields.Instant()


class PostalAddress(Schema):
    """A postal address in parts."""

    street = fields.Text(allow_none=True)
    building_number = fields.Text(most=20, allow_none=True)
    post_code = codes.PostCode(most=20, allow_none=True)
    town = fields.Text(allow_none=True)
    country = codes.Country(most=2, least=2, allow_none=True)


class CompanyView(_Resource):
    """An own legal entity. `fiscal_year_start` is MM-DD; `payment_days` is the default term of invoices.

    `vat_on_debits`: it opted to pay VAT on services when they are invoiced, not when they are paid (CGI art. 269, 2 c).
    `time_zone` (IANA) says which day it is for it: accounting days, years of numbers and due dates follow.
    """

    name = fields.Text()
    legal_form = fields.Text(allow_none=True)
    siren = fields.Text(allow_none=True)
    siret = fields.Text(allow_none=True)
    vat_number = fields.Text(allow_none=True)
    currency = fields.Text()
    address = fields.Part(PostalAddress)
    share_capital = fields.Amount(allow_none=True)
    fiscal_year_start = fields.Text()
    payment_days = fields.Whole()
    vat_on_debits = fields.Flag()
    time_zone = fields.Text()


class CompanyChange(Schema):
    """The fields of a company that may change; currency and start of the fiscal year are fixed once it keeps books."""

    name = fields.Text(least=1)
    legal_form = fields.Text(most=50, allow_none=True)
    siren = codes.Code(most=9, least=9, digits=(9,), allow_none=True)
    siret = codes.Code(most=14, least=14, digits=(14,), allow_none=True)
    vat_number = codes.Code(most=20, allow_none=True)
    address = fields.Part(PostalAddress)
    share_capital = fields.Amount(not_negative=True, allow_none=True)
    payment_days = fields.Whole(least=0, most=LONGEST_DAYS)
    vat_on_debits = fields.Flag()
    time_zone = fields.Text(most=64, validate=[known_zone])


_DAY_OF_EVERY_YEAR = (
    "^((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$"
)


class NewCompany(CompanyChange):
    """A further legal entity; it gets the chart of accounts, the journals and its current fiscal year."""

    id = fields.Uuid()
    name = fields.Text(least=1, required=True)
    currency = fields.Choice(*MINOR_UNITS)
    fiscal_year_start = fields.Text(most=5, least=5, validate=[fields.Form(_DAY_OF_EVERY_YEAR, error="invalid_date")])


_COMPANY = {"company_id": fields.Uuid()}
_ACCOUNT_TYPES = ("asset", "liability", "equity", "income", "expense")


class AccountView(_Resource):
    """A ledger account. `name` is the French name, which legal exports carry; `name_en` the English one."""

    company_id = fields.Uuid(refers="companies")
    code = fields.Text()
    name = fields.Text()
    name_en = fields.Text()
    type = fields.Choice(*_ACCOUNT_TYPES)
    reconcilable = fields.Flag()
    blocked = fields.Flag()


class AccountChange(Schema):
    """The fields of an account that may change. A blocked account takes no manual entries."""

    name = fields.Text(least=1)
    name_en = fields.Text(least=1)
    reconcilable = fields.Flag()
    blocked = fields.Flag()


class NewAccount(AccountChange):
    """An account; the first three digits of its code must be those of an account of the chart (FEC rule)."""

    id = fields.Uuid()
    company_id = fields.Uuid()
    code = fields.Text(most=20, least=3, required=True)
    name = fields.Text(least=1, required=True)
    type = fields.Choice(*_ACCOUNT_TYPES, required=True)


class JournalView(_Resource):
    """A journal of original entry."""

    company_id = fields.Uuid(refers="companies")
    code = fields.Text()
    name = fields.Text()
    name_en = fields.Text()
    type = fields.Text()


class FiscalYearView(_Resource):
    """A fiscal year; `code` is part of the numbers of its journal entries."""

    company_id = fields.Uuid(refers="companies")
    code = fields.Text()
    starts_on = fields.Day()
    ends_on = fields.Day()


class NewFiscalYear(Schema):
    """A fiscal year that adjoins the known ones; `ends_on` left out: twelve months. At most 24 months (C. com. L123-12)."""

    id = fields.Uuid()
    company_id = fields.Uuid()
    starts_on = fields.Day(required=True)
    ends_on = fields.Day()


class PeriodView(_Resource):
    """A month of a fiscal year. soft_locked: only holders of `finance.periods:lock` still post; locked: nobody, ever."""

    company_id = fields.Uuid(refers="companies")
    fiscal_year_id = fields.Uuid(refers="fiscal-years")
    code = fields.Text()
    starts_on = fields.Day()
    ends_on = fields.Day()
    status = fields.Choice("open", "soft_locked", "locked")
    locked_at = fields.Instant(allow_none=True)


class PeriodLock(Schema):
    """`final` true locks for good, otherwise softly."""

    final = fields.Flag(load_default=False)


class EntryLineView(Schema):
    """One side of a journal entry: exactly one of debit and credit is greater than zero."""

    account = fields.Text()
    partner_id = fields.Uuid(refers="contacts", allow_none=True)
    label = fields.Text()
    debit = fields.Amount()
    credit = fields.Amount()
    due_on = fields.Day(allow_none=True)
    tax_code = fields.Text(allow_none=True)


class EntryView(_Resource):
    """A journal entry. `hash` chains it to the entry posted before it in its journal."""

    company_id = fields.Uuid(refers="companies")
    number = fields.Text(allow_none=True)
    journal = fields.Text()
    date = fields.Day()
    reference = fields.Text()
    currency = fields.Text()
    status = fields.Choice("draft", "posted", "reversed")
    source_type = fields.Text(allow_none=True)
    source_id = fields.Uuid(allow_none=True)
    reverses_id = fields.Uuid(allow_none=True)
    reversed_by_id = fields.Uuid(allow_none=True)
    posted_at = fields.Instant(allow_none=True)
    hash = fields.Text(allow_none=True)
    lines = fields.Many(fields.Part(EntryLineView))


class NewEntryLine(Schema):
    """A line of a manual entry; `label` left out: the reference of the entry."""

    account = fields.Text(most=20, least=1, required=True)
    partner_id = fields.Known("contacts", allow_none=True)
    label = fields.Text()
    debit = fields.Amount(not_negative=True, load_default=ZERO)
    credit = fields.Amount(not_negative=True, load_default=ZERO)
    due_on = fields.Day(allow_none=True)
    tax_code = fields.Text(most=20, allow_none=True)


class NewEntry(Schema):
    """A manual journal entry, kept as a draft until it is posted."""

    id = fields.Uuid()
    company_id = fields.Uuid()
    journal = fields.Text(most=10, least=1, load_default="OD")
    date = fields.Day(required=True)
    reference = fields.Text(load_default="")
    lines = fields.Many(fields.Part(NewEntryLine), least=2, required=True)


class Reversal(Schema):
    """`date` of the reversing entry, never before that of the original; left out: today, or the original's if later."""

    date = fields.Day()


class FirstBadEntry(Schema):
    """The first entry at which a chain does not hold, and why."""

    entry_id = fields.Uuid(allow_none=True)
    number = fields.Text(allow_none=True)
    seq = fields.Whole()
    reason = fields.Choice("gap", "broken_link", "content_changed", "unbalanced", "cut_tail", "anchor_mismatch")


class JournalVerification(Schema):
    """The result for the hash chain of one journal."""

    company_id = fields.Uuid()
    journal = fields.Text()
    entries = fields.Whole()
    head_hash = fields.Text(allow_none=True)
    verified = fields.Flag()
    first_bad = fields.Part(FirstBadEntry, allow_none=True)


class LedgerVerification(Schema):
    """The hash chains of all journals, recomputed from the stored entries."""

    verified = fields.Flag()
    checked_at = fields.Instant()
    journals = fields.Many(fields.Part(JournalVerification))


class TaxCodeView(_Resource):
    """A rate of VAT for a time. `exigibility` says when the tax falls due: at delivery or at payment (CGI art. 269)."""

    code = fields.Text()
    name = fields.Text()
    name_en = fields.Text()
    rate = fields.Percent()
    kind = fields.Choice("sale", "purchase")
    valid_from = fields.Day()
    valid_to = fields.Day(allow_none=True)
    accounts = fields.Table()
    exigibility = fields.Choice("delivery", "payment")


class InvoiceLineView(Schema):
    """A line of an invoice or credit note; `net` is after discount, before tax."""

    id = fields.Uuid()
    order_line_id = fields.Uuid(allow_none=True)
    product_id = fields.Uuid(refers="products", allow_none=True)
    description = fields.Text()
    kind = fields.Text()
    quantity = fields.Quantity()
    unit = fields.Text()
    unit_price = fields.Price()
    discount_percent = fields.Percent()
    net = fields.Amount()
    tax_code = fields.Text()
    tax_rate = fields.Percent()


class TaxView(Schema):
    """The tax of one rate on a document: `amount` is `base` × `rate`, rounded once (EN 16931, BR-CO-17).

    A part (of an order, or of an invoice that is credited) has the rounded tax of all parts so far less what the earlier
    ones had, so that the parts add up to the whole.
    """

    tax_code = fields.Text()
    rate = fields.Percent()
    base = fields.Amount()
    amount = fields.Amount()


class Note(Schema):
    """A mention that French law asks for; `code` is the UNTDID 4451 subject (PMT, PMD, AAB, TXD)."""

    code = fields.Text()
    text = fields.Text(most=1000)


class InvoiceView(_Resource):
    """A customer invoice or credit note. `residual`: unpaid, or of a credit note not yet set off."""

    company_id = fields.Uuid(refers="companies")
    number = fields.Text(allow_none=True)
    status = fields.Choice("draft", "issued", "partially_paid", "paid", "credited")
    customer_id = fields.Uuid(refers="contacts")
    customer_name = fields.Text()
    order_id = fields.Uuid(refers="orders", allow_none=True)
    delivery_id = fields.Uuid(refers="deliveries", allow_none=True)
    delivered_on = fields.Day(allow_none=True)
    corrects_id = fields.Uuid(refers="invoices", allow_none=True)
    entry_id = fields.Uuid(refers="journal-entries", allow_none=True)
    currency = fields.Text()
    issued_on = fields.Day(allow_none=True)
    due_on = fields.Day(allow_none=True)
    payment_days = fields.Whole()
    reference = fields.Text()
    billing_mode = fields.Text()
    lines = fields.Many(fields.Part(InvoiceLineView))
    taxes = fields.Many(fields.Part(TaxView))
    net_total = fields.Amount()
    tax_total = fields.Amount()
    gross_total = fields.Amount()
    residual = fields.Amount()
    notes = fields.Many(fields.Part(Note))


class NewInvoiceLine(Schema):
    """A line of a manual invoice; its net is quantity × unit_price less the discount, rounded."""

    product_id = fields.Known("products", allow_none=True)
    description = fields.Multiline(most=1000, least=1, required=True)
    kind = fields.Choice("goods", "service", "consumable", load_default="goods")
    quantity = fields.Quantity(positive=True, required=True)
    unit = fields.Text(most=20, load_default="unit")
    unit_price = fields.Price(not_negative=True, required=True)
    discount_percent = fields.Percent(load_default=ZERO)
    tax_code = fields.Text(most=20, load_default="S20")


class NewInvoice(Schema):
    """A manual invoice, kept as a draft until it is issued."""

    id = fields.Uuid()
    company_id = fields.Uuid()
    customer_id = fields.Known("contacts", required=True)
    reference = fields.Text(load_default="")
    payment_days = fields.Whole(least=0, most=LONGEST_DAYS)
    lines = fields.Many(fields.Part(NewInvoiceLine), least=1, required=True)


class InvoiceIssue(Schema):
    """`issued_on` left out: today."""

    issued_on = fields.Day()


class CreditedLine(Schema):
    """The quantity of an invoice line that is credited; left out: what is not yet credited."""

    line_id = fields.Uuid(required=True)
    quantity = fields.Quantity(positive=True)


class CreditRequest(Schema):
    """`lines` left out: everything that is not yet credited."""

    lines = fields.Many(fields.Part(CreditedLine), least=1, unique="line_id")
    reason = fields.Text(load_default="")


class AllocationView(Schema):
    """The part of a payment that settles one invoice."""

    invoice_id = fields.Uuid(refers="invoices", required=True)
    amount = fields.Amount(positive=True, required=True)


class PaymentView(_Resource):
    """Money in or out. `unallocated` is what settles no invoice yet."""

    company_id = fields.Uuid(refers="companies")
    number = fields.Text()
    direction = fields.Choice("in", "out")
    contact_id = fields.Uuid(refers="contacts")
    amount = fields.Amount()
    currency = fields.Text()
    method = fields.Text()
    date = fields.Day()
    reference = fields.Text()
    status = fields.Choice("draft", "posted", "reversed")
    allocations = fields.Many(fields.Part(AllocationView))
    unallocated = fields.Amount()
    entry_id = fields.Uuid(refers="journal-entries", allow_none=True)


class NewPayment(Schema):
    """A payment, kept as a draft until it is posted. Out: money given back to a customer."""

    id = fields.Uuid()
    company_id = fields.Uuid()
    direction = fields.Choice("in", "out", load_default="in")
    contact_id = fields.Uuid(required=True)
    amount = fields.Amount(positive=True, required=True)
    currency = fields.Choice(*MINOR_UNITS, load_default="EUR")
    method = fields.Choice("transfer", "card", "direct_debit", "cheque", "cash", load_default="transfer")
    date = fields.Day()
    reference = fields.Text(load_default="")
    allocations = fields.Many(fields.Part(AllocationView), unique="invoice_id", load_default=list)


class Allocations(Schema):
    """What to settle, or to release (there `amount` left out means all of it)."""

    allocations = fields.Many(fields.Part(AllocationView), least=1, unique="invoice_id", required=True)


class Releases(Schema):
    """The invoices that a payment shall settle no longer; left out: all."""

    invoice_ids = fields.Many(fields.Uuid(), least=1)


class CreditLimitView(_Resource):
    """How much a customer may owe us in all, open orders included. `limit` null: no limit."""

    company_id = fields.Uuid(refers="companies")
    contact_id = fields.Uuid(refers="contacts")
    limit = fields.Amount(allow_none=True)
    currency = fields.Text()


class CreditLimitChange(Schema):
    """A new limit."""

    limit = fields.Amount(not_negative=True, allow_none=True)


class NewCreditLimit(Schema):
    """A limit for a customer."""

    id = fields.Uuid()
    company_id = fields.Uuid()
    contact_id = fields.Known("contacts", required=True)
    limit = fields.Amount(not_negative=True, allow_none=True, required=True)


class ExposureView(Schema):
    """exposure = open_orders + receivable − unallocated; headroom = limit − exposure (null without a limit)."""

    customer_id = fields.Uuid(refers="contacts")
    currency = fields.Text()
    open_orders = fields.Amount()
    receivable = fields.Amount()
    unallocated = fields.Amount()
    exposure = fields.Amount()
    limit = fields.Amount(allow_none=True)
    headroom = fields.Amount(allow_none=True)
    as_of = fields.Instant()


# -- Reports ---------------------------------------------------------------------------------------------------------


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


# -- Operations ------------------------------------------------------------------------------------------------------

_TIMES = {"created_at": fields.Instant(), "updated_at": fields.Instant()}

create_company = Operation(
    "POST /v1/companies", "Add an own legal entity", "finance.companies:write",
    response=CompanyView, request=NewCompany, status=201,
)  # fmt: skip
list_companies = Operation(
    "GET /v1/companies", "List own legal entities", "finance.companies:read", response=CompanyView,
    listing=Listing({"name": fields.Text(), "siren": fields.Text(), **_TIMES}, ("name", "created_at"), search=("name",)),
)  # fmt: skip
get_company = Operation(
    "GET /v1/companies/{id}", "Show an own legal entity", "finance.companies:read", response=CompanyView
)
change_company = Operation(
    "PATCH /v1/companies/{id}", "Change an own legal entity", "finance.companies:write",
    response=CompanyView, request=CompanyChange,
)  # fmt: skip

create_account = Operation(
    "POST /v1/accounts", "Add an account to the chart", "finance.accounts:write",
    response=AccountView, request=NewAccount, status=201,
)  # fmt: skip
list_accounts = Operation(
    "GET /v1/accounts", "List the chart of accounts", "finance.accounts:read", response=AccountView,
    listing=Listing(
        {**_COMPANY, "code": fields.Text(), "name": fields.Text(), "type": fields.Choice(*_ACCOUNT_TYPES),
         "reconcilable": fields.Flag(), "blocked": fields.Flag(), **_TIMES},
        ("code", "name", "created_at"), "code", ("code", "name", "name_en"),
    ),
)  # fmt: skip
get_account = Operation("GET /v1/accounts/{id}", "Show an account", "finance.accounts:read", response=AccountView)
change_account = Operation(
    "PATCH /v1/accounts/{id}", "Rename, block or free an account", "finance.accounts:write",
    response=AccountView, request=AccountChange,
)  # fmt: skip

list_journals = Operation(
    "GET /v1/journals", "List the journals", "finance.journals:read", response=JournalView,
    listing=Listing({**_COMPANY, "code": fields.Text(), "type": fields.Text()}, ("code", "created_at"), "code"),
)  # fmt: skip
get_journal = Operation("GET /v1/journals/{id}", "Show a journal", "finance.journals:read", response=JournalView)

create_fiscal_year = Operation(
    "POST /v1/fiscal-years", "Open a fiscal year with its periods", "finance.periods:write",
    response=FiscalYearView, request=NewFiscalYear, status=201,
)  # fmt: skip
list_fiscal_years = Operation(
    "GET /v1/fiscal-years", "List fiscal years", "finance.periods:read", response=FiscalYearView,
    listing=Listing(
        {**_COMPANY, "code": fields.Text(), "starts_on": fields.Day(), "ends_on": fields.Day()},
        ("starts_on", "created_at"), "-starts_on",
    ),
)  # fmt: skip
get_fiscal_year = Operation(
    "GET /v1/fiscal-years/{id}", "Show a fiscal year", "finance.periods:read", response=FiscalYearView
)
list_periods = Operation(
    "GET /v1/periods", "List periods", "finance.periods:read", response=PeriodView,
    listing=Listing(
        {**_COMPANY, "fiscal_year_id": fields.Uuid(), "code": fields.Text(), "starts_on": fields.Day(),
         "ends_on": fields.Day(), "status": fields.Choice("open", "soft_locked", "locked")},
        ("starts_on", "created_at"), "starts_on",
    ),
)  # fmt: skip
get_period = Operation("GET /v1/periods/{id}", "Show a period", "finance.periods:read", response=PeriodView)
lock_period = Operation(
    "POST /v1/periods/{id}/lock", "Lock a period, softly or for good", "finance.periods:lock",
    response=PeriodView, request=PeriodLock,
)  # fmt: skip
unlock_period = Operation(
    "POST /v1/periods/{id}/unlock", "Open a softly locked period again", "finance.periods:lock", response=PeriodView
)

create_journal_entry = Operation(
    "POST /v1/journal-entries", "Draft a journal entry", "finance.entries:write",
    response=EntryView, request=NewEntry, status=201,
)  # fmt: skip
list_journal_entries = Operation(
    "GET /v1/journal-entries", "List journal entries", "finance.entries:read", response=EntryView,
    listing=Listing(
        {**_COMPANY, "number": fields.Text(), "journal": fields.Text(), "date": fields.Day(), "reference": fields.Text(),
         "status": fields.Choice("draft", "posted", "reversed"), "source_type": fields.Text(), "source_id": fields.Uuid(),
         **_TIMES},
        ("date", "number", "created_at"), search=("number", "reference"),
    ),
)  # fmt: skip
get_journal_entry = Operation(
    "GET /v1/journal-entries/{id}", "Show a journal entry", "finance.entries:read", response=EntryView
)
post_journal_entry = Operation(
    "POST /v1/journal-entries/{id}/post", "Post a journal entry for good", "finance.entries:post",
    response=EntryView, idempotency="required",
)  # fmt: skip
reverse_journal_entry = Operation(
    "POST /v1/journal-entries/{id}/reverse", "Post the mirror image of an entry", "finance.entries:post",
    response=EntryView, request=Reversal, idempotency="required", status=201,
)  # fmt: skip
verify_ledger = Operation(
    "GET /v1/ledger/verification", "Recompute the hash chains of the ledger", "finance.entries:read",
    response=LedgerVerification,
)  # fmt: skip

list_tax_codes = Operation(
    "GET /v1/tax-codes", "List tax codes", "finance.tax_codes:read", response=TaxCodeView,
    listing=Listing(
        {"code": fields.Text(), "kind": fields.Choice("sale", "purchase"), "rate": fields.Percent(),
         "valid_from": fields.Day()},
        ("code", "valid_from", "created_at"), "code",
    ),
)  # fmt: skip
get_tax_code = Operation("GET /v1/tax-codes/{id}", "Show a tax code", "finance.tax_codes:read", response=TaxCodeView)

_INVOICE_LISTING = Listing(
    {**_COMPANY, "number": fields.Text(), "customer_id": fields.Uuid(), "order_id": fields.Uuid(),
     "delivery_id": fields.Uuid(), "corrects_id": fields.Uuid(),
     "status": fields.Choice("draft", "issued", "partially_paid", "paid", "credited"),
     "issued_on": fields.Day(), "due_on": fields.Day(), "gross_total": fields.Amount(), "total": fields.Amount(),
     "residual": fields.Amount(), **_TIMES},
    ("number", "issued_on", "due_on", "gross_total", "created_at"), search=("number", "customer_name"),
)  # fmt: skip
create_invoice = Operation(
    "POST /v1/invoices", "Draft a customer invoice", "finance.invoices:write",
    response=InvoiceView, request=NewInvoice, status=201,
)  # fmt: skip
list_invoices = Operation(
    "GET /v1/invoices",
    "List customer invoices",
    "finance.invoices:read",
    response=InvoiceView,
    listing=_INVOICE_LISTING,
)
get_invoice = Operation(
    "GET /v1/invoices/{id}", "Show a customer invoice", "finance.invoices:read", response=InvoiceView
)
issue_invoice = Operation(
    "POST /v1/invoices/{id}/issue", "Give an invoice its legal number and post it", "finance.invoices:issue",
    response=InvoiceView, request=InvoiceIssue, idempotency="required",
)  # fmt: skip
credit_invoice = Operation(
    "POST /v1/invoices/{id}/credit", "Correct an invoice by a credit note", "finance.invoices:issue",
    response=InvoiceView, request=CreditRequest, idempotency="required", status=201,
)  # fmt: skip
list_credit_notes = Operation(
    "GET /v1/credit-notes", "List credit notes", "finance.invoices:read", response=InvoiceView, listing=_INVOICE_LISTING
)
get_credit_note = Operation(
    "GET /v1/credit-notes/{id}", "Show a credit note", "finance.invoices:read", response=InvoiceView
)

create_payment = Operation(
    "POST /v1/payments", "Draft a payment", "finance.payments:write",
    response=PaymentView, request=NewPayment, status=201,
)  # fmt: skip
list_payments = Operation(
    "GET /v1/payments", "List payments", "finance.payments:read", response=PaymentView,
    listing=Listing(
        {**_COMPANY, "number": fields.Text(), "contact_id": fields.Uuid(), "direction": fields.Choice("in", "out"),
         "status": fields.Choice("draft", "posted", "reversed"), "date": fields.Day(), "amount": fields.Amount(),
         "unallocated": fields.Amount(), **_TIMES},
        ("number", "date", "amount", "created_at"), search=("number", "reference"),
    ),
)  # fmt: skip
get_payment = Operation("GET /v1/payments/{id}", "Show a payment", "finance.payments:read", response=PaymentView)
post_payment = Operation(
    "POST /v1/payments/{id}/post", "Post a payment and settle its invoices", "finance.payments:post",
    response=PaymentView, idempotency="required",
)  # fmt: skip
reverse_payment = Operation(
    "POST /v1/payments/{id}/reverse", "Undo a payment that did not hold", "finance.payments:post",
    response=PaymentView, request=Reversal, idempotency="required",
)  # fmt: skip
allocate_payment = Operation(
    "POST /v1/payments/{id}/allocate", "Settle invoices from what a payment has left", "finance.payments:post",
    response=PaymentView, request=Allocations, idempotency="required",
)  # fmt: skip
unallocate_payment = Operation(
    "POST /v1/payments/{id}/unallocate", "Take a payment off its invoices", "finance.payments:post",
    response=PaymentView, request=Releases, idempotency="required",
)  # fmt: skip

create_credit_limit = Operation(
    "POST /v1/credit-limits", "Set a customer's credit limit", "finance.credit_limits:write",
    response=CreditLimitView, request=NewCreditLimit, status=201,
)  # fmt: skip
list_credit_limits = Operation(
    "GET /v1/credit-limits", "List credit limits", "finance.credit_limits:read", response=CreditLimitView,
    listing=Listing({**_COMPANY, "contact_id": fields.Uuid(), **_TIMES}, ("created_at",)),
)  # fmt: skip
get_credit_limit = Operation(
    "GET /v1/credit-limits/{id}", "Show a credit limit", "finance.credit_limits:read", response=CreditLimitView
)
change_credit_limit = Operation(
    "PATCH /v1/credit-limits/{id}", "Change a credit limit", "finance.credit_limits:write",
    response=CreditLimitView, request=CreditLimitChange,
)  # fmt: skip
get_exposure = Operation(
    "GET /v1/customers/{id}/exposure", "Show what a customer owes and has on order", "finance.credit_limits:read",
    response=ExposureView,
)  # fmt: skip

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

PERMISSIONS = {
    "finance.companies:read": ("see the own companies", "voir ses propres sociétés"),
    "finance.companies:write": ("create and change own companies", "créer et modifier ses propres sociétés"),
    "finance.accounts:read": ("see the chart of accounts", "voir le plan comptable"),
    "finance.accounts:write": ("add and change accounts", "ajouter et modifier des comptes"),
    "finance.journals:read": ("see the journals", "voir les journaux comptables"),
    "finance.tax_codes:read": ("see tax codes and their rates", "voir les codes de TVA et leurs taux"),
    "finance.periods:read": ("see fiscal years and periods", "voir les exercices et les périodes"),
    "finance.periods:write": ("open fiscal years", "ouvrir des exercices"),
    "finance.periods:lock": (
        "lock periods, and post in softly locked ones",
        "verrouiller des périodes et comptabiliser dans celles qui ne le sont que provisoirement",
    ),
    "finance.entries:read": (
        "see journal entries and verify the ledger",
        "voir les écritures et vérifier le grand livre",
    ),
    "finance.entries:write": ("draft journal entries", "préparer des écritures"),
    "finance.entries:post": ("post and reverse journal entries", "comptabiliser et extourner des écritures"),
    "finance.invoices:read": ("see invoices and credit notes", "voir les factures et les avoirs"),
    "finance.invoices:write": ("draft invoices", "préparer des factures"),
    "finance.invoices:issue": ("issue and credit invoices", "émettre des factures et des avoirs"),
    "finance.payments:read": ("see payments", "voir les paiements"),
    "finance.payments:write": ("draft payments", "préparer des paiements"),
    "finance.payments:post": (
        "post, allocate and reverse payments",
        "comptabiliser, affecter et extourner des paiements",
    ),
    "finance.credit_limits:read": ("see credit limits and what customers owe", "voir les encours et leurs plafonds"),
    "finance.credit_limits:write": ("set credit limits", "fixer des plafonds d'encours"),
    "finance.reports:read": ("read the reports of accounting", "lire les états comptables"),
}
"""What each permission lets its holder do, in English and French."""

"""The refusals of the books."""

from shared.kernel.refusals import Conflict, Invalid


class NoOpenPeriod(Conflict):
    """Every period from a date on is closed. Details: date."""

    code = "no_open_period"
    en = "There is no open period from {date} on; open a fiscal year or unlock a period first."
    fr = "Il n'y a aucune période ouverte à partir du {date} ; ouvrez un exercice ou une période."


class YearsDoNotAdjoin(Conflict):
    """The fiscal year overlaps another or leaves a gap. Details: expected (the only possible starts)."""

    code = "years_do_not_adjoin"
    en = "Fiscal years adjoin without gap or overlap: the next one starts on {expected}."
    fr = "Les exercices se suivent sans interruption ni chevauchement : le prochain commence le {expected}."


class EntryHasDocument(Conflict):
    """The entry was posted by a document, which is what must be corrected. Details: source_type, source_id."""

    code = "entry_has_document"
    en = "This entry belongs to a document ({source_type}); correct the document instead."
    fr = "Cette écriture provient d'une pièce ({source_type}) ; corrigez plutôt la pièce."


class AlreadyReversed(Conflict):
    """The entry has its mirror image already. Details: number."""

    code = "already_reversed"
    en = "Entry {number} has already been reversed."
    fr = "L'écriture {number} a déjà été extournée."


class ForeignCurrency(Conflict):
    """The books of a company are kept in one currency. Details: currency, expected."""

    code = "foreign_currency"
    en = "The books are kept in {expected}; documents in {currency} cannot be posted."
    fr = "La comptabilité est tenue en {expected} ; une pièce en {currency} ne peut pas être comptabilisée."


class DateTooEarly(Conflict):
    """Legal numbers rise with the date. Details: date, last."""

    code = "date_too_early"
    en = "The last document of this series is dated {last}; {date} is earlier."
    fr = "La dernière pièce de cette série est datée du {last} ; le {date} est antérieur."


class DateInFuture(Conflict):
    """Documents are not dated ahead. Details: date."""

    code = "date_in_future"
    en = "{date} is in the future."
    fr = "Le {date} est dans le futur."


class NothingToCredit(Conflict):
    """The invoice has been credited completely. Details: number."""

    code = "nothing_to_credit"
    en = "Invoice {number} has already been credited completely."
    fr = "La facture {number} a déjà fait l'objet d'un avoir total."


class CreditExceedsInvoice(Invalid):
    """More would be credited than was invoiced; credit less."""

    code = "credit_exceeds_invoice"
    en = "More would be credited than was invoiced; credit less."
    fr = "L'avoir dépasserait ce qui a été facturé ; réduisez-le."


class AllocationExceedsPayment(Conflict):
    """The allocations are more than what the payment has left. Details: left, asked."""

    code = "allocation_exceeds_payment"
    en = "The payment has {left} left; allocate no more than that."
    fr = "Il reste {left} sur le paiement ; n'affectez pas davantage."


class AllocationExceedsInvoice(Conflict):
    """The allocation is more than what the invoice still owes. Details: number, residual, asked."""

    code = "allocation_exceeds_invoice"
    en = "Invoice {number} still owes {residual}, {asked} were asked for."
    fr = "Il reste {residual} à régler sur la facture {number}, {asked} ont été demandés."


class InvoiceOfAnother(Conflict):
    """The invoice belongs to another customer or company. Details: invoice_id."""

    code = "invoice_of_another"
    en = "The invoice {invoice_id} belongs to another customer or company."
    fr = "La facture {invoice_id} appartient à un autre client ou à une autre société."


class ReportTooLarge(Conflict):
    """The report has more rows than one answer carries. Details: most."""

    code = "report_too_large"
    en = "The report has more than {most} rows; narrow the dates or the account."
    fr = "L'état dépasse {most} lignes ; réduisez la période ou le compte."

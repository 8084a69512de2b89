"""How crm_sales says no."""

from shared.kernel.refusals import Conflict, Forbidden, Invalid, NotYet


class AlreadyShipped(Conflict):
    """Shipment is the point of no return: afterwards only a return or a credit note corrects."""

    code = "already_shipped"
    en = "Order {number} has already been delivered, at least in part; use a return or a credit note."
    fr = "La commande {number} est déjà livrée, au moins en partie ; passez par un retour ou un avoir."


class NotEditable(Conflict):
    """Prices and lines are frozen once an order is placed, a quote once it is sent."""

    code = "not_editable"
    en = "{number} is “{state}” and can no longer be changed."
    fr = "{number} est à l'état « {state} » et ne peut plus être modifié."


class ReleaseByPlacer(Forbidden):
    """Four eyes: the person who placed an order does not release its credit hold."""

    code = "release_by_placer"
    en = "Order {number} must be released by someone other than the person who placed it."
    fr = "La commande {number} doit être débloquée par une autre personne que celle qui l'a passée."


class QuoteExpired(Conflict):
    """The offer binds the seller only until its date: then it is neither sent nor accepted."""

    code = "quote_expired"
    en = "Quote {number} was valid until {valid_until}; give it a later date first (after a revision, if sent)."
    fr = "Le devis {number} était valable jusqu'au {valid_until} ; donnez-lui une autre date (révisez-le s'il est envoyé)."


class CustomerNotActive(Invalid):
    """Nothing is sold to an archived, merged or erased contact."""

    code = "customer_not_active"
    en = "This contact is no longer active; choose another one."
    fr = "Ce contact n'est plus actif ; choisissez-en un autre."


class OrderNotHere(NotYet):
    """An answer about an order that is not in this database (yet)."""

    code = "order_not_here"
    en = "Order {id} is not known here yet."
    fr = "La commande {id} n'est pas encore connue ici."


class ForeignCurrency(Conflict):
    """Quotes may be made in any accepted currency; invoices are issued in the company's own for now."""

    code = "foreign_currency"
    en = "Order {number} is in {currency}; only orders in {company_currency} can be invoiced."
    fr = "La commande {number} est en {currency} ; seules les commandes en {company_currency} peuvent être facturées."

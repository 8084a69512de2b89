"""How erp_inventory says no."""

from shared.kernel.refusals import Conflict, InUse, NotYet


class InsufficientStock(Conflict):
    """More would leave than is free. Details: product_id, requested, on_hand, reserved, available."""

    code = "insufficient_stock"
    en = "{requested} cannot leave: {available} are available ({on_hand} on hand, {reserved} reserved)."
    fr = "Sortie de {requested} impossible : {available} disponibles ({on_hand} en stock, {reserved} réservés)."


class InsufficientStockThen(Conflict):
    """A document that is dated back takes what was not there on a day since. Details: product_id, date, on_hand, value."""

    code = "insufficient_stock_then"
    en = "On {date}, {on_hand} worth {value} would have been on hand; use a later date."
    fr = "Au {date}, le stock aurait été de {on_hand} pour une valeur de {value} ; utilisez une date ultérieure."


class ProductInUse(Conflict):
    """Type and unit give past moves their meaning. Details: sku."""

    code = "product_in_use"
    en = "Product {sku} has been ordered or moved: its type and unit can no longer be changed."
    fr = "L'article {sku} a été commandé ou mouvementé : son type et son unité ne peuvent plus être modifiés."


class ProductNamed(InUse):
    """What moved or is named by documents, drafts too, is retired, not deleted. Details: reason."""

    en = "This product is used ({reason}); set active to false instead."
    fr = "Cet article est utilisé ({reason}) ; mettez active à false."


class MoreThanReserved(Conflict):
    """A delivery cannot ship what is not set aside for it. Details: line_id, requested, reserved."""

    code = "more_than_reserved"
    en = "{requested} cannot be shipped: {reserved} are reserved for this line."
    fr = "Impossible d'expédier {requested} : {reserved} sont réservés pour cette ligne."


class OrderUnknown(NotYet):
    """The order was confirmed before its placing was handled here."""

    code = "order_unknown"
    en = "Order {order_id} has not been placed here yet."
    fr = "La commande {order_id} n'est pas encore enregistrée ici."


class ProductUnknown(NotYet):
    """An order names products that are not in the catalogue. Details: product_ids."""

    code = "product_unknown"
    en = "Products {product_ids} are not in the catalogue."
    fr = "Les articles {product_ids} ne figurent pas au catalogue."

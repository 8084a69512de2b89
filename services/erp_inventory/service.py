"""The inventory service: its flows, in the order in which goods pass through them."""

from erp_inventory.adjusting import Adjusting
from erp_inventory.catalogue import Catalogue
from erp_inventory.delivering import Delivering
from erp_inventory.enquiries import Enquiries
from erp_inventory.premises import Premises
from erp_inventory.using import Using
from shared.flows.company_copies import CompanyCopies
from shared.flows.custom_copies import CustomFieldCopies


class ErpInventory(Catalogue, Premises, Adjusting, Delivering, Enquiries, Using, CustomFieldCopies, CompanyCopies):
    """Products, places, stock, deliveries."""

    name = "erp_inventory"

"""How crm_contacts says no."""

from shared.kernel.refusals import InUse


class ContactInUse(InUse):
    """A customer, a supplier, the parent of others or a contact that documents name is archived, not deleted. Details: reason."""

    en = "This contact is used ({reason}); archive it instead."
    fr = "Ce contact est utilisé ({reason}) ; archivez-le."

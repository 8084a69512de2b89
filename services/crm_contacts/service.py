"""The table of contents of crm_contacts."""

from crm_contacts.contact_import import ContactLoader
from crm_contacts.custom_fields import CustomFields
from crm_contacts.duplicates import Duplicates
from crm_contacts.registry import Registry
from crm_contacts.teams import NamedTeams
from crm_contacts.using import Using


class CrmContacts(Registry, Duplicates, CustomFields, NamedTeams, Using):
    """Contacts of everybody."""

    name = "crm_contacts"
    loaders = (ContactLoader(),)

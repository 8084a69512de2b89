"""Events and operations of `crm_contacts`."""

from shared.contracts.crm_contacts.contacts import *  # noqa: F403
from shared.contracts.crm_contacts.custom_fields import *  # noqa: F403
from shared.contracts.crm_contacts.teams import *  # noqa: F403

JOBS = 0x173
"""The number of this service's jobs, which their ids carry: given once, like those of events."""

PERMISSIONS = {
    "contacts.contacts:read": ("see contacts", "voir les contacts"),
    "contacts.contacts:write": ("create, change and archive contacts", "créer, modifier et archiver des contacts"),
    "contacts.contacts:delete": ("delete contacts", "supprimer des contacts"),
    "contacts.custom_fields:read": ("see which custom fields there are", "voir les champs personnalisés définis"),
    "contacts.custom_fields:manage": ("define custom fields", "définir des champs personnalisés"),
}
"""What each permission lets its holder do, in English and French."""

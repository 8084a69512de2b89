"""What crm_contacts keeps."""

from crm_contacts.models.base import Base as Base
from crm_contacts.models.contacts import Contact as Contact
from crm_contacts.models.contacts import ContactPoint as ContactPoint
from crm_contacts.models.contacts import ExternalId as ExternalId
from crm_contacts.models.custom_fields import CustomField as CustomField

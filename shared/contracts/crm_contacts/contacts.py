"""Contacts: people and organizations."""

from dataclasses import field
from uuid import UUID

from shared import codes, fields
from shared.contract import Changes, Data, Event, Listing, Operation
from shared.fields import Schema


class ContactState(Data):
    """What every contact event carries: the contact after the change, lean enough for replicas."""

    contact_id: UUID
    kind: str
    name: str
    status: str
    roles: list[str]
    language: str
    email: str | None
    siren: str | None
    vat_number: str | None
    country: str | None
    owner_id: UUID | None = None


class ContactCreated(
    ContactState, Event, type="crm_contacts.contact.created", number=0x66C, permission="contacts.contacts:read"
):
    """A contact was registered."""


class ContactUpdated(
    ContactState, Event, type="crm_contacts.contact.updated", number=0xFDB, permission="contacts.contacts:read"
):
    """A contact was changed; `status` says which state it is in now, also when it is archived or about to be deleted."""

    changes: Changes = field(default_factory=dict)


class ContactArchived(
    ContactState, Event, type="crm_contacts.contact.archived", number=0x6FA, permission="contacts.contacts:read"
):
    """A contact was taken out of use."""


class ContactDeleted(Event, type="crm_contacts.contact.deleted", number=0xD95, permission="contacts.contacts:read"):
    """A contact that nothing had used is gone."""

    contact_id: UUID


KINDS = ("person", "organization")
STATUSES = ("active", "archived", "merged", "erased")
ROLES = ("prospect", "customer", "supplier", "partner", "employee")
LIFECYCLE_STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)


class ContactPointPart(Schema):
    """An e-mail address or phone number; exactly one of a list is primary (the first if none says so)."""

    value = fields.Text(most=254, least=1, required=True)
    type = fields.Text(most=30, load_default="work")
    primary = fields.Flag(load_default=False)


class PhonePart(ContactPointPart):
    """A phone number in E.164 form; `extension` is what is dialled once it answers, and may stand in `value` too."""

    extension = fields.Text(most=11, allow_none=True, validate=[fields.Form("^[0-9]{1,11}$", error="invalid_phone")])


class AddressPart(Schema):
    """A structured postal address, as SEPA and e-invoices need it. `country` is ISO 3166-1 alpha-2."""

    type = fields.Choice("billing", "shipping", "legal", required=True)
    street = fields.Text(most=140, load_default="")
    building_number = fields.Text(most=16, load_default="")
    post_code = codes.PostCode(most=16, load_default="")
    town = fields.Text(most=70, load_default="")
    country = codes.Country(most=2, load_default="FR", validate=[fields.Form("^[A-Z]{2}$", error="invalid_country")])


class ContactFields(Schema):
    """What a client may set on a contact."""

    name = fields.Text(most=200, least=1)
    first_name = fields.Text(most=100, allow_none=True)
    last_name = fields.Text(most=100, allow_none=True)
    legal_name = fields.Text(most=200, allow_none=True)
    siren = codes.Code(most=20, digits=(9,), allow_none=True)
    siret = codes.Code(most=30, digits=(14,), allow_none=True)
    vat_number = codes.Code(most=30, allow_none=True)
    naf_code = codes.Code(
        most=6, allow_none=True, validate=[fields.Form(r"^[0-9]{2}\.?[0-9]{2}[A-Z]$", error="invalid_naf_code")]
    )
    language = fields.Text(most=5, validate=[fields.Form("^[a-z]{2}(-[A-Z]{2})?$", error="invalid_language")])
    emails = fields.Kept(fields.Part(ContactPointPart), most=20)
    phones = fields.Kept(fields.Part(PhonePart), most=20)
    addresses = fields.Kept(fields.Part(AddressPart), most=20)
    roles = fields.Many(fields.Choice(*ROLES), most=len(ROLES))
    lifecycle_stage = fields.Choice(*LIFECYCLE_STAGES, allow_none=True)
    owner_id = fields.Known("users", allow_none=True)
    source = fields.Text(most=100, allow_none=True)
    parent_id = fields.Uuid(allow_none=True)
    external_ids = fields.Table()
    tags = fields.Many(fields.Text(most=50, least=1), most=50)
    custom = fields.Custom()


class CreateContact(ContactFields):
    """A person needs a first or last name, an organization a name."""

    id = fields.Uuid()
    kind = fields.Choice(*KINDS, required=True)


class ParentKeys(Schema):
    """By what a row of a file names the company that it belongs to; external ids decide where there are any."""

    name = fields.Text(most=200)
    external_ids = fields.Table()


class ImportedContact(CreateContact):
    """A row of a file."""

    parent = fields.Part(ParentKeys)


class PatchContact(ContactFields):
    """A merge patch: lists are replaced whole, null clears; `kind` never changes."""


class WarningView(Schema):
    """Another contact shares an identifying value; the write was carried out nevertheless."""

    code = fields.Text()
    contact_id = fields.Uuid(refers="contacts")
    on = fields.Text()


class ContactView(Schema):
    """A contact. `name` of a person is made of first and last name."""

    id = fields.Uuid()
    kind = fields.Text()
    status = fields.Text()
    name = fields.Text()
    first_name = fields.Text(allow_none=True)
    last_name = fields.Text(allow_none=True)
    legal_name = fields.Text(allow_none=True)
    siren = fields.Text(allow_none=True)
    siret = fields.Text(allow_none=True)
    vat_number = fields.Text(allow_none=True)
    naf_code = fields.Text(allow_none=True)
    language = fields.Text()
    emails = fields.Kept(fields.Part(ContactPointPart))
    phones = fields.Kept(fields.Part(PhonePart))
    addresses = fields.Kept(fields.Part(AddressPart))
    roles = fields.Kept(fields.Choice(*ROLES))
    lifecycle_stage = fields.Text(allow_none=True)
    owner_id = fields.Uuid(allow_none=True)
    source = fields.Text(allow_none=True)
    parent_id = fields.Uuid(refers="contacts", allow_none=True)
    external_ids = fields.Table()
    tags = fields.Kept(fields.Text())
    custom = fields.Custom()
    created_at = fields.Instant()
    updated_at = fields.Instant()
    version = fields.Whole()


class WrittenContactView(ContactView):
    """The answer to create and patch: `warnings` names possible duplicates."""

    warnings = fields.Many(fields.Part(WarningView))


class DuplicateQuery(Schema):
    """Values as a person types them; they are normalised before they are compared."""

    emails = fields.Many(fields.Text(most=254), most=20, load_default=list)
    phones = fields.Many(fields.Text(most=50), most=20, load_default=list)
    siren = fields.Text(most=20, load_default=None, allow_none=True)
    siret = fields.Text(most=30, load_default=None, allow_none=True)
    vat_number = fields.Text(most=30, load_default=None, allow_none=True)


class DuplicateView(Schema):
    """A contact that shares the values of the kinds named in `on` (email, phone, siren, siret, vat_number)."""

    contact_id = fields.Uuid(refers="contacts")
    name = fields.Text()
    on = fields.Many(fields.Text())


class DuplicatesView(Schema):
    """All exact duplicates, at most 100."""

    data = fields.Many(fields.Part(DuplicateView))


CONTACTS = Listing(
    filters={
        "kind": fields.Choice(*KINDS),
        "status": fields.Choice(*STATUSES),
        "role": fields.Choice(*ROLES),
        "lifecycle_stage": fields.Choice(*LIFECYCLE_STAGES),
        "owner_id": fields.Uuid(),
        "name": fields.Text(),
        "email": fields.Text(most=254),
        "siren": fields.Text(most=20),
        "created_at": fields.Instant(),
    },
    sorts=("name", "created_at"),
    default_sort="-created_at",
    search=("name", "email", "siren"),
)

create_contact = Operation(
    "POST /v1/contacts",
    "Register a person or an organization",
    "contacts.contacts:write",
    request=CreateContact,
    imported=ImportedContact,
    response=WrittenContactView,
    status=201,
)
get_contact = Operation("GET /v1/contacts/{id}", "One contact", "contacts.contacts:read", response=ContactView)
list_contacts = Operation(
    "GET /v1/contacts", "Contacts by filter", "contacts.contacts:read", response=ContactView, listing=CONTACTS
)
patch_contact = Operation(
    "PATCH /v1/contacts/{id}",
    "Change a contact",
    "contacts.contacts:write",
    request=PatchContact,
    response=WrittenContactView,
)
delete_contact = Operation(
    "DELETE /v1/contacts/{id}", "Delete a contact that was never used", "contacts.contacts:delete"
)
archive_contact = Operation(
    "POST /v1/contacts/{id}/archive", "Take a contact out of use", "contacts.contacts:write", response=ContactView
)
unarchive_contact = Operation(
    "POST /v1/contacts/{id}/unarchive", "Take an archived contact into use again", "contacts.contacts:write",
    response=ContactView,
)  # fmt: skip
get_duplicates = Operation(
    "GET /v1/contacts/{id}/duplicates",
    "Contacts that share an identifying value with this one",
    "contacts.contacts:read",
    response=DuplicatesView,
)
check_duplicates = Operation(
    "POST /v1/contacts/duplicates/check",
    "Contacts that have these identifying values",
    "contacts.contacts:read",
    request=DuplicateQuery,
    response=DuplicatesView,
    idempotency="none",
)

"""Contacts: people and organizations."""

from dataclasses import field
from uuid import UUID

from shared.schema import (
    Choice,
    Code,
    Custom,
    Flag,
    Group,
    Lines,
    Many,
    Part,
    Refers,
    Resource,
    State,
    Table,
    Tags,
    Text,
    Verb,
)
from shared.schema.contract import Changes, Data, Event, Operation
from shared.wire import codes, fields
from shared.wire.fields import Schema


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
ROLES = ("prospect", "customer", "supplier", "partner", "employee")
LIFECYCLE_NAMES = {
    "subscriber": "Subscriber",
    "lead": "Lead",
    "marketingqualifiedlead": "Marketing qualified lead",
    "salesqualifiedlead": "Sales qualified lead",
    "opportunity": "Opportunity",
    "customer": "Customer",
    "evangelist": "Evangelist",
    "other": "Other",
}
LIFECYCLE_STAGES = tuple(LIFECYCLE_NAMES)


class ContactPoint(Group):
    """An e-mail address or phone number; exactly one of a list is primary (the first if none says so)."""

    value = Text(254, "The address, or the number in E.164 form.", required=True)
    type = Text(30, "What it is used for, such as work or home.", default="work")
    primary = Flag("Whether it is the one to use.", default=False)


class Phone(ContactPoint):
    """A phone number in E.164 form; `extension` is what is dialled once it answers, and may stand in `value` too."""

    extension = Text(
        11, "What is dialled once it answers.", null=True, form=fields.Form("^[0-9]{1,11}$", error="invalid_phone")
    )


class Address(Group):
    """A structured postal address, as SEPA and e-invoices need it."""

    type = Choice(("billing", "shipping", "legal"), "What it is used for.", required=True)
    street = Text(140, "The street, without the building number.", default="")
    building_number = Text(16, "The number of the building.", default="")
    post_code = Code(16, "The post code.", of=codes.PostCode, default="")
    town = Text(70, "The town.", default="")
    country = Code(
        2,
        "ISO 3166-1 alpha-2.",
        of=codes.Country,
        form=fields.Form("^[A-Z]{2}$", error="invalid_country"),
        default="FR",
    )


class ParentKeys(Group):
    """By what a row of a file names the company that it belongs to; external ids decide where there are any."""

    name = Text(200, "The name of the company.", optional=True)
    external_ids = Table("Its ids in other systems.", optional=True)


class Warning(Group):
    """Another contact shares an identifying value; the write was carried out nevertheless."""

    code = Text(200, "What it is about: possible_duplicate.", computed=True)
    contact_id = Refers("contacts", "The other contact.", computed=True)
    on = Text(200, "What is shared: email, phone, siren, siret or vat_number.", computed=True)


_LANGUAGE = fields.Form("^[a-z]{2}(-[A-Z]{2})?$", error="invalid_language")
_NAF_CODE = fields.Form(r"^[0-9]{2}\.?[0-9]{2}[A-Z]$", error="invalid_naf_code")


class Contact(
    Resource,
    path="/v1/contacts",
    permission="contacts.contacts",
    permissions={"delete": "delete"},
    label="name",
    columns=("name", "kind", "roles", "owner_id", "status", "created_at"),
    filters={"role": fields.Choice(*ROLES), "email": fields.Text(most=254)},
    search=("email",),
    summaries={
        "create": "Register a person or an organization",
        "delete": "Delete a contact that was never used",
    },
):
    """A person or an organization. The name of a person is made of first and last name."""

    kind = Choice(KINDS, "Whether it is a person or an organization.", required=True, create_only=True, filter=True)
    status = State(active="Active", archived="Archived", merged="Merged", erased="Erased", start="active")
    name = Text(
        200,
        "Of an organization its usual name.",
        least=1,
        optional=True,
        filter=True,
        sort=True,
        search=True,
        index=True,
    )
    first_name = Text(100, "The first name of a person.", null=True)
    last_name = Text(100, "The last name of a person.", null=True)
    legal_name = Text(200, "The name in the register of companies.", null=True)
    siren = Code(
        20,
        "The nine digits of the legal unit.",
        digits=(9,),
        title="SIREN",
        null=True,
        filter=True,
        search=True,
        index=True,
    )
    siret = Code(30, "The fourteen digits of the establishment.", digits=(14,), title="SIRET", null=True)
    vat_number = Code(30, "The number for intra-community VAT.", title="VAT number", null=True)
    naf_code = Code(6, "What it does, by the French nomenclature.", form=_NAF_CODE, title="NAF code", null=True)
    language = Text(5, "In which documents are written, such as fr or en-GB.", form=_LANGUAGE, optional=True)
    emails = Lines(ContactPoint, "E-mail addresses.", title="E-mails", most=20, kept=True, optional=True)
    phones = Lines(Phone, "Phone numbers.", most=20, kept=True, optional=True)
    addresses = Lines(Address, "Postal addresses.", most=20, kept=True, optional=True)
    roles = Many(Choice(ROLES), "What it is for the company.", most=len(ROLES), optional=True)
    lifecycle_stage = Choice(LIFECYCLE_NAMES, "How far a lead has come; it only moves forward.", null=True, filter=True)
    owner_id = Refers("users", "Who looks after it.", null=True, filter=True)
    source = Text(100, "Where it comes from.", null=True)
    parent_id = Refers("contacts", "The company that it belongs to.", by_handler=True, null=True)
    parent = Part(ParentKeys, "The company that it belongs to, by name or external id.", imported=True)
    external_ids = Table("Its ids in other systems, by system.", title="External ids", index=True, optional=True)
    tags = Tags(index=True, optional=True)
    custom = Custom(index=True, optional=True)
    warnings = Lines(Warning, "Possible duplicates.", on_write=True)

    archive = Verb("Take a contact out of use", of=("active",), to="archived")
    unarchive = Verb("Take an archived contact into use again", of=("archived",), to="active")


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

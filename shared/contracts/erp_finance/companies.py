"""The own legal entities."""

from dataclasses import field
from typing import ClassVar
from uuid import UUID

from shared.commerce.terms import LONGEST_DAYS
from shared.kernel.fiscal_years import FIRST_DAY
from shared.kernel.time_zones import DEFAULT_ZONE, known_zone
from shared.schema import Amount, Code, Currency, Flag, Group, Part, Resource, Text, Whole
from shared.schema.contract import Changes, Data, Event
from shared.wire import codes, fields


class CompanyState(Data):
    """What every company event carries: the own legal entity after the change.

    `time_zone` is an IANA name, `fiscal_year_start` MM-DD.
    """

    company_id: UUID
    name: str
    currency: str
    time_zone: str
    fiscal_year_start: str = FIRST_DAY

    permission: ClassVar[str] = "finance.companies:read"


class CompanyAdded(CompanyState, Event, type="erp_finance.company.added", number=0xC08):
    """An own legal entity was added."""


class CompanyChanged(CompanyState, Event, type="erp_finance.company.changed", number=0x9C9):
    """An own legal entity was changed."""

    changes: Changes = field(default_factory=dict)


class PostalAddress(Group):
    """A postal address in parts."""

    street = Text(200, "The street, without the building number.", null=True)
    building_number = Text(20, "The number of the building.", null=True)
    post_code = Code(20, "The post code.", of=codes.PostCode, null=True)
    town = Text(200, "The town.", null=True)
    country = Code(2, "ISO 3166-1 alpha-2.", of=codes.Country, least=2, null=True)


_DAY_OF_EVERY_YEAR = fields.Form(
    "^((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))$",
    error="invalid_date",
)


class Company(
    Resource,
    path="/v1/companies",
    permission="finance.companies",
    label="name",
    operations=("create", "get", "list", "update"),
    columns=("name", "siren", "currency", "created_at"),
    summaries={"create": "Add an own legal entity", "update": "Change an own legal entity"},
):
    """An own legal entity; a new one gets the chart of accounts, the journals and its present fiscal year."""

    name = Text(200, "As documents name it.", required=True, filter=True, sort=True, search=True)
    legal_form = Text(50, "Such as SARL or SAS.", null=True)
    siren = Code(9, "The nine digits of the legal unit.", digits=(9,), least=9, title="SIREN", null=True, filter=True)
    siret = Code(14, "The fourteen digits of the establishment.", digits=(14,), least=14, title="SIRET", null=True)
    vat_number = Code(20, "The number for intra-community VAT.", title="VAT number", null=True)
    currency = Currency("In which its books are kept.", default="EUR", create_only=True)
    address = Part(PostalAddress, "Its registered office.", default=dict)
    share_capital = Amount("In its currency.", not_negative=True, null=True)
    fiscal_year_start = Text(
        5,
        "The first day of its fiscal years, MM-DD.",
        least=5,
        form=_DAY_OF_EVERY_YEAR,
        default=FIRST_DAY,
        create_only=True,
    )
    payment_days = Whole("Net days of its invoices, unless they say others.", least=0, most=LONGEST_DAYS, default=30)
    vat_on_debits = Flag(
        "It pays VAT on services when they are invoiced, not when they are paid (CGI art. 269, 2 c).",
        title="VAT on debits",
        default=False,
    )
    time_zone = Text(
        64,
        "By its IANA name; accounting days, years of numbers and due dates follow it.",
        form=known_zone,
        default=DEFAULT_ZONE,
    )

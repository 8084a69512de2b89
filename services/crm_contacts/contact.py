"""What a contact is and how it changes, wherever it is kept."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from crm_contacts import identity
from crm_contacts.errors import ContactInUse
from shared.contracts.crm_contacts import (
    LIFECYCLE_STAGES,
    ROLES,
    ContactArchived,
    ContactCreated,
    ContactDeleted,
    ContactUpdated,
)
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid
from shared.schema.contract import Changes

Point = tuple[str, str]
"""Kind (email, phone, siren, siret, vat_number) and comparable value."""


class AnyContact:
    """The rules, for the mapped class and for `ImportedContact`."""

    id: Any
    kind: Any
    status: Any
    name: Any
    first_name: Any
    last_name: Any
    siren: Any
    siret: Any
    vat_number: Any
    email: Any
    emails: Any
    phones: Any
    addresses: Any
    roles: Any
    lifecycle_stage: Any
    parent_id: Any
    external_ids: Any
    custom: Any

    if TYPE_CHECKING:

        def __init__(self, **values: Any) -> None: ...

        def allow(self, verb: str) -> None: ...

    @classmethod
    def register(cls, values: dict[str, Any]) -> Self:
        """A new contact from the validated request. Raises Invalid."""
        empty: dict[str, Any] = {
            "emails": [],
            "phones": [],
            "addresses": [],
            "roles": [],
            "external_ids": {},
            "tags": [],
        }
        contact = cls(id=values.get("id") or new_id(), status="active", language="fr", kind=values["kind"], **empty)
        contact.change({name: value for name, value in values.items() if name not in ("id", "kind")})
        return contact

    def change(self, values: dict[str, Any]) -> None:
        """Set what a client sent. Raises Invalid with pointers into the request."""
        self._check_name(values)
        self._check_stage(values)
        values = identity.normalised(values)
        if "roles" in values:
            values["roles"] = [role for role in ROLES if role in values["roles"]]
        for name, value in values.items():
            setattr(self, name, value)
        self._complete()

    def archive(self) -> ContactArchived:
        """Take it out of use; documents that name it stay as they are."""
        self.allow("archive")
        self.status = "archived"
        return self.archived()

    def unarchive(self) -> None:
        """Take it into use again."""
        self.allow("unarchive")
        self.status = "active"

    def erase_unused(self, used: list[str]) -> None:
        """Prepare its deletion; `used` says what needs it. Raises ContactInUse."""
        used = [role for role in ("customer", "supplier") if role in self.roles] + used
        if used:
            raise ContactInUse(reason=used[0])
        self.status = "erased"

    def points(self) -> set[Point]:
        """What an exact duplicate would share with this contact."""
        return points(
            (e["value"] for e in self.emails),
            (p["value"] for p in self.phones),
            {"siren": self.siren, "siret": self.siret, "vat_number": self.vat_number},
        )

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """Possible duplicates found while this request wrote the contact; not stored."""
        found: list[dict[str, Any]] = self.__dict__.get("possible_duplicates", [])
        return found

    def warn_of(self, duplicates: list[dict[str, Any]]) -> None:
        """Let the answer name contacts that share an identifying value."""
        self.__dict__["possible_duplicates"] = [
            {"code": "possible_duplicate", "contact_id": found["contact_id"], "on": kind}
            for found in duplicates
            for kind in found["on"]
        ]

    def created(self) -> ContactCreated:
        return ContactCreated.of(self)

    def updated(self, changes: Changes) -> ContactUpdated:
        return ContactUpdated.of(self, changes=changes)

    def archived(self) -> ContactArchived:
        return ContactArchived.of(self)

    def deleted(self) -> ContactDeleted:
        return ContactDeleted.of(self)

    @property
    def country(self) -> str | None:
        """That of the legal address, or else of the first one."""
        legal = sorted(self.addresses, key=lambda address: address["type"] != "legal")
        return legal[0]["country"] if legal else None

    def _check_name(self, values: dict[str, Any]) -> None:
        wrong = ("first_name", "last_name") if self.kind == "organization" else ("name",)
        errors = [
            {"pointer": f"/{name}", "code": "not_for_this_kind"} for name in wrong if values.get(name) is not None
        ]
        if errors:
            raise Invalid(errors)

    def _check_stage(self, values: dict[str, Any]) -> None:
        """The funnel runs forward; a reset is made explicit by null, and `other` stands outside."""
        old, new = self.lifecycle_stage, values.get("lifecycle_stage")
        if old and new and "other" not in (old, new) and LIFECYCLE_STAGES.index(new) < LIFECYCLE_STAGES.index(old):
            raise Invalid.at("/lifecycle_stage", "stage_backwards")

    def _complete(self) -> None:
        if self.kind == "person":
            self.name = " ".join(part for part in (self.first_name, self.last_name) if part)
        if not self.name:
            raise Invalid.at("/name" if self.kind == "organization" else "/last_name", "required")
        if self.siret and not self.siren:
            self.siren = self.siret[:9]
        if self.siret and self.siren and not self.siret.startswith(self.siren):
            raise Invalid.at("/siret", "siret_not_of_siren")
        first = identity.primary(self.emails)
        self.email = identity.comparable_email(first) if first else None


class ImportedContact(AnyContact):
    """A contact on its way into the table with thousands of others: it costs a fifth of a mapped object."""

    def __init__(self, **values: Any) -> None:
        self.__dict__ |= _NOTHING | values


_NOTHING = dict.fromkeys(
    (
        "name",
        "first_name",
        "last_name",
        "siren",
        "siret",
        "vat_number",
        "email",
        "lifecycle_stage",
        "parent_id",
        "owner_id",
    )
)


def points(emails: Iterable[str], phones: Iterable[str], numbers: dict[str, str | None]) -> set[Point]:
    """Normal forms as comparable points. A SIREN is the same legal unit alone, in a SIRET and in a French VAT number."""
    found = {("email", identity.comparable_email(value)) for value in emails} | {("phone", value) for value in phones}
    found |= {(kind, value) for kind, value in numbers.items() if value}
    return found | {
        ("siren", unit) for kind, value in numbers.items() if value and (unit := identity.siren_in(kind, value))
    }

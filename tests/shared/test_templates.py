"""B4: the template of a file has headers that the import of its resource takes, in both languages and formats."""

import io
from base64 import b64decode
from collections.abc import Callable

import pytest

from crm_contacts.service import CrmContacts
from shared.contracts.crm_contacts import Contact
from shared.contracts.crm_sales import Order
from shared.kernel.refusals import Forbidden
from shared.tables import reading
from shared.tables.building import Mapping
from shared.tables.headings import columns_asked, headings
from shared.tables.paths import by_header
from tests.harness import Harness
from tests.shared.test_round_trip import RESOURCES


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.name)
def test_every_header_of_a_template_is_recognised(resource: object, language: str) -> None:
    """Each names its own field: none is ignored, none is taken for another, none is left out."""
    schema = resource.row  # type: ignore[attr-defined]
    header = headings(schema, language, [])
    mapping = Mapping(schema, header)
    assert mapping.ignored == [] and len(set(header)) == len(header)
    assert set(mapping.by_path) == {column.path for column in columns_asked(schema)}


@pytest.mark.parametrize("header", ["Adresse 2", "Rue 2", "Address 2", "Street 2", "Ville 1", "Ville 0", "2"])
def test_a_second_line_of_an_address_is_no_second_address(header: str) -> None:
    assert by_header(Contact.create.request, header) is None


@pytest.mark.parametrize(
    ("header", "path"),
    [("Quantité", "lines.0.quantity"), ("Unit price 2", "lines.1.unit_price"), ("Article 2", "lines.1.product_id")],
)  # fmt: skip
def test_lines_are_headed_by_their_declared_names(header: str, path: str) -> None:
    """Labels in CSV follow from the declaration, in both languages."""
    found = by_header(Order.create.request, header)
    assert found is not None and found.path == path
    assert header in headings(Order.create.request, "en" if "Unit" in header else "fr", [])


def test_a_template_speaks_the_language_of_whoever_asks(service: Callable[[type], Harness]) -> None:
    book = service(CrmContacts)
    field = {"resource": "contacts", "name": "rank", "type": "number"}
    book.call("create_custom_field", body=field)
    found = {}
    for language in ("en", "fr"):
        for kind in ("csv", "xlsx"):
            piece = book.call("template_of_contacts", query={"format": kind}, language=language)
            assert piece["name"] == f"contacts-import.{kind}"
            _, rows = reading.opened(io.BytesIO(b64decode(piece["content"])))
            (found[language, kind],) = [cells for _, cells in rows]
    assert found["en", "csv"] == found["en", "xlsx"] and found["fr", "csv"] == found["fr", "xlsx"]
    english, french = found["en", "csv"], found["fr", "csv"]
    assert english[0] == "Kind" and {"Last name", "E-mail", "Town", "Town 2", "custom.rank"} <= set(english)
    assert french[0] == "Nature" and {
        "Prénom",
        "Nom de famille",
        "Raison sociale",
        "Ville",
        "Ville 2",
        "custom.rank",
    } <= set(french)
    with pytest.raises(Forbidden):
        book.call("template_of_contacts", query={}, permissions=("contacts.contacts:read",))


def test_a_filled_template_is_imported(service: Callable[[type], Harness]) -> None:
    book = service(CrmContacts)
    piece = book.call("template_of_contacts", query={}, language="fr")
    text = b64decode(piece["content"]).decode("utf-8-sig")
    header = text.strip().split(";")
    row = {
        "Prénom": "Ada",
        "Nom de famille": "Lovelace",
        "E-mail 2": "ada@lovelace.fr",
        "Ville": "Paris",
        "Pays": "France",
    }
    job = book.imported("import_contacts", (text + ";".join(row.get(name, "") for name in header) + "\n").encode())
    assert (job["result"]["created"], job["errors"]) == (1, []), job
    (made,) = book.call("list_contacts", query={})["data"]
    assert (made["kind"], made["name"], made["emails"][0]["value"]) == ("person", "Ada Lovelace", "ada@lovelace.fr")
    assert (made["addresses"][0]["town"], made["addresses"][0]["country"]) == ("Paris", "FR")

"""B2, B3: what other people's files hold, cell by cell: understood, repaired with a warning, or refused; never guessed."""

import io
from datetime import date, datetime, time
from typing import Any

import openpyxl
import pytest

from shared.contracts import crm_contacts as contacts
from shared.contracts import crm_sales as sales
from shared.contracts import erp_finance as finance
from shared.contracts import erp_inventory as inventory
from shared.tables import reading
from shared.tables.building import Mapping
from shared.tables.cells import Flaw, reader
from shared.tables.limits import NUMBER, UnreadableFile
from shared.tables.numbers import Ambiguous, Notation, decimal
from shared.tables.paths import by_header
from shared.wire import codes, fields
from shared.wire.fields import Schema
from tests.shared.workbooks import by_hand

PRODUCT, CONTACT = inventory.Product.create.request, contacts.Contact.create.request


@pytest.mark.parametrize(
    ("text", "sign", "number"),
    [
        ("1 250,50", None, "1250.50"), ("1250.50", None, "1250.50"), ("1\u202f250,50", None, "1250.50"),
        ("1\u00a0250", None, "1250"), ("1'250.5", None, "1250.5"), ("1.234,50", None, "1234.50"),
        ("1,234.50", None, "1234.50"), ("1,234,567", None, "1234567"), ("1.234.567,8", None, "1234567.8"),
        ("1 234,567", None, "1234.567"), ("0,234", None, "0.234"), ("1234,567", None, "1234.567"), ("-12,5", None, "-12.5"),
        ("+12", None, "12"), ("1,234", ",", "1.234"), ("1,234", ".", "1234"), ("1.234", ",", "1234"), ("1.234", ".", "1.234"),
        ("12.5", ",", None), ("12,5", ".", None), ("1 2", None, None), ("12 34", None, None), ("1,23,456", None, None),
        ("1 234.567.890", None, None), ("1e5", None, None), ("x", None, None), ("", None, None), (".5", None, None),
        ("5,", None, None),
        ("１２", None, None),
    ],
)  # fmt: skip
def test_numbers_mean_what_they_say(text: str, sign: str | None, number: str | None) -> None:
    assert decimal(text, Notation(sign)) == number


@pytest.mark.parametrize("text", ["1,234", "1.234", "12.345", "-123,456"])
def test_a_number_that_could_be_two_is_refused_unless_its_sign_is_declared(text: str) -> None:
    """B2: `1,234` became 1.234. Where the column is named as the API names it, a point is the API's decimal sign."""
    with pytest.raises(Ambiguous):
        decimal(text, Notation())
    if "." in text:
        assert decimal(text, Notation(exact=True)) == text
    else:
        with pytest.raises(Ambiguous):
            decimal(text, Notation(exact=True))


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (fields.Price(), "€ 99,00", "99.00"), (fields.Price(), "99,00 €", "99.00"), (fields.Amount(), "1 250,50 EUR", "1250.50"),
        (fields.Price(), "$ 5", "$ 5"), (fields.Quantity(), "5 €", "5 €"),
        (fields.Percent(), "20 %", "20"), (fields.Percent(), "5,5%", "5.5"), (fields.Price(), "20 %", "20 %"),
        (codes.Country(), "France", "FR"), (codes.Country(), "allemagne", "DE"), (codes.Country(), "Germany", "DE"),
        (codes.Country(), "Cote d'Ivoire", "CI"), (codes.Country(), "Pays-Bas", "NL"), (codes.Country(), " be ", "BE"),
        (codes.Country(), "Nowhere", "Nowhere"),
        (codes.TaxCode("S20", "S5.5"), "20 %", "S20"), (codes.TaxCode("S20", "S5.5"), "5,5", "S5.5"),
        (codes.TaxCode("S20"), "20,0", "S20"), (codes.TaxCode("S20"), "19", "19"), (codes.TaxCode("S20"), "S20", "S20"),
        (fields.Day(), "2026-11-2099", "2026-11-2099"), (fields.Day(), "2026-11-20T10:00:00", "2026-11-20T10:00:00"),
        (fields.Day(), "2026-11-20 00:00:00", "2026-11-20"), (fields.Day(), "31/12/26", "31/12/26"),
        (fields.Whole(), "1 000", 1000), (fields.Whole(), "1,5", "1,5"),
    ],
)  # fmt: skip
def test_texts_are_understood_or_left_to_be_refused(field: Any, text: str, value: Any) -> None:
    assert reader(field)(text) == value


def test_a_date_is_a_date_to_its_last_character() -> None:
    for text in ("2026-11-2099", "2026-11-20x", "2026-11-20T10:00:00"):
        with pytest.raises(fields.ma.ValidationError):
            fields.Day().deserialize(reader(fields.Day())(text))


@pytest.mark.parametrize(
    ("schema", "header", "path"),
    [
        (CONTACT, "Adresse", "addresses.0.street"), (CONTACT, "Réf. client", "external_ids.client"),
        (CONTACT, "TVA", "vat_number"),
        (CONTACT, "N° TVA", "vat_number"), (CONTACT, "Pays", "addresses.0.country"), (PRODUCT, "Prix de vente HT", "sale_price"),
        (PRODUCT, "Prix de vente (HT)", "sale_price"), (PRODUCT, "TVA", "tax_code"), (PRODUCT, "Réf.", "sku"),
        (sales.Order.create.request, "Réf. client", "reference"), (finance.Company.create.request, "Adresse", "address.street"),
    ],
)  # fmt: skip
def test_headers_of_french_files_are_understood(schema: type[Schema], header: str, path: str) -> None:
    found = by_header(schema, header)
    assert found is not None and found.path == path


# -- CSV --------------------------------------------------------------------------------------------------------------


def _rows(content: bytes) -> list[list[Any]]:
    return [cells for _, cells in reading.opened(io.BytesIO(content))[1]]


@pytest.mark.parametrize(
    ("content", "reason", "row"),
    [
        (b'nom;ville\n"A;Paris\nB;"Lyon\nC;Nice\n', "quotes", 3),
        (b'nom;ville\nA;"Paris\nB;Lyon\n', "quotes", 3),
        (b'nom\n"A" B\n', "quotes", 2),
        ("nom\n\u00c9t\u00e9\n".encode() + "é\nè\n".encode("cp1252"), "mixed_encodings", 2),
        (b"nom\n\x81\n", "encoding", 2), ("nom\n\u00e9\n".encode("utf-16"), "encoding", 1), (b"nom\na\0b\n", "encoding", 2),
    ],
)  # fmt: skip
def test_a_file_that_could_be_read_in_two_ways_is_refused_with_its_line(content: bytes, reason: str, row: int) -> None:
    """B2: a stray quote made one contact of three rows and said succeeded."""
    with pytest.raises(UnreadableFile) as refused:
        reading.opened(io.BytesIO(content))
    assert (refused.value.details["reason"], refused.value.details["row"]) == (reason, row)
    assert f" {row}" in refused.value.text("fr")


def test_one_row_in_cp1252_inside_utf8_is_said() -> None:
    header, good, bad = _rows("nom;ville\nÉté;Évry\n".encode() + "Noël;Évry\n".encode("cp1252"))
    assert (header, good) == (["nom", "ville"], ["Été", "Évry"])
    assert bad == [["not_decoded", "Noël"], ["not_decoded", "Évry"]]
    body, row = Mapping(CONTACT, header).read(bad)
    assert body == {} and [(e["code"], e["column"]) for e in row.errors] == [
        ("wrong_encoding", ("nom", 0)),
        ("wrong_encoding", ("ville", 1)),
    ]


# -- XLSX -------------------------------------------------------------------------------------------------------------


def _workbook(*rows: list[Any], formats: dict[str, str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    for place, number_format in (formats or {}).items():
        book.worksheets[0][place].number_format = number_format
    book.save(made := io.BytesIO())
    return made.getvalue()


def _read(schema: type[Schema], content: bytes) -> tuple[dict[str, Any], list[str], list[str]]:
    header, cells = _rows(content)
    body, row = Mapping(schema, header).read(cells)
    return body, [e["code"] for e in row.errors], [w["code"] for w in row.warnings]


class Sample(Schema):
    """One field of each kind that takes part."""

    name = fields.Text()
    code = codes.Code()
    siret = codes.Code(digits=(14,))
    barcode = codes.Barcode()
    price = fields.Price()
    discount = fields.Percent()
    tax_code = codes.TaxCode("S20", "S5.5")
    count = fields.Whole()
    active = fields.Flag()
    day = fields.Day()
    at = fields.Instant()
    kind = fields.Choice("a", "1")
    tags = fields.Many(fields.Text())
    external_ids = fields.Table()
    custom = fields.Custom()


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("name", 42, "42"), ("name", 1.5, "1.5"), ("name", "00042", "00042"),
        ("name", True, ["boolean_in_text"]), ("name", False, ["boolean_in_text"]), ("code", True, ["boolean_in_text"]),
        ("kind", True, ["boolean_in_text"]), ("tags", True, ["boolean_in_text"]), ("name", "TRUE", "TRUE"),
        ("name", datetime(2026, 2, 1), ["date_in_text"]), ("name", time(12, 30), ["date_in_text"]),
        ("name", 1234567890123456789, ["number_rounded"]),
        ("code", 42, ["number_in_code"]), ("code", "042", "042"), ("code", 1.5, ["number_in_code"]),
        ("siret", 73282932000074, "73282932000074"), ("siret", 7328293200007, ("07328293200007", "zeros_restored")),
        ("siret", 123456789012345, ["number_in_code"]),
        ("barcode", 4006381333931, "4006381333931"), ("barcode", 36000291452, ("036000291452", "zeros_restored")),
        ("barcode", 4006381333932, ["number_in_code"]),
        ("price", 1.234, "1.234"), ("price", 1e-3, "0.001"), ("price", 1250, "1250"), ("price", "1,234", ["ambiguous_number"]),
        ("price", "1.234", "1.234"), ("count", 3, 3), ("count", "3", 3), ("active", True, True), ("active", 1, True),
        ("day", date(2026, 2, 1), "2026-02-01"), ("day", datetime(2026, 2, 1, 10), "2026-02-01T10:00:00"),
        ("at", datetime(2026, 2, 1, 10), "2026-02-01T10:00:00Z"), ("kind", 1, "1"), ("tags", 5, ["5"]),
        ("tags", "a|b", ["a", "b"]), ("external_ids.shop", 7, ["number_in_code"]), ("external_ids.shop", "007", "007"),
        ("custom.rank", 7, "7"), ("custom.since", date(2026, 2, 1), "2026-02-01"),
        ("name", "=1+1", ["formula_without_value"]), ("price", "=1+1", ["formula_without_value"]),
    ],
)  # fmt: skip
def test_cells_are_taken_by_their_kind(column: str, value: Any, expected: Any) -> None:
    """B3. A list of codes is a refusal, a pair a value with its warning."""
    body, errors, warnings = _read(Sample, _workbook([column], [value]))
    for step in column.split("."):
        body = body.get(step, {})
    refused = isinstance(expected, list) and bool(errors)
    assert errors == (expected if refused else [])
    found = (body, *warnings) if warnings else body
    assert found == ({} if refused else expected)


def test_percentages_are_those_that_the_spreadsheet_shows() -> None:
    content = _workbook(
        ["discount", "tax_code", "price"], [0.05, 0.055, 0.2], formats=dict.fromkeys(["A2", "B2", "C2"], "0.0%")
    )
    body, errors, _ = _read(Sample, content)
    assert body == {"discount": "5", "tax_code": "S5.5"} and errors == ["percentage"]


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!"])
def test_error_values_are_errors(error: str) -> None:
    sheet = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c></row>'
        f'<row r="2"><c r="A2" t="e"><f>1/0</f><v>{error}</v></c></row>'
    )
    assert _read(Sample, by_hand(sheet)) == ({}, ["error_value"], [])


def test_a_formula_counts_as_its_value() -> None:
    sheet = '<row r="1"><c r="A1" t="inlineStr"><is><t>price</t></is></c></row><row r="2"><c r="A2"><f>1+1</f><v>2</v></c></row>'
    assert _read(Sample, by_hand(sheet)) == ({"price": "2"}, [], [])


@pytest.mark.parametrize(
    ("country", "number", "expected"),
    [(None, 1310, ("01310", "zeros_restored")), ("France", 1310, ("01310", "zeros_restored")), ("Belgique", 1310, "1310"),
     ("FR", 75001, "75001"), ("Suisse", 310, ("0310", "zeros_restored")), ("GB", 1310, ["number_in_code"])],
)  # fmt: skip
def test_post_codes_get_their_zeros_back_by_country(country: str | None, number: int, expected: Any) -> None:
    """B3: the post code 1310 is 01310 in France, and 1310 in Belgium."""
    body, errors, warnings = _read(CONTACT, _workbook(["Code postal", "Pays", "Ville"], [number, country, "X"]))
    code = body["addresses"][0].get("post_code")
    assert (errors or ((code, *warnings) if warnings else code)) == expected


def test_a_number_that_was_no_number_stays_one_through_the_child() -> None:
    """Kinds travel as JSON."""
    assert _rows(_workbook(["code"], [42]))[1] == [[NUMBER, "42"]]


def test_errors_lead_to_their_columns_though_columns_before_are_empty() -> None:
    mapping = Mapping(CONTACT, ["Mail", "emails.1.value", "emails.2.value"], {"Mail": "emails.0.value"})
    body, row = mapping.read(["", "", "x"])
    assert body == {"emails": [{"value": "x"}]}
    assert mapping.place_of("/emails/0/value", row.moved) == ("emails.2.value", 2)


def test_a_mapping_of_one_column_leaves_the_others_recognised() -> None:
    """B4. A column that is mapped to nothing is left out."""
    mapping = Mapping(CONTACT, ["Firma", "Courriel", "Ville", "Pays"], {"Firma": "name", "Pays": ""})
    assert mapping.by_path == {"name": "Firma", "emails.0.value": "Courriel", "addresses.0.town": "Ville"}
    assert mapping.ignored == ["Pays"]
    with pytest.raises(Flaw):
        reader(fields.Price())("1,234")

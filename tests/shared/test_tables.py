"""Tables and documents: what a person writes into a spreadsheet, and what a spreadsheet may not run."""

import io
import json
from typing import Any

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.api.operations import load
from shared.contracts import crm_contacts as contacts
from shared.contracts import crm_sales as sales
from shared.contracts import erp_inventory as inventory
from shared.contracts import events as _events
from shared.kernel.refusals import Invalid
from shared.schema.contract import Event
from shared.tables import reading
from shared.tables.building import Mapping
from shared.tables.cells import reader, shielded, unshielded, write
from shared.tables.limits import UnreadableFile
from shared.tables.paths import by_header
from shared.tables.writing import Layout, csv_text
from shared.wire import fields
from shared.wire.fields import Schema
from shared.wire.loading import compiled

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4) | st.sampled_from(
    ["person", "FR", "fr", "12.50", "-1", "2026-01-31", "01900000-0000-7000-8000-000000000001", "billing", "customer"]
)  # fmt: skip
KEYS = st.sampled_from(["value", "type", "primary", "country", "x", "quantity", "unit_price", "product_id"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=5
)
SCHEMAS = [contacts.Contact.create.request, inventory.Product.create.request, sales.Order.create.request]

_ID = "01900000-0000-7000-8000-000000000001"
_LINE = {
    "line_id": _ID, "product_id": _ID, "description": "é", "kind": "goods", "quantity": "1", "unit": "piece",
    "unit_price": "1.5", "discount_percent": "0", "net": "1.50", "tax_code": "S20", "tax_rate": "20", "new": True,
}  # fmt: skip
_PLACED = {
    "order_id": _ID, "number": "1", "company_id": _ID, "customer_id": _ID, "customer_name": "É", "currency": "EUR",
    "placed_on": "2026-01-31", "payment_days": 30, "invoicing_policy": "on_delivery", "net_total": "1.50",
    "tax_total": "0.30", "gross_total": "1.80", "lines": [_LINE],
}  # fmt: skip
_CONTACT = {
    "contact_id": _ID, "kind": "person", "name": "É", "status": "active", "roles": ["customer"], "language": "fr",
    "email": None, "siren": "1", "vat_number": None, "country": "FR",
}  # fmt: skip
_events()
EVENTS: dict[type[Event], dict[str, Any]] = {sales.OrderPlaced: _PLACED, contacts.ContactCreated: _CONTACT}


def _either(function: Any, *arguments: Any, **options: Any) -> Any:
    try:
        return function(*arguments, **options)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda s: s.__name__)
@given(data=st.data())
def test_a_compiled_loader_says_what_the_schema_says(schema: type[Schema], partial: bool, data: st.DataObject) -> None:
    names = st.sampled_from([*schema().fields, "unknown"])
    document = data.draw(st.dictionaries(names, VALUES, max_size=5) | SCALARS)
    expected = _either(schema().load, document, partial=partial)
    assert _either(compiled(schema, partial), document) == expected


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.__name__)
@given(data=st.data())
def test_a_compiled_event_says_what_its_schema_says(event: type[Event], data: st.DataObject) -> None:
    good = EVENTS[event]
    document = good | data.draw(st.dictionaries(st.sampled_from([*good, "unknown"]), VALUES, max_size=3))
    for name in data.draw(st.sets(st.sampled_from([*good]), max_size=2)):
        document.pop(name)
    assert _either(event.from_data, document) == _either(event.schema.load, document)


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.__name__)
def test_good_events_do_not_ask_the_schema(event: type[Event], monkeypatch: pytest.MonkeyPatch) -> None:
    expected = event.schema.load(EVENTS[event])
    monkeypatch.setattr(ma.Schema, "load", lambda *_, **__: pytest.fail("asked"))
    assert event.from_data(EVENTS[event]) == expected


def test_good_rows_do_not_ask_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = compiled(contacts.Contact.create.request)
    monkeypatch.setattr(contacts.Contact.create.request, "load", lambda *_, **__: pytest.fail("asked"))
    good = {"kind": "person", "last_name": "É\n", "emails": [{"value": "a@b.fr"}], "roles": ["customer"]}
    assert loader(good)["emails"] == [{"value": "a@b.fr", "type": "work", "primary": False}]


@given(st.text(st.sampled_from("'=+-@\t\r\na1＝"), max_size=5))
def test_no_cell_runs_and_each_comes_back(text: str) -> None:
    cell = write(text)
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n")
    assert unshielded(cell) == text and shielded(text) == cell


@given(st.lists(st.text(st.sampled_from("|\\a=-"), min_size=1, max_size=3), max_size=3))
def test_lists_come_back(values: list[str]) -> None:
    cell = write(values)
    assert (reader(fields.Many(fields.Text()))(cell) if cell else []) == values


@pytest.mark.parametrize(
    ("field", "cell", "value"),
    [
        (fields.Price(), "1 234,50", "1234.50"), (fields.Price(), "1,234.50", "1234.50"), (fields.Whole(), "1 000", 1000),
        (fields.Whole(), "x", "x"), (fields.Flag(), "Oui", True), (fields.Flag(), "faux", False), (fields.Flag(), "?", "?"),
        (fields.Day(), "1/2/2026", "2026-02-01"), (fields.Day(), "2026-02-01T00:00:00", "2026-02-01"),
        (fields.Table(), '{"a": "b"}', {"a": "b"}), (fields.Table(), "{", "{"), (fields.Text(), "'-x", "-x"),
        (fields.Text(), "'x", "'x"), (fields.Price(), "-5.00", "-5.00"),
    ],
)  # fmt: skip
def test_cells_are_read_as_people_write_them(field: Any, cell: str, value: Any) -> None:
    assert reader(field)(cell) == value


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ("E-mail", "emails.0.value"), ("Prénom", "first_name"), ("Raison sociale", "name"),
        ("Code postal", "addresses.0.post_code"),
        ("address.town", "addresses.0.town"), ("emails.1.type", "emails.1.type"), ("external_ids.a.b", "external_ids.a.b"),
        (" Name ", "name"), ("custom.rank", "custom.rank"), ("roles", "roles"),
        ("version", None), ("emails.x", None), ("name.x", None), ("", None), ("addresses", "addresses"),
        ("emails.0.value.x", None),
    ],
)  # fmt: skip
def test_headers_name_fields(header: str, path: str | None) -> None:
    found = by_header(contacts.Contact.create.request, header)
    assert (found.path if found else None) == path


def test_a_number_is_no_formula_but_a_text_like_one_is() -> None:
    class Line(Schema):
        note = fields.Text()
        amount = fields.Amount()

    layout = Layout(Line)
    assert layout.row({"note": "-5", "amount": "-5.00"}) == ["'-5", "-5.00"]
    assert Layout(Line, ["nope"]).unknown == ["nope"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_of_all_kinds_is_read(encoding: str, delimiter: str) -> None:
    rows = [["nom", "code"], ["Éva", 'x\n"y"'], ["", ""], ["œuf", "2"]]
    content = csv_text(rows, delimiter).encode(encoding)
    total, found = reading.opened(io.BytesIO(content))
    assert total == 2 and [cells for _, cells in found] == [rows[0], rows[1], rows[3]]


@pytest.mark.parametrize("content", [b"a,b\n\x81", b"PK\x03\x04", b"a\n" + b"x" * 600_000])
def test_what_cannot_be_read_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFile):
        reading.opened(io.BytesIO(content))


def test_a_document_is_built_and_errors_lead_to_columns() -> None:
    mapping = Mapping(
        contacts.Contact.create.request,
        ["Art", "Mail", "Mail 2", "rest", "Note"],
        {"Art": "kind", "Mail": "emails.0.value", "Mail 2": "emails.1.value", "rest": "emails.rest", "gone": "name"},
        {"emails.0.type": "home", "name": "N"},
    )
    body, _ = mapping.read(["organization", "a@b.fr", "", json.dumps([{"value": "c@d.fr"}]), "x"])
    assert body == {
        "kind": "organization",
        "name": "N",
        "emails": [{"type": "home", "value": "a@b.fr"}, {"value": "c@d.fr"}],
    }
    assert mapping.read([])[0] == {} and mapping.ignored == ["Note"] and mapping.unknown == ["gone"]
    with pytest.raises(Invalid) as refused:
        load(contacts.Contact.create.request, {**body, "kind": "x"})
    assert [mapping.place_of(e["pointer"]) for e in refused.value.errors] == [("Art", 0)]
    assert mapping.place_of("/emails/1/value") == ("Mail 2", 2) and mapping.place_of("/nope") == (None, None)

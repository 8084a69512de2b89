"""B5: an export loses nothing and can be imported as it is, for every resource and in both formats."""

import io
import json
import tempfile
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import contracts
from shared.jobs import child
from shared.schema.collection import Collection, collections_of
from shared.tables import reading, workbook
from shared.tables.building import Mapping
from shared.tables.escapes import escaped, unescaped
from shared.tables.workbook import LONGEST, CellTooLong
from shared.tables.writing import BOM, Layout, csv_text
from shared.wire import codes, fields

DIRTY = [
    "=1+1",
    "'-x",
    "a|b\\",
    "1,234",
    "007",
    "_x0041_",
    "_x005F_",
    "\uffff\ufffe",
    "\x01\x1f",
    "é\r\n\tü",
    '"',
    ";",
    "𝄞",
    "true",
]
RESOURCES = [
    resource
    for found in contracts.operations().values()
    for resource in collections_of(found.values())
    if resource.create is not None and f"import_{resource.snake}" in found and f"export_{resource.snake}" in found
]


def _filled(shown: Any, asked: Any, n: int) -> dict[str, Any]:
    """A document as a list shows it, with every member; what can be asked for has values that can be asked for."""
    known = asked().load_fields if asked else {}
    return {
        name: _value(field, known.get(name), n + place)
        for place, (name, field) in enumerate(shown().dump_fields.items())
    }


def _value(shown: Any, asked: Any, n: int) -> Any:
    if isinstance(shown, fields.Part):
        return _filled(type(shown.schema), asked and type(asked.schema), n)
    if isinstance(shown, fields.Many):
        inner, count = asked and asked.inner, 5 if isinstance(shown.inner, fields.Part) else 3
        return [_value(shown.inner, inner, n + place) for place in range(count)]
    return _scalar(asked or shown, n)


def _scalar(field: Any, n: int) -> Any:
    match field:
        case codes.Country():
            return "FR"
        case fields.Custom():
            return {"rank": "1.234", "note": DIRTY[n % len(DIRTY)], "flag": True}
        case fields.Table():
            return {"shop.fr": DIRTY[n % len(DIRTY)], "b": "007"}
        case fields.Flag():
            return n % 2 == 0
        case fields.Whole():
            return n
        case fields.Number():
            return f"{n}.234"
        case fields.Day():
            return f"2026-01-{n % 28 + 1:02}"
        case fields.Instant():
            return f"2026-01-{n % 28 + 1:02}T10:00:00Z"
        case fields.Uuid():
            return f"01900000-0000-7000-8000-{n:012}"
        case fields.Choice():
            return field.choices[n % len(field.choices)]
    return DIRTY[n % len(DIRTY)]


def _asked(schema: Any, document: dict[str, Any]) -> dict[str, Any]:
    """What a request for the same thing says."""
    known = schema().load_fields
    return {name: _part(known[name], value) for name, value in document.items() if name in known}


def _part(field: Any, value: Any) -> Any:
    if isinstance(field, fields.Part):
        return _asked(type(field.schema), value)
    if isinstance(field, fields.Many) and isinstance(field.inner, fields.Part):
        return [_asked(type(field.inner.schema), element) for element in value]
    return value


def _csv(rows: list[list[str]], language: str) -> bytes:
    return (BOM + csv_text(rows, ";" if language == "fr" else ",")).encode()


def _xlsx(rows: list[list[str]]) -> bytes:
    with tempfile.TemporaryFile() as file:
        for _ in workbook.written(file, iter([rows])):
            pass
        file.seek(0)
        return file.read()


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda r: r.name)
def test_every_resource_comes_in_as_it_went_out(resource: Collection) -> None:
    assert resource.list is not None and resource.list.response is not None
    assert resource.create is not None and resource.create.request is not None
    shown, asked = resource.list.response, resource.create.request
    layout, documents = Layout(shown), [_filled(shown, asked, 7 * n) for n in range(6)]
    rows = [layout.header, *(layout.row(document) for document in documents)]
    for content in (_csv(rows, "fr"), _csv(rows, "en"), _xlsx(rows)):
        total, found = reading.opened(io.BytesIO(content))
        (_, header), *lines = found
        mapping = Mapping(asked, [str(name) for name in header])
        read = [mapping.read(cells) for _, cells in lines]
        assert [row.errors + row.warnings for _, row in read] == [[]] * len(documents)
        expected = [_asked(asked, document) for document in documents]
        assert [json.loads(json.dumps(body)) for body, _ in read] == expected
        assert total in (len(documents), None)


def test_there_is_something_to_import() -> None:
    assert {"contacts", "products", "orders", "quotes", "accounts", "payments"} <= {r.name for r in RESOURCES}


@given(st.text(st.sampled_from("_x0041F5\uffff\x00\r\n") | st.characters(exclude_categories=["Cs"])))
def test_what_is_escaped_comes_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
    assert not [c for c in escaped(text) if c in "\x00\x01\r\uffff"]


def test_escapes_are_those_of_the_standard() -> None:
    assert escaped("_x0041_\x01\uffff_x004") == "_x005F_x0041__x0001__xFFFF__x004"
    assert unescaped("_x0041_") == "A" and unescaped("_xD800_") == "_xD800_"


def test_a_workbook_stays_readable_whatever_it_holds() -> None:
    """U+FFFF made the whole workbook unreadable."""
    content = _xlsx([["name"], ["a\uffffb"], ["\x0b"], ["_x0041_"]])
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert [cell.value for (cell,) in sheet.iter_rows()] == ["name", "a_xFFFF_b", "_x000B_", "_x005F_x0041_"]


@pytest.mark.parametrize(
    ("text", "fits"), [("x" * LONGEST, True), ("x" * (LONGEST + 1), False), ("𝄞" * (LONGEST // 2 + 1), False)]
)
def test_what_a_cell_cannot_hold_is_said(text: str, fits: bool) -> None:
    """120 lines were cut at 32,767 characters without a word."""
    with tempfile.TemporaryFile() as file, child.running(workbook.written, file) as writer:
        writer.send([["id", "lines.rest"], ["1", text]])
        writer.no_more()
        if fits:
            assert list(writer) == [2]
        else:
            with pytest.raises(CellTooLong) as refused:
                list(writer)
            assert refused.value.details == {"row": 2, "column": "lines.rest", "limit": LONGEST}

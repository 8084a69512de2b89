"""What fields accept, to the letter: one form of each value, so that the document can say it."""

import marshmallow as ma
import pytest

from shared import fields

GOOD = [
    (fields.Uuid(), "01900000-0000-7000-8000-000000000001"),
    (fields.Day(), "2026-02-28"),
    (fields.Instant(), "2026-02-28T10:00:00Z"),
    (fields.Instant(), "2026-02-28t10:00:00.123456z"),
    (fields.Instant(), "2026-02-28T10:00:00+02:00"),
    (fields.Text(validate=[fields.Form("^[a-z]{2}$", error="invalid")]), "fr"),
    (fields.Price(not_negative=True), "0"),
]

BAD = [
    (fields.Uuid(), "0190000000007000800000000000000_01  ", "invalid_uuid"),
    (fields.Uuid(), "{01900000-0000-7000-8000-00000000001}", "invalid_uuid"),
    (fields.Day(), "2026-W01-1", "invalid_date"),
    (fields.Day(), "2026-02-30", "invalid_date"),
    (fields.Instant(), "2026-02-28", "invalid_instant"),
    (fields.Instant(), "20260228T100000Z", "invalid_instant"),
    (fields.Instant(), "2026-02-28 10:00:00Z", "invalid_instant"),
    (fields.Instant(), "2026-02-28T10:00:00", "invalid_instant"),
    (fields.Instant(), "0001-01-01T00:00:00+14:00", "invalid_instant"),
    (fields.Text(validate=[fields.Form("^[a-z]{2}$", error="invalid")]), "fr\n", "invalid"),
    (fields.Price(not_negative=True), "-0", "negative"),
]


@pytest.mark.parametrize(("field", "text"), GOOD)
def test_accepted(field: ma.fields.Field[object], text: str) -> None:
    assert field.deserialize(text) is not None


@pytest.mark.parametrize(("field", "text", "code"), BAD)
def test_refused(field: ma.fields.Field[object], text: str, code: str) -> None:
    with pytest.raises(ma.ValidationError) as refused:
        field.deserialize(text)
    assert refused.value.messages == [code]

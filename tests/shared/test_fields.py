"""What fields accept, to the letter: one form of each value, so that the document can say it."""

import marshmallow as ma
import pytest

from shared.wire import fields

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
    (fields.Secret(validate=[fields.Form("^[a-z]{2}$", error="invalid")]), "fr\n", "invalid"),
    (fields.Text(least=1), "   ", "too_short"),
    (fields.Text(least=1), "\u200b\u00a0\ufeff", "too_short"),
    (fields.Text(least=1), "\u2800\u3164", "too_short"),
    (fields.Multiline(least=1), " \r\n\t", "too_short"),
    (fields.Text(), "two\nlines", "control_character"),
    (fields.Text(), "a\tb", "control_character"),
    (fields.Text(), "a\u2028b", "control_character"),
    (fields.Text(), "bell\x07", "control_character"),
    (fields.Multiline(), "bell\x07", "control_character"),
    (fields.Multiline(), "a\x0bb", "control_character"),
    (fields.Text(most=1), "ab", "too_long"),
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


@pytest.mark.parametrize(
    ("field", "sent", "kept"),
    [
        (fields.Text(), "  Lampes\u00a0", "Lampes"),
        (fields.Text(), "Rene\u0301", "Ren\u00e9"),
        (fields.Text(), "\ufeffLampes\u200b", "Lampes"),
        (fields.Text(most=4), "Rene\u0301", "Ren\u00e9"),
        (fields.Text(), "fr\n", "fr"),
        (fields.Text(), "deux\u00a0mots", "deux\u00a0mots"),
        (fields.Text(), "\u2764\ufe0f", "\u2764\ufe0f"),
        (fields.Text(), "Cafe\u0301\u200b-1", "Caf\u00e9-1"),
        (fields.Text(), "\u0301", ""),
        (fields.Text(), "\ufe0f\u200d", ""),
        (fields.Text(), "\U000e0041", ""),
        (fields.Text(), "", ""),
        (fields.Multiline(), " un\r\ndeux\rtrois\u2028quatre\n", "un\ndeux\ntrois\nquatre"),
        (fields.Multiline(), "a\tb", "a\tb"),
        (fields.Table(), {" shop ": " Rene\u0301 "}, {"shop": "Ren\u00e9"}),
        (fields.Many(fields.Text()), [" a", "b "], ["a", "b"]),
        (fields.Secret(), " Rene\u0301 ", " Rene\u0301 "),
    ],
)
def test_a_text_is_kept_in_normal_form(field: ma.fields.Field[object], sent: object, kept: object) -> None:
    """B1: Unicode NFC, ends trimmed; a password is what was typed."""
    assert field.deserialize(sent) == kept

"""What the gateway reads from headers and the query string."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.calls import forwarding
from gateway.errors import (
    IdempotencyKeyRequired,
    InvalidIdempotencyKey,
    InvalidIfMatch,
    InvalidParameter,
    InvalidWaitFor,
)
from gateway.http import incoming, preconditions, reading
from shared.kernel.ids import new_event_id
from shared.kernel.refusals import VersionRequired

EVENT = str(new_event_id("liaison.crm_contacts.contact.created.v1"))


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en;q=0.5, fr;q=0.4", "en"),
        ("de,fr;q=0.1", "fr"),
        ("de", "en"),
        ("fr;q=0", "en"),
        ("fr;q=x", "en"),
        ("*", "en"),
        (",;;,q=", "en"),
        ("FR-be", "fr"),
    ],
)
def test_language(accepted: str, language: str) -> None:
    assert incoming.language(accepted) == language


@given(st.text())
def test_any_language_header_is_bearable(accepted: str) -> None:
    assert incoming.language(accepted) in ("en", "fr")


@pytest.mark.parametrize("offered", ["a", "A-b_c.9", "x" * 128])
def test_a_good_request_id_is_kept(offered: str) -> None:
    assert incoming.request_id(offered) == offered


@pytest.mark.parametrize("offered", ["", "x" * 129, "a b", "a\r\nSet-Cookie: x", "a\n", '{"a"}', "é", "a/b"])
def test_a_bad_request_id_is_replaced(offered: str) -> None:
    made = incoming.request_id(offered)
    assert made != offered and len(made) == 36


def test_a_trace_goes_on_with_a_span_of_ours() -> None:
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    version, same_trace, own_span, flags = incoming.traceparent(f"00-{trace}-{span}-00").split("-")
    assert (version, same_trace, flags) == ("00", trace, "00")
    assert own_span != span and len(own_span) == 16


@pytest.mark.parametrize(
    "offered", ["", "00-" + "0" * 32 + "-00f067aa0ba902b7-01", "00-" + "a" * 32 + "-" + "0" * 16 + "-01", "x", "00-A-b"]
)
def test_a_trace_begins(offered: str) -> None:
    parts = incoming.traceparent(offered).split("-")
    assert [len(part) for part in parts] == [2, 32, 16, 2] and parts[1].strip("0")


@pytest.mark.parametrize("value", ["k" * 16, "k" * 255, '"' + "k" * 16 + '"', "8e03978e-40d5-43dd-bc93-6894a57f9324"])
def test_idempotency_key(value: str) -> None:
    assert reading.idempotency_key(value, "accepted") == value.strip('"')


@pytest.mark.parametrize(
    "value", ["", "k" * 15, "k" * 256, "k" * 16 + " ", "clé-" + "k" * 16, '"' + "k" * 15 + '"', "k\tk" * 9]
)
def test_no_idempotency_key(value: str) -> None:
    with pytest.raises(InvalidIdempotencyKey):
        reading.idempotency_key(value, "accepted")


def test_idempotency_key_rules() -> None:
    assert reading.idempotency_key(None, "accepted") is None
    assert reading.idempotency_key("whatever", "none") is None
    with pytest.raises(IdempotencyKeyRequired):
        reading.idempotency_key(None, "required")


@pytest.mark.parametrize(
    ("value", "version"),
    [
        ('"3"', 3),
        ("*", "*"),
        (' "17" ', 17),
        (None, None),
        ('"2", "4"', "2,4"),
        ('"2",,"4",', "2,4"),
        ('W/"3"', ""),
        ('W/"3", "4"', 4),
        ('"a"', ""),
        ('""', ""),
        ('"a,b", "-1"', ""),
        ('"' + "9" * 19 + '"', ""),
    ],
)
def test_if_match(value: str | None, version: int | str | None) -> None:
    """D3: lists of tags, and weak ones never match (RFC 9110, 13.1.1; ETG-05 … 09)."""
    assert preconditions.if_match(value, needed=False) == version


@pytest.mark.parametrize("value", ["3", "", ",", 'w/"3"', '"3" "4"', '"3', '"3", *', '*, "3"', ", ".join(['"1"'] * 51)])
def test_no_if_match(value: str) -> None:
    with pytest.raises(InvalidIfMatch):
        preconditions.if_match(value, needed=True)


@pytest.mark.parametrize(
    ("value", "versions"),
    [(None, None), ("*", "*"), ('"4"', "4"), ('W/"4"', "4"), ('"3", W/"4"', "3,4"), ('"a"', None), ("4", None)],
)
def test_if_none_match(value: str | None, versions: str | None) -> None:
    """D3: weak tags and lists (RFC 9110, 13.1.2; ETG-10, 11)."""
    assert preconditions.if_none_match(value) == versions


@pytest.mark.parametrize(
    ("value", "same"),
    [(None, False), ("*", True), ('"ab"', True), ('W/"ab"', True), ('"x", "ab"', True), ('"x"', False), ("ab", False)],
)
def test_documents_that_did_not_change(value: str | None, same: bool) -> None:
    assert preconditions.unchanged(value, '"ab"') is same


def test_if_match_needed() -> None:
    with pytest.raises(VersionRequired):
        preconditions.if_match(None, needed=True)


def test_wait_for() -> None:
    assert reading.event_ids(EVENT) == EVENT
    assert reading.event_ids([EVENT, f"{EVENT},{EVENT}"]) == f"{EVENT},{EVENT},{EVENT}"


@pytest.mark.parametrize("value", ["", "x", f"{EVENT},", f"{EVENT} ,{EVENT}", ",".join([EVENT] * 11)])
def test_no_wait_for(value: str) -> None:
    with pytest.raises(InvalidWaitFor):
        reading.event_ids(value)


def test_query() -> None:
    raw = b"status=open&total[gte]=1000&name%5Bcontains%5D=caf%C3%A9&tag=a&tag=b&tag=c&q="
    assert reading.parse_query(raw) == {
        "status": "open",
        "total[gte]": "1000",
        "name[contains]": "café",
        "tag": ["a", "b", "c"],
        "q": "",
    }


@pytest.mark.parametrize("raw", [b"q=%00", b"%00=1", b"q=%ff", b"q=\xff", b"&".join(b"a=%d" % n for n in range(101))])
def test_no_query(raw: bytes) -> None:
    with pytest.raises(InvalidParameter):
        reading.parse_query(raw)


@pytest.mark.parametrize(
    ("path", "query", "body", "expected"),
    [
        ({}, {}, b"", b'{"args":[],"kwargs":{}}'),
        ({"id": "x"}, {}, b"", b'{"args":[],"kwargs":{"id":"x"}}'),
        ({}, {}, b'{"a": 1}', b'{"args":[],"kwargs":{"body":{"a": 1}}}'),
        ({"id": "x"}, {"q": 'a"b'}, b"[]", b'{"args":[],"kwargs":{"id":"x","query":{"q":"a\\"b"},"body":[]}}'),
    ],
)
def test_the_body_goes_on_as_it_came(
    path: dict[str, str], query: dict[str, str | list[str]], body: bytes, expected: bytes
) -> None:
    assert forwarding.wire_body(path, query, body) == expected

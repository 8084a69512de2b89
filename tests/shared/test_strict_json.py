"""What a JSON body may not be, each time refused with one code and nothing of the body in the text."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel import strict_json
from shared.kernel.refusals import BadRequest

REFUSED = {
    "nothing": b"",
    "blank": b"  ",
    "two values": b"{} {}",
    "trailing comma": b'{"a":1,}',
    "single quotes": b"{'a':1}",
    "NaN": b'{"a":NaN}',
    "Infinity": b"[Infinity]",
    "minus Infinity": b"[-Infinity]",
    "duplicate member": b'{"a":1,"b":2,"a":3}',
    "duplicate by escape": b'{"a":1,"\\u0061":3}',
    "duplicate below": b'[{"x":{"a":1,"a":1}}]',
    "1e400": b'{"a":1e400}',
    "-1e400": b'{"a":-1e400}',
    "long integer": b'{"a":' + b"9" * 5000 + b"}",
    "long fraction": b'{"a":0.' + b"9" * 5000 + b"}",
    "lone high surrogate": b'{"a":"\\ud800"}',
    "lone low surrogate": b'["\\uDFFF x"]',
    "surrogate in a name": b'{"\\ud800":1}',
    "escaped NUL": b'{"a":"x\\u0000y"}',
    "NUL in a name": b'{"\\u0000":1}',
    "raw NUL": b'{"a":"x\x00y"}',
    "raw newline in a string": b'{"a":"x\ny"}',
    "UTF-8 surrogate": b'{"a":"\xed\xa0\x80"}',
    "Latin-1": '{"a":"é"}'.encode("latin-1"),
    "UTF-16": '{"a":"b"}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "overlong UTF-8": b'{"a":"\xc0\xaf"}',
    "33 levels": b"[" * 33 + b"]" * 33,
    "33 levels of objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "10000 levels": b"[" * 10_000 + b"]" * 10_000,
    "half a million opened": b"[" * 500_000,
    "leading zero": b"[01]",
    "hexadecimal": b"[0x10]",
    "comment": b"{} // x",
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED.keys())
def test_refused(raw: bytes) -> None:
    begun = time.thread_time()  # its own work: the machine may be busy with something else
    with pytest.raises(BadRequest) as refusal:
        strict_json.loads(raw)
    assert refusal.value.code == "invalid_json"
    assert "Traceback" not in refusal.value.text("fr")
    assert time.thread_time() - begun < 0.1


@pytest.mark.parametrize(
    "raw",
    [
        b"null",
        b' {"a": [1, 2.5, -3e2, true, false, null, "x"]} \n',
        b"[" * 32 + b"]" * 32,
        b'["\\ud83d\\ude00", "\xf0\x9f\x98\x80", "caf\xc3\xa9"]',
        b'["\\\\u0000 is written with a backslash", "\\\\ud800"]',
        b'["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]',
        b"[" + b"[]," * 400 + b"[]]",
        b'{"a":' + b"9" * 100 + b"}",
    ],
)
def test_accepted_as_the_standard_parser_reads_it(raw: bytes) -> None:
    assert strict_json.loads(raw) == json.loads(raw)


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**90), 10**90)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(_texts, inner, max_size=5),
    max_leaves=30,
)


@given(_values, st.booleans())
def test_every_honest_value_passes(value: object, escaped: bool) -> None:
    assert strict_json.loads(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary(max_size=60))
def test_no_bytes_cause_anything_but_the_refusal(raw: bytes) -> None:
    try:
        strict_json.loads(raw)
    except BadRequest as refusal:
        assert refusal.code == "invalid_json"

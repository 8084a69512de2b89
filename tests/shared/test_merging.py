"""Merge patches as RFC 7396 has them."""

from typing import Any

import pytest

from shared.wire.merging import merged, patch_to

APPENDIX_A: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("original", "patch", "result"), APPENDIX_A)
def test_the_examples_of_the_standard(original: Any, patch: Any, result: Any) -> None:
    """D3: appendix A of RFC 7396 (PAT-01)."""
    assert merged(original, patch) == result


def test_the_example_of_section_3() -> None:
    """D3: PAT-02."""
    original = {
        "title": "Goodbye!",
        "author": {"givenName": "John", "familyName": "Doe"},
        "tags": ["example", "sample"],
        "content": "This will be unchanged",
    }
    patch = {
        "title": "Hello!",
        "phoneNumber": "+01-123-456-7890",
        "author": {"familyName": None},
        "tags": ["example"],
    }
    assert merged(original, patch) == {
        "title": "Hello!",
        "author": {"givenName": "John"},
        "tags": ["example"],
        "content": "This will be unchanged",
        "phoneNumber": "+01-123-456-7890",
    }


@pytest.mark.parametrize(("original", "patch", "result"), [row for row in APPENDIX_A if isinstance(row[2], dict)])
def test_a_patch_leads_back(original: Any, patch: Any, result: Any) -> None:
    """What an import changed is put back by a patch; what was not there before is removed."""
    before = original if isinstance(original, dict) else {}
    named = {name: before.get(name) for name in result}
    back = merged(result, patch_to(named, result))
    assert {n: v for n, v in back.items() if v is not None} == {n: v for n, v in named.items() if v is not None}

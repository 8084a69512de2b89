"""Entity tags and the conditions made of them (RFC 9110, 8.8.3 and 13.1). Our tags are versions in quotes, and strong."""

import re

from gateway.errors import InvalidIfMatch
from shared.kernel.refusals import VersionRequired

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_TAGS = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_ONE = re.compile(_TAG)
_VERSION = re.compile('"([0-9]{1,18})"')
MOST = 50
"""Tags in one field; no client has seen more versions of one resource."""


def tags(value: str) -> list[str] | None:
    """The tags of a field as they stand in it; None for what is not a list of them."""
    found = _ONE.findall(value) if _TAGS.fullmatch(value) else []
    return found if 0 < len(found) <= MOST else None


def if_match(value: str | None, needed: bool) -> int | str | None:
    """The version that the client saw, several separated by commas, `*`, or None. Raises VersionRequired, InvalidIfMatch.

    The comparison is strong: a weak tag, and one that is not ours, is never the present one.
    """
    if value is None:
        if needed:
            raise VersionRequired
        return None
    if value.strip() == "*":
        return "*"
    given = tags(value)
    if given is None:
        raise InvalidIfMatch
    versions = [known[1] for tag in given if (known := _VERSION.fullmatch(tag))]
    return int(versions[0]) if len(versions) == 1 else ",".join(versions)


def if_none_match(value: str | None) -> str | None:
    """The versions that the client has, separated by commas, or `*`; None where none can be one of ours."""
    if value is None or value.strip() == "*":
        return value and "*"
    strong = [tag.removeprefix("W/") for tag in tags(value) or ()]
    return ",".join(known[1] for tag in strong if (known := _VERSION.fullmatch(tag))) or None


def unchanged(value: str | None, etag: str) -> bool:
    """Whether If-None-Match names this tag; the comparison is weak."""
    if value is None:
        return False
    return value.strip() == "*" or etag in (tag.removeprefix("W/") for tag in tags(value) or ())

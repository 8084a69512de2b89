"""The hash chain that makes any later change of a posted entry visible, per company and journal.

Version 1 of the hashed form, fixed for good (a new form gets a new number and leaves old hashes valid):

    hash = SHA-256( previous hash, 64 ASCII hex digits ‖ canonical form, UTF-8 ), in lower-case hex

The first entry of a journal has 64 zeros as its previous hash. The canonical form is JSON as in RFC 8785 (keys in
order, no blanks) of the members listed in `canonical`: amounts are strings with two decimals, dates YYYY-MM-DD,
`posted_at` RFC 3339 in UTC with six decimals and Z, ids lower-case, texts in NFC, absent values null, lines in the
order of the entry. It carries ids of partners, never their names, so that erasing a person leaves the chain whole.
"""

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.kernel.money import ZERO, round_to

VERSION = 1
GENESIS = "0" * 64

_HEADER = (
    "company_id", "currency", "date", "fiscal_year", "journal", "number",
    "reference", "reverses_id", "source_id", "source_type",
)  # fmt: skip
_LINE = ("account", "due_on", "label", "partner_id", "tax_code")


@dataclass(frozen=True, slots=True)
class Link:
    """A stored entry with its place in the chain. `content` has the members that `canonical` reads."""

    entry_id: Any
    seq: int
    prev_hash: str
    hash: str
    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """The first place where a chain does not hold."""

    reason: str
    seq: int
    entry_id: Any = None
    number: str | None = None


def canonical(entry: Mapping[str, Any]) -> bytes:
    """The bytes of an entry that are hashed. `entry` has the header members, seq, posted_at and lines."""
    document: dict[str, Any] = {name: _text(entry[name]) for name in _HEADER}
    document["lines"] = [_line(line) for line in entry["lines"]]
    document["posted_at"] = _instant(entry["posted_at"])
    document["seq"] = entry["seq"]
    document["v"] = VERSION
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    amounts = {side: str(round_to(line[side], 2)) for side in ("debit", "credit")}
    return {**{name: _text(line[name]) for name in _LINE}, **amounts}


def _text(value: Any) -> str | None:
    return None if value is None else unicodedata.normalize("NFC", str(value))


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def entry_hash(prev_hash: str, entry: Mapping[str, Any]) -> str:
    """The hash of an entry behind the one whose hash is `prev_hash`."""
    return hashlib.sha256(prev_hash.encode() + canonical(entry)).hexdigest()


def verify(
    links: Iterable[Link], head_seq: int, head_hash: str, anchors: Mapping[int, str]
) -> tuple[int, Fault | None]:
    """Walk a chain from its first entry. Returns how many entries hold, and the first fault if there is one.

    `links` come ordered by seq; `head_*` is what the journal believes to be its last entry; `anchors` are hashes
    that were noted earlier, by seq.
    """
    seq, previous = 0, GENESIS
    for link in links:
        reason = _reason(link, seq + 1, previous, anchors)
        if reason:
            return seq, Fault(reason, seq + 1, link.entry_id, link.content["number"])
        seq, previous = link.seq, link.hash
    if seq != head_seq or previous != head_hash or any(noted > seq for noted in anchors):
        return seq, Fault("cut_tail", seq + 1)
    return seq, None


def _reason(link: Link, seq: int, previous: str, anchors: Mapping[int, str]) -> str | None:
    if link.seq != seq:
        return "gap"
    if link.prev_hash != previous:
        return "broken_link"
    if entry_hash(previous, {**link.content, "seq": seq}) != link.hash:
        return "content_changed"
    if not _balanced(link.content["lines"]):
        return "unbalanced"
    return "anchor_mismatch" if anchors.get(seq, link.hash) != link.hash else None


def _balanced(lines: Sequence[Mapping[str, Any]]) -> bool:
    return sum((line["debit"] - line["credit"] for line in lines), ZERO) == 0

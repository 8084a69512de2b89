"""A4. Whether somebody holds all that something reaches: one pure function."""

from uuid import UUID

import pytest

from shared.api.rights import Rights, lacking

ADA, BOB, EVE = (UUID(int=n) for n in (1, 2, 3))
A, B = UUID(int=10), UUID(int=11)
KNOWN = ("contacts.contacts:read", "sales.orders:read", "sales.orders:write")
READ = "sales.orders:read"


def rights(*permissions: str, companies: set[UUID] | None = None, own: UUID | None = None, team: str = "") -> Rights:
    named = {"a": ADA, "b": BOB, "e": EVE}
    own_ids = frozenset((own,)) if own else frozenset()
    kept = None if companies is None else frozenset(companies)
    return Rights(permissions, kept, own_ids, frozenset(named[one] for one in team))


@pytest.mark.parametrize(
    ("held", "wanted", "permissions", "companies"),
    [
        (rights("*"), rights("*"), (), False),
        (rights("sales.*:read"), rights("sales.*:*"), ("sales.orders:write",), False),
        (rights("sales.*:read"), rights("nothing.there:read"), (), False),
        (rights(READ), rights(f"{READ}@team", own=BOB, team="be"), (), False),
        (rights(f"{READ}@team", own=ADA, team="ab"), rights(READ), (READ,), False),
        (rights(f"{READ}@own", own=ADA), rights(f"{READ}@team", own=ADA, team="a"), (READ,), False),
        (rights(f"{READ}@own", own=ADA), rights(f"{READ}@own", own=ADA), (), False),
        (rights(f"{READ}@own", own=ADA), rights(f"{READ}@own", own=BOB), (READ,), False),
        (rights(f"{READ}@own", own=ADA), rights(f"{READ}@own"), (), False),
        (rights(f"{READ}@team", own=ADA, team="ab"), rights(f"{READ}@own", own=BOB), (), False),
        (rights(f"{READ}@team", own=ADA, team="ab"), rights(f"{READ}@team", own=BOB, team="be"), (READ,), False),
        (rights("*", companies={A}), rights(READ), (), True),
        (rights("*", companies={A}), rights(READ, companies={A, B}), (), True),
        (rights("*", companies={A, B}), rights(READ, companies={B}), (), False),
        (rights("*"), rights(READ, companies={B}), (), False),
        (rights("*", companies={A}), rights(READ, companies=set()), (), False),
    ],
)
def test_what_is_lacking(held: Rights, wanted: Rights, permissions: tuple[str, ...], companies: bool) -> None:
    """A4. Permissions with their reach, the owners within it, and companies."""
    lack = lacking(held, wanted, KNOWN)
    assert (lack.permissions, lack.companies) == (permissions, companies)
    assert bool(lack) == bool(permissions or companies)

"""Two spellings of the same number are one; nonsense is refused where it stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_contacts import identity
from shared.refusals import Invalid


def test_numbers_lose_their_spaces() -> None:
    values = identity.normalised(
        {"siren": "732 829 320", "siret": "732 829 320 00074", "vat_number": "FR 44 732829320"}
    )
    assert values == {"siren": "732829320", "siret": "73282932000074", "vat_number": "FR44732829320"}


@pytest.mark.parametrize("value", ["000000000", "000 000 000", "732829321", "73282932", "ABCDEFGHI", ""])
def test_a_wrong_siren_is_refused(value: str) -> None:
    with pytest.raises(Invalid) as refusal:
        identity.normalised({"siren": value})
    assert refusal.value.errors == [{"pointer": "/siren", "code": "invalid_siren"}]


def test_a_siret_of_zeros_is_refused() -> None:
    with pytest.raises(Invalid):
        identity.normalised({"siret": "0" * 14})


def test_the_post_office_has_its_own_siret_rule() -> None:
    assert identity.siret("35600000049837") == "35600000049837"


def test_every_wrong_value_is_named() -> None:
    with pytest.raises(Invalid) as refusal:
        identity.normalised(
            {
                "vat_number": "FR00",
                "emails": [_point("ada@lovelace.fr"), _point("no at sign")],
                "phones": [_point("12")],
            }
        )
    assert [error["pointer"] for error in refusal.value.errors] == ["/vat_number", "/emails/1/value", "/phones/0/value"]


def test_phones_become_e164_and_domains_lower_case() -> None:
    values = identity.normalised({"phones": [_point("06 12 34 56 78")], "emails": [_point("Ada@Lovelace.FR")]})
    assert values["phones"][0]["value"] == "+33612345678"
    assert values["emails"][0]["value"] == "Ada@lovelace.fr"


@given(st.lists(st.booleans(), min_size=1, max_size=10))
def test_exactly_one_point_is_primary(claims: list[bool]) -> None:
    points = identity.one_primary([{"value": str(i), "primary": claim} for i, claim in enumerate(claims)])
    chosen = [i for i, point in enumerate(points) if point["primary"]]
    assert chosen == [claims.index(True) if any(claims) else 0]


def _point(value: str) -> dict[str, object]:
    return {"value": value, "type": "work", "primary": False}

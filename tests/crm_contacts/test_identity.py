"""Two spellings of the same number are one; nonsense is refused where it stands."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_contacts import identity
from shared.kernel.refusals import Invalid


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


@pytest.mark.parametrize(
    ("written", "number", "extension"),
    [
        ("01 23 45 67 89", "+33123456789", None),
        ("01.23.45.67.89", "+33123456789", None),
        ("06-12-34-56-78", "+33612345678", None),
        ("7 56 78 90 12", "+33756789012", None),
        ("+44 20 7183 8750", "+442071838750", None),
        ("+33 (0)1 23 45 67 89", "+33123456789", None),
        ("0692 12 34 56", "+262692123456", None),
        ("+33 692 12 34 56", "+262692123456", None),
        ("0262 12 34 56", "+262262123456", None),
        ("0639 12 34 56", "+262639123456", None),
        ("0590 12 34 56", "+590590123456", None),
        ("0691 12 34 56", "+590691123456", None),
        ("0594 12 34 56", "+594594123456", None),
        ("0596 12 34 56", "+596596123456", None),
        ("0263 12 34 56", "+262263123456", None),
        ("0693 12 34 56", "+262693123456", None),
        ("07 09 20 12 34", "+262709201234", None),
        ("0269 61 12 34", "+262269611234", None),
        ("07 09 35 12 34", "+262709351234", None),
        ("0690 12 34 56", "+590690123456", None),
        ("07 09 00 12 34", "+590709001234", None),
        ("0694 12 34 56", "+594694123456", None),
        ("07 09 30 12 34", "+594709301234", None),
        ("0696 12 34 56", "+596696123456", None),
        ("0697 12 34 56", "+596697123456", None),
        ("07 09 10 12 34", "+596709101234", None),
        ("09 76 90 12 34", "+262976901234", None),
        ("09 47 70 12 34", "+596947701234", None),
        ("0508 41 12 34", "+508411234", None),
        ("+33 508 41 12 34", "+508411234", None),
        ("+508 41 12 34", "+508411234", None),
        ("07 08 40 12 34", "+508708401234", None),
        ("0591 12 34 56", "+33591123456", None),
        ("06 38 12 34 56", "+33638123456", None),
        ("06 95 12 34 56", "+33695123456", None),
        ("07 08 30 12 34", "+33708301234", None),
        ("07 09 40 12 34", "+33709401234", None),
        ("09 72 12 34 56", "+33972123456", None),
        ("01 23 45 67 89 poste 12", "+33123456789", "12"),
        ("01 23 45 67 89 ext. 0012", "+33123456789", "0012"),
        ("01 23 45 67 89 x12", "+33123456789", "12"),
        ("tel:+33123456789;ext=12", "+33123456789", "12"),
    ],
)
def test_phones(written: str, number: str, extension: str | None) -> None:
    """B6: E.164 with the calling code of where the number is, and the extension beside it (PHN-01 … 09)."""
    (phone,) = identity.normalised({"phones": [_point(written)]})["phones"]
    assert (phone["value"], phone.get("extension")) == (number, extension)
    assert identity.comparable("phone", written) == number


@pytest.mark.parametrize("region", ["GP", "GF", "MQ", "RE", "YT", "PM", "BL", "MF"])
def test_overseas_numbers_are_those_of_libphonenumber(region: str) -> None:
    """B6: of each overseas region the known examples, fixed and mobile, get its calling code."""
    for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
        example = phonenumbers.example_number_for_type(region, kind)
        wanted = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
        digits = wanted.removeprefix(f"+{example.country_code}")
        dialled = f"0{example.country_code}{digits}" if len(digits) == 6 else f"0{digits}"
        assert identity.phone(dialled) == identity.phone(wanted) == wanted


@pytest.mark.parametrize(
    "written",
    [
        "00 00 00 00 00",
        "+33000000000",
        "0000000000",
        "01 23 45 67 89 / 06 12 34 56 78",
        "01 23 45 67 89 demander Paul",
        "12",
    ],
)
def test_what_is_no_phone_number_is_refused(written: str) -> None:
    """B6: zeros alone are no number (PHN-12), and nothing is dropped without a word."""
    with pytest.raises(Invalid):
        identity.normalised({"phones": [_point(written)]})


@pytest.mark.parametrize(
    ("kind", "value", "siren"),
    [
        ("vat_number", "FR44732829320", "732829320"),
        ("siret", "73282932000074", "732829320"),
        ("vat_number", "FR53000004605", None),
        ("vat_number", "BE0403019261", None),
        ("siren", "732829320", None),
    ],
)
def test_a_siren_inside_another_number(kind: str, value: str, siren: str | None) -> None:
    """B6: one legal unit, whichever of its numbers is known."""
    assert identity.siren_in(kind, value) == siren


@given(st.lists(st.booleans(), min_size=1, max_size=10))
def test_exactly_one_point_is_primary(claims: list[bool]) -> None:
    points = identity.one_primary([{"value": str(i), "primary": claim} for i, claim in enumerate(claims)])
    chosen = [i for i, point in enumerate(points) if point["primary"]]
    assert chosen == [claims.index(True) if any(claims) else 0]


def _point(value: str) -> dict[str, object]:
    return {"value": value, "type": "work", "primary": False}

"""Normal forms of what identifies a contact: two spellings of the same thing become equal, nonsense is refused.

SIREN and SIRET carry a Luhn key (INSEE), VAT numbers follow the member states' rules, phone numbers become E.164.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from stdnum.eu import vat
from stdnum.exceptions import ValidationError as NotANumber
from stdnum.fr import siren as siren_numbers
from stdnum.fr import siret as siret_numbers

from shared.kernel.refusals import Invalid

DEFAULT_REGION = "FR"


def siren(value: str) -> str:
    """Nine digits. Raises ValueError; nine zeros satisfy the Luhn key but are nobody's number."""
    return _without_zeros(siren_numbers.validate(value))


def siret(value: str) -> str:
    """Fourteen digits, a SIREN and the number of the establishment. Raises ValueError."""
    return _without_zeros(siret_numbers.validate(value))


def vat_number(value: str) -> str:
    """A VAT number of an EU member state with its country prefix. Raises ValueError."""
    return str(vat.validate(value))


def siren_in(kind: str, value: str) -> str | None:
    """The SIREN that a normal SIRET or French VAT number contains; a Monegasque one contains none."""
    found = value[:9] if kind == "siret" else value[4:] if kind == "vat_number" and value.startswith("FR") else ""
    return found if siren_numbers.is_valid(found) and found.strip("0") else None


def email(value: str) -> str:
    """An address with its domain in lower case. Raises ValueError. Nothing is asked of the DNS."""
    local, _, domain = value.rpartition("@")
    if len(local) <= 64 and len(value) < 255 and _PLAIN_LOCAL.fullmatch(local):
        return f"{local}@{_domain(domain)}"
    return _validated(value)


def phone(value: str) -> str:
    """A number in E.164 form, without its extension. Raises ValueError."""
    return phone_parts(value)[0]


def phone_parts(value: str) -> tuple[str, str | None]:
    """A number in E.164 form and its extension. Raises ValueError for what would be lost on the way.

    Length and country code are checked, not the number ranges: regulators open new ones faster than lists follow.
    """
    if french := _FRENCH_NUMBER.fullmatch(value.translate(_PUNCTUATION)):
        return _french(french[1]), None
    read = _WITH_EXTENSION.fullmatch(value)
    if read is None:
        raise ValueError(value)
    number = phonenumbers.parse(read[1], DEFAULT_REGION)
    if not phonenumbers.is_possible_number(number) or not number.national_number:
        raise ValueError(value)
    normal = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return (_french(normal[3:]) if _FRENCH_E164.fullmatch(normal) else normal), read[2]


def _french(digits: str) -> str:
    """A French number without its 0, behind the calling code of where it is.

    In Saint-Pierre-et-Miquelon 508 is both: nine digits from France, +508 and six from outside.
    """
    if digits.startswith("508"):
        return f"+{digits}"
    code = next((_OVERSEAS[digits[:n]] for n in (5, 4, 3) if digits[:n] in _OVERSEAS), "33")
    return f"+{code}{digits}"


def _validated(address: str) -> str:
    return validate_email(address, check_deliverability=False, test_environment=True).normalized


@lru_cache(maxsize=10_000)
def _domain(domain: str) -> str:
    """A domain in normal form; thousands of contacts share a few. Raises ValueError."""
    return _validated(f"a@{domain}").rpartition("@")[2]


_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*")
"""Local parts that RFC 5321 and every mail server take as they are; all others are asked of email_validator."""

_FRENCH_NUMBER = re.compile("0([1-9][0-9]{8})")
_FRENCH_E164 = re.compile(r"\+33[1-9][0-9]{8}")
_OVERSEAS = {
    prefix: code
    for code, prefixes in {
        # La Réunion, then Mayotte
        "262": "262 263 2688 692 693 7092 9399 9479 9762 9763 269 2689 639 70935 70936 70937 9398 9478 9769",
        # Guadeloupe, Saint-Martin, Saint-Barthélemy
        "590": "590 5987 690 691 7090 9395 9475 9760 9761 9768",
        # Guyane
        "594": "594 5988 694 70930 70931 70932 70933 9396 9476 9764 9765",
        # Martinique
        "596": "596 5989 696 697 7091 9397 9477 9766 9767",
        # Saint-Pierre-et-Miquelon
        "508": "7084 7085",
    }.items()
    for prefix in prefixes.split()
}
"""The ranges of the overseas departments and of Saint-Pierre-et-Miquelon in the national numbering plan (Arcep, décision
2018-0881, as changed by décision 2022-1583), fixed, mobile and versatile. From within France they are dialled like any
other, from outside by calling codes of their own (ITU-T E.164). A test holds the fixed and mobile ones to what
libphonenumber knows."""

_WITH_EXTENSION = re.compile(
    r"(?:tel:)?\s*(\+?[0-9\s().\-\u2010-\u2013]+?)\s*(?:(?:;ext=|ext(?:ension|\.)?|poste|p\.|x|#)\s*:?\s*([0-9]{1,11}))?\s*",
    re.IGNORECASE,
)
"""A number and what is dialled after it. Anything else, such as a second number, would be dropped without a word."""

_PUNCTUATION = str.maketrans("", "", " .-")


def comparable_email(value: str) -> str:
    """The form in which addresses are compared: no known provider tells upper from lower case."""
    return value.casefold()


def comparable(kind: str, value: str) -> str:
    """The form in which values of a kind of point are compared; nonsense, which nobody has, stays as it is."""
    read = {**_SCALARS, "email": email, "phone": phone}[kind]
    normal = _read(read, value, "", "", [])
    return comparable_email(normal) if kind == "email" else normal


def normalised(values: dict[str, Any]) -> dict[str, Any]:
    """The same values in normal form. Raises Invalid with a pointer for each one that is not valid."""
    errors: list[dict[str, Any]] = []
    result = dict(values)
    for name, read in _SCALARS.items():
        if values.get(name) is not None:
            result[name] = _read(read, values[name], f"/{name}", f"invalid_{name}", errors)
    if "emails" in values:
        result["emails"] = _points(values["emails"], email, "emails", "invalid_email", errors)
    if "phones" in values:
        sent = [_with_extension(point) for point in values["phones"]]
        result["phones"] = _points(sent, phone, "phones", "invalid_phone", errors)
    if errors:
        raise Invalid(errors)
    return result


def _with_extension(point: dict[str, Any]) -> dict[str, Any]:
    """A phone with the extension that stands in the number, unless it is named apart. Nonsense stays as it is."""
    own = {name: value for name, value in point.items() if name != "extension" or value}
    try:
        found = phone_parts(point["value"])[1]
    except _NOT_VALID:
        return own
    return {"extension": found, **own} if found else own


def one_primary(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same points with exactly one primary: the first that claims it, else the first."""
    chosen = next((i for i, point in enumerate(points) if point["primary"]), 0)
    return [{**point, "primary": i == chosen} for i, point in enumerate(points)]


def primary(points: Iterable[dict[str, Any]]) -> str | None:
    """The value of the primary point of a list."""
    return next((point["value"] for point in points if point["primary"]), None)


_SCALARS: dict[str, Callable[[str], str]] = {"siren": siren, "siret": siret, "vat_number": vat_number}
_NOT_VALID = (ValueError, NotANumber, EmailNotValidError, phonenumbers.NumberParseException)


def _read(read: Callable[[str], str], value: str, pointer: str, code: str, errors: list[dict[str, Any]]) -> str:
    try:
        return read(value)
    except _NOT_VALID:
        errors.append({"pointer": pointer, "code": code})
        return value


def _points(
    points: list[dict[str, Any]], read: Callable[[str], str], name: str, code: str, errors: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    read_points = [
        {**point, "value": _read(read, point["value"], f"/{name}/{i}/value", code, errors)}
        for i, point in enumerate(points)
    ]
    return one_primary(read_points)


def _without_zeros(digits: str) -> str:
    if not digits.strip("0"):
        raise ValueError(digits)
    return digits

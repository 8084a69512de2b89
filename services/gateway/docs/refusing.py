"""The catalogue of errors: every problem that a client can meet, from what the services declare, and nothing by hand.

`make contracts` writes the refusals of all services beside their contracts (the gateway carries no code of theirs), with
the operations that can end in each as far as the code tells; sentences and statuses are those that answers have.
"""

from pathlib import Path
from typing import Any

from gateway.http.protocol import UNREADABLE
from shared import contracts
from shared.kernel import generated
from shared.kernel.error_messages import sentences
from shared.wire.problems import STATUS, TITLES, type_of

_REFUSALS = Path(contracts.__file__).with_name("refusals")

_ALIKE = ("code", "service", "en", "where", "family", "fr")


def document() -> dict[str, Any]:
    """`problems` by code, `fields` (the codes within `errors`), `titles` of the statuses in both languages."""
    problems: dict[str, dict[str, Any]] = {}
    for refusal in _refusals():
        _take(problems, refusal, STATUS[refusal["family"]])
    titles = {str(status): {"en": english, "fr": french} for status, (english, french) in TITLES.items()}
    for status, cls in UNREADABLE.items():
        titles.setdefault(str(status), {"en": cls.en.rstrip("."), "fr": cls.fr.rstrip(".")})
        known = {"family": "malformed", "service": "gateway", "where": "unreadable", "operations": []}
        _take(problems, {"code": cls.code, "en": cls.en, "fr": cls.fr, **known}, status)
    fields = [{"code": code, "en": en, "fr": fr} for code, (en, fr) in sorted(sentences().items())]
    return {"problems": [problems[code] for code in sorted(problems)], "fields": fields, "titles": titles}


def _refusals() -> list[dict[str, Any]]:
    """What all services say; what several of them say alike is one refusal with the operations of all."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for refusal in (one for part in generated.read(_REFUSALS).values() for one in part):
        known = found.setdefault(tuple(refusal[name] for name in _ALIKE), {**refusal, "operations": []})
        known["operations"] = sorted({*known["operations"], *refusal["operations"]})
    return [found[key] for key in sorted(found)]


def _take(problems: dict[str, dict[str, Any]], refusal: dict[str, Any], status: int) -> None:
    """Add a refusal to the problem of its code: one code may be said by several services, in other words."""
    code = refusal["code"]
    problem = problems.setdefault(code, {"code": code, "type": type_of(code), "cases": []})
    case = {name: refusal[name] for name in ("family", "service", "en", "fr", "where", "operations")}
    problem["cases"].append({"status": status, **case})

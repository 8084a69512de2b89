"""The catalogue of errors: every problem that a client can meet, from what the services declare, and nothing by hand.

`make contracts` writes the refusals of all services beside their contracts (the gateway carries no code of theirs), with
the operations that can end in each as far as the code tells; sentences and statuses are those that answers have.
"""

import json
from pathlib import Path
from typing import Any

from gateway.protocol import UNREADABLE
from shared import contracts
from shared.kernel.error_messages import sentences
from shared.wire.problems import STATUS, TITLES, type_of

_REFUSALS = Path(contracts.__file__).with_name("refusals.json")


def document() -> dict[str, Any]:
    """`problems` by code, `fields` (the codes within `errors`), `titles` of the statuses in both languages."""
    problems: dict[str, dict[str, Any]] = {}
    for refusal in json.loads(_REFUSALS.read_text(encoding="utf-8")):
        _take(problems, refusal, STATUS[refusal["family"]])
    titles = {str(status): {"en": english, "fr": french} for status, (english, french) in TITLES.items()}
    for status, told in UNREADABLE.items():
        titles.setdefault(str(status), {"en": told.en.rstrip("."), "fr": told.fr.rstrip(".")})
        known = {"family": "malformed", "service": "gateway", "where": "unreadable", "operations": []}
        _take(problems, {"code": told.code, "en": told.en, "fr": told.fr, **known}, status)
    fields = [{"code": code, "en": en, "fr": fr} for code, (en, fr) in sorted(sentences().items())]
    return {"problems": [problems[code] for code in sorted(problems)], "fields": fields, "titles": titles}


def _take(problems: dict[str, dict[str, Any]], refusal: dict[str, Any], status: int) -> None:
    """Add a refusal to the problem of its code: one code may be said by several services, in other words."""
    code = refusal["code"]
    problem = problems.setdefault(code, {"code": code, "type": type_of(code), "cases": []})
    case = {name: refusal[name] for name in ("family", "service", "en", "fr", "where", "operations")}
    problem["cases"].append({"status": status, **case})

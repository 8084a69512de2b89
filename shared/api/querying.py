"""What the query of a call asks for beside filters and parameters: the members of the answer, and the possible verbs."""

from operator import methodcaller
from typing import Any

from sqlalchemy.orm import Session

from shared.api.caller import NotAllowed
from shared.kernel.context import Context, current
from shared.kernel.refusals import BadRequest, Refusal
from shared.schema.contract import Operation
from shared.schema.verbs import Verb
from shared.storage.database import Aggregate
from shared.wire.explaining import MOST_ERRORS


def query_of(kwargs: dict[str, Any]) -> dict[str, str]:
    """The query of a call: names and texts, as in a URL. A program that calls over AMQP may send anything else."""
    query = kwargs.get("query")
    if query is None:
        return {}
    if not isinstance(query, dict):
        raise BadRequest([{"pointer": "/query", "code": "invalid_type"}])
    if wrong := [name for name, value in query.items() if not isinstance(value, str)]:
        raise BadRequest([{"pointer": f"?{name}", "code": "invalid_type"} for name in wrong[:MOST_ERRORS]])
    return query


def chosen(operation: Operation, query: dict[str, str]) -> tuple[str, ...] | None:
    """The members named by `fields`, None for all of them. Raises BadRequest naming those that there are."""
    if "fields" not in query or not operation.is_sparse or operation.response is None:
        return None
    known = operation.response().dump_fields
    names = query["fields"].split(",")
    if unknown := sorted(set(names) - set(known)):
        raise BadRequest([{"pointer": "?fields", "code": "unknown_field"}], unknown=unknown[:20], allowed=list(known))
    return tuple(sorted({*names, *(["verbs"] if asks_for_verbs(operation, query) else [])}))


def asks_for_verbs(operation: Operation, query: dict[str, str]) -> bool:
    """Whether `with=verbs` asks which verbs are possible now. Raises BadRequest for another word."""
    if "with" not in query or not operation.offers_verbs:
        return False
    if query["with"] != "verbs":
        raise BadRequest([{"pointer": "?with", "code": "invalid_choice"}], allowed=["verbs"])
    return True


def tell_verbs(service: object, session: Session, record: Aggregate, context: Context) -> None:
    """Let the answer say of each verb null, or why it is not possible now."""
    assert record.declared is not None
    found: dict[str, Any] = {}
    for name, verb in record.declared.declaration.verbs.items():
        may = context.may(verb.permission)
        refusal = _refusal(service, session, record, verb) if may else NotAllowed(permission=verb.permission)
        found[name] = refusal and {"code": refusal.code, "detail": refusal.text(context.language)}
    record.__dict__["verbs"] = found


def _refusal(service: object, session: Session, record: Aggregate, verb: Verb) -> Refusal | None:
    """What the service says (`allow_place_order(session, order)`, by the rules that its handler obeys), or else the model.

    The calls are made by name, because reading is not refused by them: the catalogue of errors follows calls in the source.
    """
    narrowed = getattr(service, f"allow_{verb.name}", None)
    try:
        narrowed(session, record) if narrowed else methodcaller("allow_by", verb.verb, current(session).actor)(record)
    except Refusal as refusal:
        return refusal
    return None

"""`GET /v1/resources`: every resource as clients need it to draw lists, forms and buttons, in the caller's language.

It follows from the contracts; names, helps, states and verbs are those of declared resources (`shared/schema`), the rest of
what a contract says follows for every resource. A caller sees what they may read.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from starlette.responses import Response

from gateway.calls.expanding import resources
from gateway.docs import openapi
from gateway.docs.described_fields import described_fields, type_of
from gateway.http.access import Principal, allows
from gateway.http.incoming import Incoming
from shared.contracts import operations
from shared.schema import Verb
from shared.schema.collection import Collection
from shared.schema.contract import CATALOGUE, Operation
from shared.schema.declaration import Declaration
from shared.schema.declared import named
from shared.schema.texts import translated
from shared.schema.verbs import NEUTRAL
from shared.wire import fields

_GUESSED = ("number", "name", "code", "subject", "reference", "email", "id")
"""By what a record is called where nothing is declared: the first of these that it has."""

Translate = Callable[..., str]


class Resources:
    """Serves the descriptions; they change only with the program, so each is made once."""

    async def __call__(self, request: Incoming) -> Response:
        assert request.principal is not None
        return await _page(request.language, _readable(request.principal))(request)


def _readable(principal: Principal) -> frozenset[str]:
    return frozenset(n for n, r in resources().items() if r.list and allows(principal.permissions, r.list.permission))


@lru_cache(maxsize=200)
def _page(language: str, names: frozenset[str]) -> openapi.Page:
    headers = {"cache-control": "private, no-cache", "content-language": language, "vary": "accept-language"}
    return openapi.Page({"data": [describe(name, language, names) for name in sorted(names)]}, headers)


def describe(name: str, language: str, names: frozenset[str]) -> dict[str, Any]:
    """One resource; `names` are those that the caller may read."""
    collection = resources()[name]
    listed = collection.list
    assert listed is not None and listed.response is not None and listed.listing is not None
    say: Translate = partial(translated, listed.service, language=language)
    declared = listed.declared.declaration if listed.declared else None
    one, many = declared.settings.title if declared else (named(_one(collection)), named(name))
    members = described_fields(collection, say)
    found = {
        "name": name,
        "path": collection.path,
        "area": listed.permission.partition(".")[0],
        "title": [say(one), say(many)],
        "help": say(declared.described) if declared else "",
        "label": list(declared.settings.label) if declared else [next(n for n in _GUESSED if n in members)],
        "permissions": _permissions(collection),
        "fields": members,
        "list": {"columns": _columns(declared, members), "sort": listed.listing.default_sort},
        "verbs": {verb: _verb(operation, say) for verb, operation in _verbs(collection)},
        "related": [{"resource": r, "by": by} for r, by in _related(name) if r in names],
        "events": _events(listed.service, _one(collection)),
    }
    return found | ({"states": _states(declared, say)} if declared and declared.state else {})


def _one(collection: Collection) -> str:
    """`journal_entry` of `/v1/journal-entries`: what its operations call a member."""
    assert collection.get is not None
    return collection.get.name.removeprefix("get_")


def _permissions(collection: Collection) -> dict[str, str]:
    kinds = {"create": collection.create, "read": collection.list, "update": collection.patch}
    return {kind: o.permission for kind, o in (kinds | {"delete": collection.delete}).items() if o}


def _columns(declared: Declaration | None, members: dict[str, Any]) -> list[str]:
    """What a list shows at first: as declared, or else what it sorts by and filters by, without lists and objects."""
    if declared and declared.settings.columns:
        return list(declared.settings.columns)
    label = [n for n in (declared.settings.label if declared else _GUESSED[:-1]) if n in members]
    useful = [n for n, f in members.items() if (f.get("sort") or f.get("filter")) and n not in ("id", "updated_at")]
    return list(dict.fromkeys([*label, *useful]))[:7]


def _verbs(collection: Collection) -> Iterator[tuple[str, Operation]]:
    assert collection.get is not None
    for operation in operations()[collection.get.service].values():
        at, _, verb = operation.path.rpartition("/")
        if operation.method == "POST" and not operation.derived and at == f"{collection.path}/{{id}}":
            yield verb.replace("-", "_"), operation


def _verb(operation: Operation, say: Translate) -> dict[str, Any]:
    return {
        "name": say(operation.title if isinstance(operation, Verb) else operation.summary),
        "help": say(operation.summary),
        "path": operation.path,
        "from": list(operation.of) if isinstance(operation, Verb) and operation.of else None,
        "permission": operation.permission,
        "key": operation.idempotency == "required",
        "body": {n: type_of(f) for n, f in operation.request().fields.items()} if operation.request else None,
    }


def _states(declared: Declaration, say: Translate) -> dict[str, Any]:
    state = declared.state
    assert state is not None
    context = f"{declared.names.resource}.{state.name}"
    names = {value: say(name, context=context) for value, name in state.names.items()}
    values = {value: {"name": name, "tone": state.tones.get(value, NEUTRAL)} for value, name in names.items()}
    return {"field": state.name, "path": list(state.choices), "values": values}


def _related(name: str) -> Iterator[tuple[str, str]]:
    """Lists that can be filtered by a reference to this resource."""
    for other, collection in sorted(resources().items()):
        filters = collection.list.listing.filters if collection.list and collection.list.listing else {}
        for by, field in filters.items():
            if isinstance(field, fields.Uuid) and field.refers == name and "." not in by:
                yield other, by


def _events(service: str, one: str) -> list[str]:
    has_events = any(event.service == service and event.aggregate == one for event in CATALOGUE.values())
    return [f"{service}.{one}.*"] if has_events else []

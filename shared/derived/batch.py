"""Carrying out a batch: each operation in a savepoint of one transaction, with an audit entry of its own.

An operation that fails leaves nothing and publishes nothing; the others stand, or, of an atomic batch, none of them.
The idempotency key covers the whole batch.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.api import own_writes, reaching
from shared.api.caller import permit
from shared.api.handlers import Handler
from shared.api.operations import Call, Reply
from shared.kernel.context import current
from shared.kernel.refusals import Invalid, NotFound, Refusal, VersionRequired
from shared.schema.contract import Operation
from shared.schema.envelope import dumps
from shared.storage import auditing
from shared.storage.database import Aggregate, kind_of
from shared.storage.savepoint import savepoint
from shared.storage.violations import refusal_of
from shared.wire.dumping import dumper
from shared.wire.problems import problem


class BatchRefused(Invalid):
    """At least one operation of an atomic batch failed, so none was carried out. Details: failed."""

    code = "batch_refused"
    en = "{failed} of the operations failed, so none was carried out; see `errors`."
    fr = "{failed} des opérations ont échoué, aucune n'a donc été effectuée ; voyez « errors »."


class Ambiguous(Invalid):
    """The external ids of an upsert belong to different resources."""

    code = "ambiguous"
    en = "These external ids belong to more than one of them; send those of one."
    fr = "Ces identifiants externes désignent plusieurs éléments ; envoyez ceux d'un seul."


def handler(operation: Operation, handlers: dict[str, Handler]) -> Handler:
    """The handler of a batch, from those that create and change one resource."""
    resource = operation.collection
    assert resource is not None and resource.create is not None
    create = handlers[resource.create.name]
    patch = handlers[resource.patch.name] if resource.patch else None
    delete = handlers[resource.delete.name] if resource.delete else None

    def carry_out(service: object, session: Session, call: Call, request: dict[str, Any]) -> Reply:
        return _Batch(call, session, create, patch, delete).run(request["operations"], request["atomic"])

    return Handler("command", operation.name, carry_out, operation, arguments={"call": None, "request": None})


class _Batch:
    """One batch in its transaction."""

    def __init__(
        self, call: Call, session: Session, create: Handler, patch: Handler | None, delete: Handler | None
    ) -> None:
        self.call, self.session, self.create, self.patch, self.delete = call, session, create, patch, delete
        self.context = current(session)

    def run(self, items: list[dict[str, Any]], atomic: bool) -> Reply:
        """Raises BatchRefused when it is atomic and something failed."""
        outcomes = [self._attempt(number, item) for number, item in enumerate(items)]
        refused = [(number, o) for number, o in enumerate(outcomes) if isinstance(o, Refusal)]
        if atomic and refused:
            raise BatchRefused([e for n, r in refused for e in self._errors(n, r)][:100], failed=len(refused))
        told = (o if isinstance(o, str) else self._failed(n, items[n], o) for n, o in enumerate(outcomes))
        return Reply('{"results":[' + ",".join(told) + "]}")

    def _attempt(self, number: int, item: dict[str, Any]) -> str | Refusal:
        """The JSON text of a result, or why there is none. What is no refusal ends the whole batch."""
        published = len(self.context.published)
        try:
            with savepoint(self.session):
                call = self._call_of(item)
                try:
                    reply = call.effect(self.session)
                except Invalid as refusal:
                    raise _below_data(refusal) from None
                if not reply.replayed:
                    auditing.note_action(self.session, call.action, reply.id)
                return self._done(reply, self.context.published[published:])
        except Refusal as refusal:
            if own_writes.can_wait(refusal, self.context):
                raise
            return own_writes.told(refusal, self.context)
        except IntegrityError as error:
            refusal_ = refusal_of(error)
            if not isinstance(refusal_, Refusal):
                raise
            return refusal_

    # -- which operation it is ----------------------------------------------------------------------------------------

    def _call_of(self, item: dict[str, Any]) -> Call:
        """Raises Refusal: not allowed, not found, no version, input not valid."""
        if item["op"] == "delete":
            return self._deletion(item)
        if "data" not in item:
            raise Invalid.at("/data", "required")
        if item["op"] == "create":
            return self._creation(item)
        if item["op"] == "update":
            if "if_match" not in item:
                raise VersionRequired
            return self._change(item.get("id"), item["data"], item["if_match"])
        existing = self._existing(item)
        if existing is None:
            return self._creation(item)
        return self._change(existing.id, self._changeable(existing, item["data"]), item.get("if_match"))

    def _creation(self, item: dict[str, Any]) -> Call:
        data = {**item["data"], "id": str(item["id"])} if "id" in item else item["data"]
        return self._call(self.create, {"body": data}, None)

    def _deletion(self, item: dict[str, Any]) -> Call:
        assert self.delete is not None
        if "id" not in item:
            raise Invalid.at("/id", "required")
        if "if_match" not in item:
            raise VersionRequired
        return self._call(self.delete, {"id": str(item["id"])}, item["if_match"])

    def _change(self, id_: UUID | None, data: dict[str, Any], if_match: int | str | None) -> Call:
        assert self.patch is not None
        if id_ is None:
            raise Invalid.at("/id", "required")
        return self._call(self.patch, {"id": str(id_), "body": data}, if_match)

    def _call(self, chosen: Handler, kwargs: dict[str, Any], if_match: int | str | None) -> Call:
        operation = chosen.operation
        assert operation is not None
        permit(operation, self.context)
        reaching.check_operation(chosen, operation, self.context)
        context = replace(self.context, if_match=if_match, idempotency_key=None)
        try:
            return Call(self.call.service, chosen, operation, kwargs, context)
        except Invalid as refusal:
            raise _below_data(refusal) from None

    def _existing(self, item: dict[str, Any]) -> Aggregate | None:
        """What an upsert would change: the resource with its id, or else with one of its external ids."""
        assert self.patch is not None and self.patch.aggregate_class is not None
        cls = self.patch.aggregate_class
        id_ = item.get("id") or _uuid(item["data"].get("id"))
        if id_ is not None:
            return self._within_reach(self.session.get(cls, id_))
        known = item["data"].get("external_ids")
        if not isinstance(known, dict) or not known or not hasattr(cls, "external_ids"):
            return None
        same = or_(*(cls.external_ids.contains({source: value}) for source, value in known.items()))
        found = list(self.session.scalars(select(cls).where(same).limit(2)))
        if len(found) > 1:
            raise Ambiguous([{"pointer": "/data/external_ids", "code": "ambiguous"}])
        return self._within_reach(found[0]) if found else None

    def _within_reach(self, found: Aggregate | None) -> Aggregate | None:
        """Raises NotFound for what the caller may not know of: it must not be made a second time either."""
        if found is not None and not self.call.reaches(found):
            raise NotFound(what=kind_of(type(found)), id=found.id)
        return found

    def _changeable(self, existing: Aggregate, data: dict[str, Any]) -> dict[str, Any]:
        """The data without what only a creation may say, which must be as it is. Raises Invalid."""
        resource = self.call.operation.collection
        assert resource is not None and resource.patch is not None and resource.patch.request is not None
        assert resource.create is not None and resource.create.request is not None and resource.get is not None
        fixed = set(resource.create.request().fields) - set(resource.patch.request().fields) - {"id"}
        named = {name for name in data if name in fixed}
        if named and resource.get.response is not None:
            shown = dumper(resource.get.response)(existing)
            if wrong := sorted(name for name in named if data[name] != shown.get(name)):
                raise Invalid([{"pointer": f"/data/{name}", "code": "immutable"} for name in wrong])
        return {name: value for name, value in data.items() if name not in named and name != "id"}

    # -- what is answered ---------------------------------------------------------------------------------------------

    def _done(self, reply: Reply, events: list[UUID]) -> str:
        head: dict[str, Any] = {"status": reply.status, "id": reply.id, "event_ids": [str(one) for one in events]}
        if reply.status == 204:
            return dumps(head)
        told = dumps({**head, "version": int(reply.etag or 1)})
        return f'{told[:-1]},"resource":{reply.body}}}'

    def _failed(self, number: int, item: dict[str, Any], refusal: Refusal) -> str:
        wire = refusal.to_wire(self.context.language)
        if wire.get("errors"):
            wire["errors"] = self._errors(number, refusal)
        instance = f"{self.call.operation.path}#/operations/{number}"
        told = problem(wire, self.context.language, self.context.request_id, instance)
        id_ = item.get("id")
        return dumps({"status": told["status"], "id": str(id_) if id_ else None, "problem": told})

    def _errors(self, number: int, refusal: Refusal) -> list[dict[str, Any]]:
        """The errors of one operation with pointers into the body of the batch."""
        at = f"/operations/{number}"
        errors = refusal.to_wire(self.context.language).get("errors")
        if not errors:
            place = {"if_match_required": "/if_match", "stale_version": "/if_match", NotFound.code: "/id"}
            message = refusal.text(self.context.language)
            return [{"pointer": at + place.get(refusal.code, ""), "code": refusal.code, "message": message}]
        return [{**e, "pointer": at + e["pointer"]} for e in errors]


def _below_data(refusal: Invalid) -> Invalid:
    """The same refusal of a body that stands under `data`."""
    refusal.errors = [{**e, "pointer": "/data" + e["pointer"]} for e in refusal.errors]
    return refusal


def _uuid(raw: Any) -> UUID | None:
    try:
        return UUID(raw) if isinstance(raw, str) else None
    except ValueError:
        return None

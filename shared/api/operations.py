"""Carrying out one operation: arguments, idempotency, versions, the transaction, the reply."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

import marshmallow as ma
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from shared.api import existence, gone, reaching, rights
from shared.api.caller import permit
from shared.api.handlers import Handler
from shared.api.listing import Page, parse
from shared.api.querying import asks_for_verbs, chosen, query_of, tell_verbs
from shared.kernel.context import Context, current
from shared.kernel.refusals import (
    BadRequest,
    IdConflict,
    IdempotencyMismatch,
    IdempotencyRunning,
    Invalid,
    NotFound,
    StaleVersion,
    TookTooLong,
    Unavailable,
    VersionRequired,
)
from shared.schema.contract import Operation
from shared.schema.envelope import dumps
from shared.schema.rules import obey
from shared.storage import auditing, custom, outbox, transaction
from shared.storage.database import Aggregate, kind_of, new_session
from shared.storage.violations import refusal_of
from shared.wire import merging
from shared.wire.concealing import secrets_of, without_secrets
from shared.wire.dumping import dumper
from shared.wire.explaining import explained
from shared.wire.fields import Schema


@dataclass(slots=True)
class Reply:
    """What goes back: JSON text of the result, and what the gateway turns into status and headers."""

    body: str
    status: int = 200
    etag: str = ""
    id: str = ""
    event_ids: list[str] = field(default_factory=list)
    replayed: bool = False


def execute(service: object, engine: Engine, handler: Handler, kwargs: dict[str, Any], context: Context) -> Reply:
    """Carry out an operation for a caller. Raises Refusal; every other exception is a defect or an outage."""
    assert handler.operation is not None
    permit(handler.operation, context)
    reaching.check_operation(handler, handler.operation, context)
    call = Call(service, handler, handler.operation, kwargs, context)
    try:
        return call.query(engine) if handler.kind == "query" else call.command(engine)
    except IntegrityError as error:
        raise refusal_of(error) from error
    except (DBAPIError, transaction.OutcomeUnknown) as error:
        if isinstance(error, transaction.OutcomeUnknown) or transaction.may_pass(error, 1):
            raise Unavailable from error
        if transaction.cut_short(error):
            raise TookTooLong from error
        raise


@dataclass(frozen=True, slots=True)
class _Key:
    """What a repetition is recognised by, and for whom."""

    actor: str
    key: str
    permanent: bool


class Call:
    """One call of one operation, with its input checked once, whatever the number of attempts."""

    def __init__(
        self, service: object, handler: Handler, operation: Operation, kwargs: dict[str, Any], context: Context
    ) -> None:
        self.service, self.handler, self.operation, self.context = service, handler, operation, context
        self.raw_body = kwargs.get("body")
        self.path = {name: kwargs.get(name) for name in operation.path_parameters}
        self.asked = query_of(kwargs)
        self.shown = chosen(operation, self.asked)
        self.arguments = self._load(kwargs)

    def _load(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The handler's arguments that come from the request. Raises Invalid or BadRequest."""
        known = {*self.path, "body", "query"}
        if unknown := set(kwargs) - known:
            raise BadRequest([{"pointer": f"/{name}", "code": "unknown_parameter"} for name in sorted(unknown)])
        loaded: dict[str, Any] = {}
        for name in self.handler.arguments:
            if name == "request":
                loaded[name] = self._body()
                reaching.check_request(self.handler, self.operation, loaded[name], self.context)
            elif name == "listing":
                assert self.operation.listing is not None
                loaded[name] = parse(self.operation.listing, self.asked, self._customs())
                loaded[name].permission = self.operation.permission
            elif name == "parameters":
                loaded[name] = _load_parameters(self.operation.parameters, self.asked)
            elif name in self.path and name != "id":
                loaded[name] = str(self.path[name])
        return loaded

    def _body(self) -> dict[str, Any]:
        """The checked body; of a merge patch what can be said before the resource is known."""
        schema = self.operation.request
        if self.operation.method != "PATCH" or schema is None:
            return load(schema, self.raw_body)
        try:
            return load(schema, merging.explicit(_instance(schema), self.raw_body), partial=True)
        except Invalid as refusal:
            refusal.errors = [merging.as_removal(error) for error in refusal.errors]
            raise

    def _patch(self, session: Session, changed: Aggregate, arguments: dict[str, Any]) -> Any:
        """Call the handler with the objects of the patch merged. What changes nothing publishes nothing."""
        version, published = changed.version, len(self.context.published)
        schema, response = self.operation.request, self.operation.response
        if schema and response and self.raw_body:
            now = dumper(response)(changed)
            whole = merging.whole(_instance(schema), self.raw_body, now)
            arguments = {**arguments, "request": arguments["request"] | whole}
        result = obey(self.operation, self.handler.function(self.service, session, **self._checked(session, arguments)))
        session.flush()
        if changed.version == version:
            outbox.withdraw(session, changed.id, published)
        return result

    def _customs(self) -> str:
        """The resource whose custom fields a list may be filtered by."""
        return custom.resource_of(self.operation) if custom.declares(self.operation.response) else ""

    def query(self, engine: Engine) -> Reply:
        """Answer from one consistent snapshot, and write nothing."""
        with new_session(engine) as session:
            session.info["context"] = self.context
            session.connection(execution_options=_SNAPSHOT)
            result = self._call(session, lock=False)
            if asks_for_verbs(self.operation, self.asked):
                tell_verbs(self.service, session, result, self.context)
                return self._reply(result)  # the caller may have other rights now, although it has not changed
            etag = _etag(result)
            known = (self.context.if_none_match or "").split(",")
            if etag and (etag in known or known == ["*"]):
                return Reply("null", status=304, etag=etag)
            return self._reply(result)

    def command(self, engine: Engine) -> Reply:
        """Carry it out at most once: the remembered reply is written in the same transaction as the effect."""
        if self.operation.needs_version and self.context.if_match is None:
            raise VersionRequired
        keys = self._keys()

        def work(session: Session) -> Reply:
            auditing.begin(session)
            done = self.effect(session, keys)
            if done.replayed:
                auditing.forget(session)
            return done

        reply = transaction.run(engine, self.context, work, action=self.action, repeatable=bool(keys))
        if not reply.replayed:
            reply.event_ids = self._told()
        return reply

    def effect(self, session: Session, keys: "list[_Key] | None" = None) -> Reply:
        """Do it within a transaction that somebody else commits, or give the remembered reply."""
        keys = self._keys() if keys is None else keys
        for key in keys:
            remembered = self._remembered(session, key)
            if remembered:
                return remembered
        result = self._call(session, lock=True)
        session.flush()
        reply = self._reply(result)
        session.info.setdefault("remember", []).extend(self._to_remember(key, reply) for key in keys)
        return reply

    def _told(self) -> list[str]:
        """The ids of the events that the answer names: those of a single command all, of many the last ones."""
        return [str(event_id) for event_id in self.context.published[-_MOST_TOLD:]]

    def _call(self, session: Session, lock: bool) -> Any:
        arguments = dict(self.arguments)
        for name, hint in self.handler.arguments.items():
            if name not in arguments:
                arguments[name] = self if name == "call" else self.aggregate(session, hint, lock)
        return rights.guarded(session, arguments, self._carry_out) if lock else self._carry_out(session, arguments)

    def _carry_out(self, session: Session, arguments: dict[str, Any]) -> Any:
        changed = next((a for a in arguments.values() if isinstance(a, Aggregate)), None)
        current(session).record_company = getattr(changed, "company_id", None)
        if self.operation.method == "PATCH" and changed is not None:
            return self._patch(session, changed, arguments)
        return obey(self.operation, self.handler.function(self.service, session, **self._checked(session, arguments)))

    def _checked(self, session: Session, arguments: dict[str, Any]) -> dict[str, Any]:
        """The handler's arguments with checked references and custom fields. Raises Invalid."""
        if "request" in arguments:
            existence.check(session, self.operation, arguments["request"])
        declared = custom.declares(self.operation.request)
        return custom.checked(session, self.operation, arguments) if declared else arguments

    def aggregate(self, session: Session, cls: type[Aggregate], lock: bool) -> Aggregate:
        found = session.get(cls, _uuid(self.path.get("id"), cls), with_for_update={"of": cls} if lock else None)
        if found is None or not self.reaches(found):
            raise NotFound(what=kind_of(cls), id=self.path.get("id"))
        if lock and not _expected(self.context.if_match, found.version):
            raise StaleVersion(version=found.version)
        return found

    def reaches(self, record: Aggregate) -> bool:
        """Whether the caller may know of a record."""
        return reaching.within(record, self.context, self.operation.permission)

    def _reply(self, result: Any) -> Reply:
        operation = self.operation
        if isinstance(result, Reply):
            return result
        if operation.response is None:
            return Reply("null", status=204, id=str(self.path.get("id") or ""))
        dump = dumper(operation.response, self.shown)
        if isinstance(result, Page):
            body: dict[str, Any] = {"data": [dump(row) for row in result.rows], "next_cursor": result.next_cursor}
            if result.total is not None:
                body["total"] = result.total
            return Reply(dumps(body))
        made = result.get("id") if isinstance(result, dict) else getattr(result, "id", None)
        return Reply(dumps(dump(result)), status=operation.status, etag=_etag(result), id=str(made or ""))

    # -- idempotency -------------------------------------------------------------------------------------------------

    def _keys(self) -> list[_Key]:
        """What recognises a repetition: the caller's idempotency key, and a client-chosen id, which never expires."""
        found = []
        if self.context.idempotency_key:
            found.append(_Key(self.context.actor, self.context.idempotency_key, permanent=False))
        chosen = self.raw_body.get("id") if isinstance(self.raw_body, dict) and self.handler.creates else None
        if chosen is not None and self.operation.method == "POST":
            found.append(_Key("*", str(chosen).lower(), permanent=True))
        return found

    @property
    def action(self) -> str:
        """What the audit calls it: `<service>.<operation>`."""
        return f"{self.operation.service}.{self.operation.name}"

    def _fingerprint(self) -> bytes:
        """What makes two requests the same: path and body, whatever the order of members. Secrets do not count."""
        body = without_secrets(self.operation.request, self.raw_body)
        if self.operation.derived == "batch":
            body = self._batch_without_secrets(body)
        same = json.dumps([self.path, body], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(same.encode()).digest()

    def _batch_without_secrets(self, body: dict[str, Any]) -> dict[str, Any]:
        resource = self.operation.collection
        assert resource is not None and resource.create is not None
        schema = resource.create.request
        return body | {
            "operations": [
                o | {"data": without_secrets(schema, o["data"])} if "data" in o else o for o in body["operations"]
            ]
        }

    def _remembered(self, session: Session, key: _Key) -> Reply | None:
        """The reply of an earlier run with this key. Raises when it still runs or was for another request."""
        values = {"actor": key.actor, "operation": self.action, "key": key.key}
        row = session.execute(_LOOK_UP, {"lock": _lock(*values.values()), **values}).one()
        if not row.alone:
            raise IdempotencyRunning
        if row.status is None:
            if key.permanent:
                self._check_unused(session, UUID(key.key))
            return None
        if bytes(row.request_sha256) != self._fingerprint():
            raise IdConflict(id=key.key) if key.permanent else IdempotencyMismatch
        if key.permanent:
            return self._existing(session, row.aggregate_id)
        changed, permission = self.handler.aggregate_class, self.operation.permission
        told_of = self.path.get("id") if changed else row.headers["id"]
        gone.check_reach(session, changed or self.handler.creates, told_of, permission)
        return Reply(row.body, row.status, **row.headers, replayed=True)

    def _check_unused(self, session: Session, chosen: UUID) -> None:
        """The server makes ids as well, and those have no key. Raises IdConflict."""
        assert self.handler.creates is not None
        if gone.used(session, self.handler.creates, [chosen]):
            raise IdConflict(id=chosen)

    def _existing(self, session: Session, aggregate_id: UUID) -> Reply:
        """What a repeated creation with a client-chosen id finds: the resource as it is now."""
        assert self.handler.creates is not None
        existing = session.get(self.handler.creates, aggregate_id)
        if existing is None or not self.reaches(existing):
            raise IdConflict(id=aggregate_id)
        reply = self._reply(existing)
        reply.status, reply.replayed = 200, True
        return reply

    def _repeatable(self, body: str) -> str:
        """The reply as it may be given again."""
        response = self.operation.response
        if response is None or not secrets_of(response):
            return body
        return dumps(without_secrets(response, json.loads(body)))

    def _to_remember(self, key: _Key, reply: Reply) -> list[Any]:
        headers = {"etag": reply.etag, "id": reply.id, "event_ids": self._told()}
        body, aggregate = "" if key.permanent else self._repeatable(reply.body), reply.id or None
        kept = [reply.status, body, dumps(headers), aggregate, key.permanent]
        return [key.actor, self.action, key.key, self._fingerprint(), *kept]


def _etag(result: Any) -> str:
    version = result.get("version") if isinstance(result, dict) else getattr(result, "version", None)
    return str(version or "")


def _expected(wanted: int | str | None, version: int) -> bool:
    """Whether a change may be made to this version (RFC 9110, 13.1.1)."""
    return wanted in (None, "*", version) or str(version) in str(wanted).split(",")


def _lock(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:8], "big", signed=True)


_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

_LOOK_UP = text(
    "SELECT l.alone, i.request_sha256, i.status, i.body, i.headers, i.aggregate_id"
    " FROM (SELECT pg_try_advisory_xact_lock(:lock) AS alone) AS l"
    " LEFT JOIN idempotency i ON i.actor = :actor AND i.operation = :operation AND i.key = :key"
)


def _uuid(raw: Any, cls: type) -> UUID:
    try:
        return UUID(str(raw))
    except ValueError:
        raise NotFound(what=kind_of(cls), id=raw) from None


_MOST_TOLD = 10
"""Event ids in one answer: as many as `wait_for` takes."""


def load(schema: type[Schema] | None, body: Any, partial: bool = False) -> dict[str, Any]:
    """Validate a request body. Raises Invalid with a JSON pointer and a code for each error."""
    if schema is None:
        return {}
    try:
        loaded: dict[str, Any] = _instance(schema).load({} if body is None else body, partial=partial)
        return loaded
    except ma.ValidationError as error:
        raise Invalid(*explained(_instance(schema), error)) from None


def _load_parameters(schema: type[Schema] | None, query: dict[str, Any]) -> dict[str, Any]:
    try:
        return load(schema, query)
    except Invalid as refusal:
        errors = [{**e, "pointer": "?" + e["pointer"].lstrip("/")} for e in refusal.errors]
        errors = [{**e, "code": "unknown_parameter"} if e["code"] == "unknown_field" else e for e in errors]
        raise BadRequest(errors, refusal.known) from None


@cache
def _instance(schema: type[Schema]) -> Schema:
    return schema()

"""The toy service. `python -m shared.ops.serve toy` with this folder's parent on the path."""

import os
import signal
from collections.abc import Callable
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.flows.entrypoints import ListRequest, Page, command, every, query, subscribe
from shared.kernel.context import current
from shared.kernel.ids import new_id
from shared.kernel.refusals import Conflict, NotYet
from shared.storage.copies import keep
from shared.storage.outbox import publish

from . import contract as toy
from .models import Mirror, Note, Run, Thing

SECRET = "tr-0ub4dor-and-3"


class AlreadyBroken(Conflict):
    """It is broken."""

    code = "already_broken"
    en = "{name} is broken."
    fr = "{name} est cassé."


class Toy:
    """Things, from making to breaking."""

    name = toy.NAME

    @command(toy.create_thing)
    def create_thing(self, session: Session, request: dict[str, Any]) -> Thing:
        thing = Thing(id=request.get("id") or new_id(), broken=False, **{k: v for k, v in request.items() if k != "id"})
        session.add(thing)
        session.flush()
        publish(session, toy.ThingMade(thing_id=thing.id, name=thing.name, amount=thing.amount))
        return thing

    @query(toy.get_thing)
    def get_thing(self, session: Session, thing: Thing) -> Thing:
        return thing

    @query(toy.list_things)
    def list_things(self, session: Session, listing: ListRequest) -> Page:
        return listing.page(session, select(Thing))

    @command(toy.patch_thing)
    def patch_thing(self, session: Session, thing: Thing, request: dict[str, Any]) -> Thing:
        for name, value in request.items():
            setattr(thing, name, value)
        if "name" in request:
            publish(session, toy.ThingRenamed(thing_id=thing.id, name=thing.name))
        return thing

    @command(toy.delete_thing)
    def delete_thing(self, session: Session, thing: Thing) -> None:
        session.delete(thing)

    @command(toy.break_thing)
    def break_thing(self, session: Session, thing: Thing) -> Thing:
        if thing.broken:
            raise AlreadyBroken(name=thing.name)
        thing.broken = True
        publish(session, toy.ThingBroken(thing_id=thing.id))
        return thing

    @query(toy.nap)
    def nap(self, session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
        session.execute(text("SELECT pg_sleep(:seconds)"), parameters)
        return {"slept": True}

    @command(toy.fail)
    def fail(self, session: Session) -> dict[str, Any]:
        raise RuntimeError(SECRET)

    @subscribe(toy.ThingMade, locks="thing_id")
    def note_made(self, session: Session, event: toy.ThingMade) -> None:
        """Note it, unless its name asks for trouble."""
        trouble = _TROUBLES.get(event.name.split(" ")[0])
        if trouble:
            trouble(session, event)
        session.add(Note(thing_id=event.thing_id, what=current(session).event_type))

    @subscribe(toy.ThingMade, toy.ThingRenamed, order="latest")
    def mirror_thing(self, session: Session, events: list[toy.ThingMade | toy.ThingRenamed]) -> None:
        """The table refuses a name that begins with `invisible`."""
        keep(session, Mirror, [{"thing_id": event.thing_id, "name": event.name} for event in events])

    @every(seconds=1)
    def tick(self, session: Session) -> None:
        session.add(Run())


def _early(session: Session, event: toy.ThingMade) -> None:
    if session.get(Thing, event.thing_id) is None:
        raise NotYet


def _explode(session: Session, event: toy.ThingMade) -> None:
    raise RuntimeError(SECRET + event.name)


def _crash(session: Session, event: toy.ThingMade) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _sleep(session: Session, event: toy.ThingMade) -> None:
    session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": float(event.amount)})


_TROUBLES: dict[str, Callable[[Session, toy.ThingMade], None]] = {
    "early": _early,
    "explosive": _explode,
    "deadly": _crash,
    "slow": _sleep,
}

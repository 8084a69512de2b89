"""Whether somebody holds all that a credential or an object reaches: permissions with their reach, owners, companies.

Asked before anything of rights is handed out, changed or taken away, and before somebody is shown what was made with
rights. One pure function; `reached_by` says for which classes the machinery asks it around every command.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from shared import contracts
from shared.kernel.context import Context, current
from shared.kernel.permissions import ALL, OWN, REACHES, reach
from shared.kernel.refusals import Forbidden

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Rights:
    """What may be done with something. `companies` is None for all. `own` and `team` are the owners whose records are
    within reach of `@own` and, together, of `@team`; both are empty where there is nobody yet who could own something."""

    permissions: tuple[str, ...]
    companies: frozenset[UUID] | None
    own: frozenset[UUID] = frozenset()
    team: frozenset[UUID] = frozenset()

    def owners(self, reached: str) -> frozenset[UUID]:
        return self.own if reached == OWN else self.own | self.team


@dataclass(frozen=True, slots=True)
class Lack:
    """What is missing to hold something: known permissions, and whether companies are."""

    permissions: tuple[str, ...]
    companies: bool

    def __bool__(self) -> bool:
        return bool(self.permissions or self.companies)


def lacking(held: Rights, wanted: Rights, known: tuple[str, ...]) -> Lack:
    """What of the wanted rights is not held, or not as far, or not for the same owners and companies."""
    missing = tuple(permission for permission in known if not _covers(held, wanted, permission))
    return Lack(missing, not within(held.companies, wanted.companies))


def within(held: frozenset[UUID] | None, wanted: frozenset[UUID] | None) -> bool:
    """Whether these companies hold those."""
    return held is None or (wanted is not None and wanted <= held)


def _covers(held: Rights, wanted: Rights, permission: str) -> bool:
    far, near = reach(wanted.permissions, permission), reach(held.permissions, permission)
    if far is None or near == ALL:
        return True
    if near is None or REACHES.index(far) > REACHES.index(near):
        return False
    return wanted.owners(far) <= held.owners(near)


def rights_of(context: Context) -> Rights:
    """What a caller holds."""
    companies = None if context.companies is None else frozenset(context.companies)
    own = frozenset(filter(None, (context.person,)))
    return Rights(context.permissions, companies, own, frozenset(context.team))


# -- in the machinery -------------------------------------------------------------------------------------------------


class MoreThanOwn(Forbidden):
    """One cannot give, change or take what one does not hold. Details: permissions, at most twenty of them."""

    code = "more_than_own"
    en = "This goes with permissions that you do not hold yourself, or not as far: {permissions}."
    fr = "Cela touche à des permissions que vous n'avez pas vous-même, ou pas aussi loin : {permissions}."


class MoreCompaniesThanOwn(Forbidden):
    """One cannot give, change or take what reaches companies that are closed to oneself."""

    code = "more_companies_than_own"
    en = "This reaches companies that are not open to you."
    fr = "Cela touche à des sociétés qui ne vous sont pas ouvertes."


_reached: dict[type, Callable[[Session, Any], Rights]] = {}
_now: list[Callable[[Session, Context], Rights | None]] = []


def reached_by(cls: type) -> Callable[[_Function], _Function]:
    """Declare what an object of this class reaches: `function(session, object) -> Rights`."""

    def declare(function: _Function) -> _Function:
        _reached[cls] = function
        return function

    return declare


def known_now(function: Callable[[Session, Context], Rights | None]) -> Callable[[Session, Context], Rights | None]:
    """Declare how the service that keeps rights reads those of a caller: `function(session, context)`, None for nobody.

    What the edge vouches for may be seconds old, and a user who lost rights could give them back to themselves meanwhile.
    """
    _now.append(function)
    return function


def is_guarded(cls: type | None) -> bool:
    """Whether commands on this class ask what its objects reach."""
    return cls in _reached


def guarded(session: Session, arguments: dict[str, Any], work: Callable[[Session, dict[str, Any]], Any]) -> Any:
    """What a command returns: before it and after it the caller holds all that its objects reach."""
    check_objects(session, arguments.values())
    result = work(session, arguments)
    check_objects(session, (result, *arguments.values()))
    return result


def check_objects(session: Session, objects: Iterable[object]) -> None:
    """Raise MoreThanOwn or MoreCompaniesThanOwn when the caller holds less than one of these objects reaches."""
    guarded = {id(one): one for one in objects if type(one) in _reached}
    if not guarded or all(map(is_everything, held(session))):
        return
    session.flush()  # what they reach is read from the database
    for one in guarded.values():
        if inspect(one).persistent:
            check_wanted(session, _reached[type(one)](session, one))


def check_wanted(session: Session, wanted: Rights) -> None:
    """Raise MoreThanOwn or MoreCompaniesThanOwn when the caller holds less than this."""
    for rights in held(session):
        lack = Lack((), False) if is_everything(rights) else lacking(rights, wanted, contracts.permissions())
        if lack.permissions:
            raise MoreThanOwn(permissions=list(lack.permissions[:20]))
        if lack.companies:
            raise MoreCompaniesThanOwn


def held(session: Session) -> list[Rights]:
    """What the caller held when this transaction first asked: by the word of the edge, and by what is kept here."""
    if "held" not in session.info:
        context = current(session)
        kept = (read(session, context) for read in _now)
        session.info["held"] = [rights_of(context), *(rights for rights in kept if rights is not None)]
    found: list[Rights] = session.info["held"]
    return found


def is_everything(rights: Rights) -> bool:
    return rights.companies is None and "*" in rights.permissions

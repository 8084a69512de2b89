"""How a service says no. A refusal crosses RPC as family, stable code and details; the gateway has the one status map.

A service's `errors.py` declares one class per refusal:

    class OrderNotEditable(Conflict):
        code = "order_not_editable"
        en = "Order {number} is {state} and can no longer be changed."
        fr = "La commande {number} est à l'état {state} et ne peut plus être modifiée."

and raises `OrderNotEditable(number=…, state=…)`. The keyword arguments fill the texts and travel as details.
"""

from typing import Any, ClassVar

from shared.kernel.error_messages import named, sentence, spoken


class Refusal(Exception):
    """The base of all refusals; raise one of the families below or a subclass of them."""

    family: ClassVar[str] = "conflict"
    code: ClassVar[str] = "refused"
    en: ClassVar[str] = "The request was refused."
    fr: ClassVar[str] = "La demande a été refusée."

    def __init__(self, **details: Any) -> None:
        self.details = details
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """The sentence for a person, in "fr" or else in English."""
        details = {name: spoken(value) for name, value in self.details.items()}
        details |= {name: named(details[name], language) for name in ("what", "reason") if name in details}
        return (self.fr if language == "fr" else self.en).format_map(_Blank(details))

    def to_wire(self, language: str) -> dict[str, Any]:
        """The form in which a refusal crosses RPC; values of details become strings."""
        details = {
            k: v if isinstance(v, (int, bool, list, dict, type(None))) else str(v) for k, v in self.details.items()
        }
        return {"family": self.family, "code": self.code, "detail": self.text(language), "details": details}


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "?"


class NotFound(Refusal):
    """It does not exist, or the caller may not know that it does."""

    family = "not_found"
    code = "not_found"
    en = "There is no {what} with the id {id}, or you may not see it."
    fr = "Aucun objet « {what} » que vous puissiez voir ne porte l'identifiant {id}."


class Conflict(Refusal):
    """The state of the thing does not allow it."""

    family = "conflict"
    code = "conflict"
    en = "Its present state does not allow this; read it again and decide anew."
    fr = "Son état actuel ne le permet pas ; relisez-le avant de décider."


class InvalidTransition(Conflict):
    """The document is in a state from which this verb does not lead on. Details: state, allowed."""

    code = "invalid_transition"
    en = "This is not possible in the state “{state}”; possible now: {allowed}."
    fr = "Opération impossible à l'état « {state} » ; possibles maintenant : {allowed}."

    def __init__(self, *, state: str, allowed: list[str], **details: Any) -> None:
        super().__init__(state=state, allowed=allowed, **details)


class StaleVersion(Refusal):
    """If-Match names another version than the stored one. Details: version."""

    family = "stale"
    code = "stale_version"
    en = 'It has been changed in the meantime; read it again, and change it with If-Match: "{version}".'
    fr = 'L\'objet a été modifié entre-temps ; relisez-le et modifiez-le avec If-Match : "{version}".'


class VersionRequired(Refusal):
    """PATCH and DELETE must say which version they change."""

    family = "precondition_required"
    code = "if_match_required"
    en = "Send the version you change in the header If-Match."
    fr = "Indiquez la version modifiée dans l'en-tête If-Match."


class Invalid(Refusal):
    """The input breaks a rule. `errors` is a list of {pointer, code} with JSON pointers into the body.

    `known` tells beside each of them what would have been right (`shared/wire/explaining.py`).
    """

    family = "invalid"
    code = "invalid"
    en = "The request is not valid; see `errors`."
    fr = "La demande n'est pas valide ; voyez « errors »."

    def __init__(
        self, errors: list[dict[str, Any]] | None = None, known: list[dict[str, Any]] | None = None, **details: Any
    ) -> None:
        self.errors, self.known = errors or [], known or []
        super().__init__(**details)

    @classmethod
    def at(cls, pointer: str, code: str, **details: Any) -> "Invalid":
        """A refusal about one member of the body, e.g. at("/lines/0/quantity", "not_positive")."""
        return cls([{"pointer": pointer, "code": code, **details}])

    def explained(self) -> list[dict[str, Any]]:
        """The errors, each with what would have been right."""
        known = [*self.known, *({} for _ in self.errors[len(self.known) :])]
        return [{**error, **more} for error, more in zip(self.errors, known, strict=True)]

    def to_wire(self, language: str) -> dict[str, Any]:
        told = [(e, {**self.details, **e}) for e in self.explained()]
        errors = [{**e, "message": e.get("message") or sentence(e["code"], language, all_)} for e, all_ in told]
        return {**super().to_wire(language), "errors": errors}


class BadRequest(Invalid):
    """The syntax is wrong (unknown filter, invalid cursor, missing idempotency key): 400 rather than 422."""

    family = "bad_request"
    code = "bad_request"


class Unauthenticated(Refusal):
    """Nobody vouches for the caller; the answer is the same whatever was wrong with what came."""

    family = "unauthenticated"
    code = "unauthenticated"
    en = "Sign in: a valid access token is needed."
    fr = "Connectez-vous : un jeton d'accès valide est nécessaire."


class Forbidden(Refusal):
    """The caller may know of it, but may not do this."""

    family = "forbidden"
    code = "forbidden"
    en = "You are not allowed to do this; ask an administrator."
    fr = "Vous n'avez pas le droit de faire cela ; adressez-vous à un administrateur."


class NotYet(Refusal):
    """An event came before what it depends on: kept and tried again soon."""

    family = "not_yet"
    code = "not_yet"
    en = "The events that this waits for have not arrived here yet; nothing was changed. Send it again in a second."
    fr = (
        "Les événements attendus ne sont pas encore arrivés ici ; rien n'a été modifié. Renvoyez la demande dans une"
        " seconde."
    )


class Unavailable(Refusal):
    """Something this needs is down for now."""

    family = "unavailable"
    code = "unavailable"
    en = "The service is not available at the moment; try again shortly."
    fr = "Le service n'est pas disponible pour le moment ; réessayez sous peu."


class TookTooLong(Refusal):
    """The database ended a statement that ran for too long; nothing of the request was done."""

    family = "deadline"
    code = "took_too_long"
    en = "This takes too long and was ended; nothing was changed. Ask for less at once, or try again later."
    fr = (
        "Opération trop longue, interrompue ; rien n'a été modifié. Demandez-en moins à la fois ou réessayez plus tard."
    )


class IdempotencyMismatch(Invalid):
    """The same idempotency key came with another request."""

    code = "idempotency_mismatch"
    en = "This idempotency key was used for another request; use a new one."
    fr = "Cette clé d'idempotence a servi à une autre demande ; prenez-en une nouvelle."


class IdempotencyRunning(Conflict):
    """A request with the same idempotency key is being carried out right now."""

    code = "idempotency_running"
    en = "A request with this idempotency key is still running; send it again in a second."
    fr = "Une demande avec cette clé d'idempotence est encore en cours ; renvoyez-la dans une seconde."


class IdConflict(Conflict):
    """The id chosen by the client belongs to something with other content."""

    code = "id_conflict"
    en = "The id {id} is already used for something else; choose another one."
    fr = "L'identifiant {id} est déjà utilisé pour autre chose ; choisissez-en un autre."


class InUse(Conflict):
    """Other records depend on it."""

    code = "in_use"
    en = "It is used elsewhere; remove what refers to it first."
    fr = "Il est utilisé ailleurs ; supprimez d'abord ce qui s'y réfère."

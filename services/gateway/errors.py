"""What the gateway itself refuses. The families new here are statuses that no service needs."""

from shared.kernel.refusals import BadRequest, Conflict, Forbidden, NotFound, Refusal, Unauthenticated, Unavailable


class RouteNotFound(NotFound):
    """No operation has this path, or what the path names cannot exist."""

    en = "There is nothing at this address."
    fr = "Il n'y a rien à cette adresse."


class MethodNotAllowed(Refusal):
    """The path exists with other methods. Details: allowed."""

    family = "method_not_allowed"
    code = "method_not_allowed"
    en = "This address answers to: {allowed}."
    fr = "Cette adresse répond à : {allowed}."


class SignInRefused(Unauthenticated):
    """Wrong password, unknown or inactive user: one answer for all, in equal time."""

    code = "sign_in_refused"
    en = "The e-mail address or the password is wrong."
    fr = "L'adresse électronique ou le mot de passe est erroné."


class RefreshRefused(Unauthenticated):
    """The refresh token is unknown, expired, revoked or was used before."""

    code = "refresh_refused"
    en = "This refresh token is not valid; sign in again."
    fr = "Ce jeton de renouvellement n'est pas valide ; reconnectez-vous."


class OidcRefused(Unauthenticated):
    """The identity provider named no user who may sign in: one answer, whatever was wrong."""

    code = "oidc_refused"
    en = "Signing in through the identity provider did not succeed; start again."
    fr = "La connexion par le fournisseur d'identité a échoué ; recommencez."


class InvitationRefused(Unauthenticated):
    """The invitation is unknown, was used or has expired."""

    code = "invitation_refused"
    en = "This invitation is not valid; ask for a new one."
    fr = "Cette invitation n'est pas valable ; demandez-en une nouvelle."


class TooManyRequests(Refusal):
    """The rate limit. Details: retry_after in seconds."""

    family = "too_many_requests"
    code = "too_many_requests"
    en = "Too many requests; try again in {retry_after} s."
    fr = "Trop de demandes ; réessayez dans {retry_after} s."


class TooManyCalls(TooManyRequests):
    """Of one user, with all of their tokens and keys. Details: most, retry_after in seconds."""

    code = "too_many_calls"
    en = "At most {most} requests of one user may be under way at once; try again in {retry_after} s."
    fr = "Au plus {most} demandes d'un utilisateur peuvent être en cours à la fois ; réessayez dans {retry_after} s."


class TooManyWaiters(TooManyRequests):
    """Of one user, with all of their tokens and keys. Details: most, retry_after in seconds."""

    code = "too_many_waiters"
    en = "At most {most} requests of one user may wait for events at once; try again in {retry_after} s."
    fr = (
        "Au plus {most} demandes d'un utilisateur peuvent attendre des événements à la fois ;"
        " réessayez dans {retry_after} s."
    )


class TooLarge(Refusal):
    """The body is larger than any operation needs. Details: limit in bytes."""

    family = "too_large"
    code = "body_too_large"
    en = "The body is larger than {limit} bytes; send less at once."
    fr = "Le corps dépasse {limit} octets ; envoyez-en moins à la fois."


class UnsupportedMediaType(Refusal):
    """A body in another form than JSON, or compressed. Details: expected."""

    family = "unsupported_media_type"
    code = "unsupported_media_type"
    en = "Send the body as {expected}, without Content-Encoding."
    fr = "Envoyez le corps au format {expected}, sans Content-Encoding."


class BodyTimeout(Refusal):
    """The body did not arrive in time."""

    family = "request_timeout"
    code = "body_timeout"
    en = "The body took too long to arrive; send it again."
    fr = "Le corps a mis trop de temps à arriver ; renvoyez-le."


class BodyRequired(BadRequest):
    code = "body_required"
    en = "A JSON body is needed; send one."
    fr = "Un corps JSON est nécessaire ; envoyez-en un."


class BodyNotExpected(BadRequest):
    code = "body_not_expected"
    en = "This operation takes no body; send none."
    fr = "Cette opération n'accepte pas de corps ; n'en envoyez pas."


class InvalidForm(BadRequest):
    """A multipart form that is broken, or ends too early."""

    code = "invalid_form"
    en = "The body is not a complete multipart form; send it again."
    fr = "Le corps n'est pas un formulaire multipart complet ; renvoyez-le."


class DuplicateHeader(BadRequest):
    """A header that may stand once came twice. Details: header."""

    code = "duplicate_header"
    en = "The header {header} came more than once; send it once."
    fr = "L'en-tête {header} est venu plusieurs fois ; envoyez-le une seule fois."


class IdempotencyKeyRequired(BadRequest):
    code = "idempotency_key_required"
    en = "Send a header Idempotency-Key, so that a repeated request has one effect."
    fr = "Envoyez un en-tête Idempotency-Key, pour qu'une demande répétée n'ait qu'un effet."


class InvalidIdempotencyKey(BadRequest):
    code = "invalid_idempotency_key"
    en = "An Idempotency-Key has 16 to 255 visible ASCII characters."
    fr = "Une Idempotency-Key comporte de 16 à 255 caractères ASCII visibles."


class InvalidIfMatch(BadRequest):
    code = "invalid_if_match"
    en = 'If-Match holds versions in double quotes, such as "3" or "3", "4", or *.'
    fr = 'If-Match contient des versions entre guillemets doubles, comme "3" ou "3", "4", ou *.'


class InvalidWaitFor(BadRequest):
    code = "invalid_wait_for"
    en = "wait_for holds up to {limit} event ids."
    fr = "wait_for contient jusqu'à {limit} identifiants d'événement."


class InvalidParameter(BadRequest):
    """A query string that is not readable, or a parameter that the operation does not have."""

    code = "unknown_parameter"
    en = "The query parameters are not valid; see `errors`."
    fr = "Les paramètres de la requête ne sont pas valides ; voyez « errors »."


class InvalidLastEventId(BadRequest):
    code = "invalid_last_event_id"
    en = "Last-Event-ID is the id that came with the last event of a stream."
    fr = "Last-Event-ID est l'identifiant reçu avec le dernier événement d'un flux."


class TooManyStreams(TooManyRequests):
    """Details: most, retry_after in seconds."""

    code = "too_many_streams"
    en = "At most {most} streams may be open at once; try again in {retry_after} s."
    fr = "Au plus {most} flux peuvent être ouverts à la fois ; réessayez dans {retry_after} s."


class UnknownEvent(BadRequest):
    """No event of this id was stored."""

    code = "unknown_event"
    en = "There is no event with the id {id}; begin without `after`."
    fr = "Aucun événement ne porte l'identifiant {id} ; recommencez sans « after »."


class EventGone(Refusal):
    """The event is older than what is kept, so what came after it may be incomplete. Details: days."""

    family = "gone"
    code = "event_gone"
    en = "Events are kept for {days} days, and this one is older. Begin without `after` and read from the oldest one."
    fr = "Les événements sont conservés {days} jours et celui-ci est plus ancien. Recommencez sans « after »."


class SubscriptionTooWide(Forbidden):
    """A subscription over AMQP receives everything that its bindings match. Details: event_types."""

    code = "subscription_too_wide"
    en = "You may not see all of this in every company: {event_types}."
    fr = "Vous ne pouvez pas voir tout ceci dans toutes les sociétés : {event_types}."


class TooManySubscriptions(Conflict):
    """Each is a queue that the broker keeps. Details: most."""

    code = "too_many_subscriptions"
    en = "There are {most} subscriptions already; delete one that nobody reads."
    fr = "Il existe déjà {most} abonnements ; supprimez-en un que personne ne lit."


class SubscriptionsNotAvailable(Conflict):
    """The service was started without LIAISON_RABBITMQ_MANAGEMENT_URL."""

    code = "subscriptions_not_available"
    en = "This installation cannot make queues: it has no access to the management of its broker."
    fr = (
        "Cette installation ne peut pas créer de files : elle n'a pas accès à l'administration du courtier de messages."
    )


class ServiceDown(Unavailable):
    """Nobody takes calls for this service at the moment. Details: retry_after in seconds."""

    code = "service_unavailable"


class Overloaded(Unavailable):
    """More calls are under way than are finished soon: refused before they pile up."""

    code = "overloaded"
    en = "Too much is going on at the moment; try again shortly."
    fr = "Trop de demandes sont en cours ; réessayez sous peu."


class OutcomeUnknown(Unavailable):
    """The connection to the broker was lost while the call was under way: it may or may not have been carried out."""

    code = "outcome_unknown"
    en = "The answer was lost on the way; send the request again with the same Idempotency-Key."
    fr = "La réponse s'est perdue ; renvoyez la demande avec la même Idempotency-Key."


class DeadlineExceeded(Refusal):
    """No answer within the time that the caller is let wait."""

    family = "deadline"
    code = "deadline_exceeded"
    en = "There was no answer in time, yet a change may have been made; send it again with the same Idempotency-Key."
    fr = "Pas de réponse à temps, bien qu'une modification ait pu avoir lieu ; renvoyez la demande avec la même Idempotency-Key."


class InternalError(Refusal):
    """A defect. The text says nothing about it; the log does, under the request id."""

    family = "internal"
    code = "internal_error"
    en = "Something went wrong here; the request id leads to the cause."
    fr = "Une erreur est survenue de notre côté ; l'identifiant de la demande mène à la cause."

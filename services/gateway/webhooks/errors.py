"""How webhooks say no."""

from shared.kernel.refusals import Conflict, Forbidden


class TooManyWebhooks(Conflict):
    """Each one costs a request per event. Details: most."""

    code = "too_many_webhooks"
    en = "A user may have {most} webhooks; delete one first."
    fr = "Un utilisateur peut avoir {most} webhooks ; supprimez-en un d'abord."


class TooManyWaiting(Conflict):
    """Tests and redeliveries asked for faster than they can be sent. Details: most."""

    code = "too_many_waiting"
    en = "{most} deliveries asked for by hand are still waiting; try again when they have been sent."
    fr = "{most} envois demandés à la main sont encore en attente ; réessayez quand ils seront partis."


class EventForgotten(Conflict):
    """The event is older than the store of events keeps."""

    code = "event_forgotten"
    en = "The event {event_id} is no longer kept and cannot be sent again."
    fr = "L'événement {event_id} n'est plus conservé et ne peut pas être renvoyé."


class OnlyUsersOwnWebhooks(Forbidden):
    """A webhook sees what its user may see, so it needs one."""

    code = "only_users_own_webhooks"
    en = "A webhook belongs to a user; sign in as one to create it."
    fr = "Un webhook appartient à un utilisateur ; connectez-vous comme tel pour le créer."

"""How the identity flows say no."""

from shared.kernel.refusals import Conflict, Forbidden, Invalid


class LastAdministrator(Conflict):
    """Nobody could create a user or change a role any more."""

    code = "last_administrator"
    en = "This is the last active administrator; make somebody else one first."
    fr = "C'est le dernier administrateur actif ; nommez-en d'abord un autre."


class PasswordOrInvitation(Invalid):
    code = "password_or_invitation"
    en = "Send either a password or an invitation token."
    fr = "Envoyez soit un mot de passe, soit un jeton d'invitation."


class RoleInUse(Conflict):
    """Users have it. Details: users."""

    code = "in_use"
    en = "{users} users have this role; give them another one first."
    fr = "{users} utilisateurs ont ce rôle ; donnez-leur d'abord un autre."


class BuiltIn(Conflict):
    """The name of a built-in role."""

    code = "immutable"
    en = "The role {name} is built in and never changes; make one of your own."
    fr = "Le rôle {name} est intégré et ne change pas ; créez le vôtre."


class NotAUser(Forbidden):
    """A program without a user has no keys."""

    code = "not_a_user"
    en = "Only a user can have keys; sign in as one."
    fr = "Seul un utilisateur peut avoir des clés ; connectez-vous comme tel."

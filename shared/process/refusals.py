"""How every process says no."""

from shared.kernel.refusals import Conflict


class NothingToResume(Conflict):
    """No step of the process waits for an answer that could be asked for again."""

    code = "nothing_to_resume"
    en = "{number} waits for no answer that could be asked for again."
    fr = "{number} n'attend aucune réponse que l'on puisse redemander."

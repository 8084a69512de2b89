"""What it means to a caller that the database did not take something."""

import re

from psycopg2 import errorcodes
from sqlalchemy.exc import IntegrityError

from shared.kernel.refusals import Conflict, InUse, Invalid
from shared.storage.closed_periods import CONSTRAINT as PERIOD_LOCKED
from shared.storage.closed_periods import PeriodLocked


class Duplicate(Conflict):
    """A unique value is already taken. Details: constraint."""

    code = "duplicate"
    en = "This already exists; change that one, or send another value."
    fr = "Cet élément existe déjà ; modifiez-le ou envoyez une autre valeur."


def refusal_of(error: IntegrityError) -> Exception:
    """The refusal that a violated constraint means, or the error itself where it is a defect."""
    diagnostics = getattr(error.orig, "diag", None)
    if getattr(error.orig, "pgcode", "") == errorcodes.UNIQUE_VIOLATION and diagnostics:
        return Duplicate(constraint=diagnostics.constraint_name)
    if diagnostics and diagnostics.constraint_name == PERIOD_LOCKED:
        return PeriodLocked(period=diagnostics.message_detail)
    if getattr(error.orig, "pgcode", "") == errorcodes.FOREIGN_KEY_VIOLATION and diagnostics:
        missing = _MISSING.match(diagnostics.message_detail or "")
        return Invalid.at(f"/{missing[1]}", "not_found") if missing else InUse(constraint=diagnostics.constraint_name)
    return error


_MISSING = re.compile(r"Key \((\w+).*\) is not present in table")
"""What PostgreSQL says of a row that refers to nothing; of one that others refer to it says "is still referenced"."""

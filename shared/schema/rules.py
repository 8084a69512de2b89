"""Rules over several fields, held to wherever a record is created or changed."""

from typing import Any

from shared.kernel.refusals import Invalid
from shared.schema.contract import Operation


def obey(operation: Operation, record: Any) -> Any:
    """The record that an operation results in, held to the rules of its declaration. Raises Invalid with all errors."""
    errors: list[dict[str, Any]] = []
    for rule in operation.rules:
        try:
            rule(record)
        except Invalid as refusal:
            errors += refusal.explained()
    if errors:
        raise Invalid(errors)
    return record

"""States of a resource, and the verbs that lead from one to another."""

from collections.abc import Mapping

from shared.schema.contract import Operation
from shared.schema.fields import Choice
from shared.schema.group import Group, schema_of
from shared.wire.fields import Schema

NEUTRAL = "neutral"
TONES = (NEUTRAL, "info", "success", "warning", "danger")
"""How clients show a state."""


class State(Choice):
    """The states of a record in their order, each with its name: `State(open="Open", done="Done", start="open")`.

    Nobody sends it; verbs change it. `tones` says how clients show a state, neutral where it says nothing.
    """

    def __init__(self, *, start: str, tones: Mapping[str, str] | None = None, help: str = "", **names: str) -> None:
        super().__init__(names, help, computed=True, filter=True)
        self.start, self.tones = start, dict(tones or {})
        self.options["default"] = start
        if start not in names:
            raise TypeError(f"a state starts as {start!r}, which is none of {', '.join(names)}")
        if wrong := [s for s, tone in self.tones.items() if s not in names or tone not in TONES]:
            raise TypeError(f"the tone of {wrong[0]!r} is of no state, or none of {', '.join(TONES)}")


class Verb(Operation):
    """Something that is done to a record: `POST …/{id}/<verb>`.

    `of` are the states that it starts from (any, where it names none) and `to` the state that it leads to. Without a
    handler the model's method of the same name carries it out, given the members of the request, and what it returns is
    published; without a method the state becomes `to`. The model asks `self.allow("<verb>")`.

    `writes` says that it answers as a creation does, with what is shown `on_write`, such as a new secret.

    `refuses` are codes of refusals that it may end in and that its source does not show to the catalogue of errors
    (tests/contracts/raising.py). The summary may say more behind a colon; what stands before it is the name of the button.
    """

    def __init__(
        self,
        summary: str,
        *,
        of: tuple[str, ...] = (),
        to: str = "",
        request: type[Group] | type[Schema] | None = None,
        response: type[Schema] | None = None,
        permission: str = "",
        idempotency: str = "accepted",
        status: int = 200,
        problems: tuple[int, ...] = (),
        all_companies: bool = False,
        writes: bool = False,
        refuses: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            "POST /",
            summary,
            permission,
            request=schema_of(request),
            response=response,
            idempotency=idempotency,
            status=status,
            problems=problems,
            all_companies=all_companies,
        )
        self.writes = writes
        self.of, self.to, self.verb, self.refuses = of, to, "", refuses
        self.group = request if request is not None and issubclass(request, Group) else None

    def __set_name__(self, owner: type, name: str) -> None:
        self.verb = name

    @property
    def title(self) -> str:
        """The name of its button."""
        return self.summary.partition(":")[0]

    def belong(self, route: str, name: str, permission: str, response: type[Schema]) -> None:
        """Take from the resource what the verb itself does not say."""
        self.route, self.name = route, name
        self.permission, self.response = self.permission or permission, self.response or response

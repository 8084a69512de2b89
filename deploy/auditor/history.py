"""The workload history: what clients did and what they were answered, as a fault run or a benchmark writes it.

A file of JSON lines, one object per HTTP request that changes something (queries are not recorded):

    {"service": "crm_sales", "op": "create_order", "key": "…", "request_id": "…", "id": "…",
     "outcome": "ok", "status": 201}

- `service`, `op`: the operation as its contract names it.
- `key`: what makes attempts one operation: the idempotency key, sent with every attempt. Required.
- `request_id`: the X-Request-Id that the client chose for this attempt (a different one for each), or null.
- `id`: the id of the resource, chosen by the client, returned by the server or named in the path; null if unknown.
- `outcome`: `ok` (2xx was received), `refused` (4xx was received), `unknown` (anything else: 5xx, time-out, cut off).
- `status`: the HTTP status, or null. Other members are ignored.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

OUTCOMES = ("ok", "refused", "unknown")


@dataclass(slots=True)
class Command:
    """All attempts of one operation. `outcome` is what its client may rely on."""

    service: str
    operation: str
    key: str
    outcome: str = "refused"
    request_ids: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)

    @property
    def action(self) -> str:
        """The name under which audit rows carry it."""
        return f"{self.service}.{self.operation}"

    def attempt(self, line: dict[str, Any]) -> None:
        """Add one request. One 2xx settles that it happened; without one, any unknown outcome leaves it open."""
        ranked = ("refused", "unknown", "ok")
        self.outcome = max(self.outcome, line["outcome"], key=ranked.index)
        if line.get("request_id"):
            self.request_ids.add(str(line["request_id"]))
        if line.get("id"):
            self.ids.add(str(line["id"]).lower())


def read(lines: Iterable[str]) -> list[Command]:
    """Parse a history. Raises ValueError with the number of the line that is wrong."""
    commands: dict[tuple[str, str, str], Command] = {}
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            key = (str(line["service"]), str(line["op"]), str(line["key"]))
            if line["outcome"] not in OUTCOMES:
                raise ValueError(f"outcome {line['outcome']!r}")
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"line {number} of the history: {error!r}") from None
        commands.setdefault(key, Command(*key)).attempt(line)
    return list(commands.values())

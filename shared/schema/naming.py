"""How the operations of a resource, their routes and their schemas are called: the one place that knows."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.kernel.texts import snake_case

KINDS = ("create", "get", "list", "update", "delete")
"""What can be done with every resource, where it does not say which of these."""

KEPT = ("create", "get", "list", "update")
"""What can be done with a resource of which nothing is ever deleted."""

METHODS: Mapping[str, str] = {"create": "POST", "get": "GET", "list": "GET", "update": "PATCH", "delete": "DELETE"}
KIND_OF: Mapping[str, str] = {"PATCH": "update", "DELETE": "delete"}
"""What a method does, whatever the path."""

_PERMISSIONS: Mapping[str, str] = {
    "create": "write",
    "get": "read",
    "list": "read",
    "update": "write",
    "delete": "write",
}


def with_article(words: str) -> str:
    """`an order`, `a user`: a word in `us` or `uni` begins with the sound of a consonant."""
    vowel = words[0].lower() in "aeiou" and not words.lower().startswith(("us", "uni"))
    return f"{'an' if vowel else 'a'} {words}"


@dataclass(frozen=True, slots=True)
class Names:
    """Of `class JournalEntry(Resource, path="/v1/journal-entries", …)`: `journal_entry` and `journal_entries`."""

    cls: str
    path: str

    @property
    def one(self) -> str:
        return snake_case(self.cls)

    @property
    def many(self) -> str:
        return self.resource.replace("-", "_")

    @property
    def resource(self) -> str:
        """`journal-entries`, as references name it."""
        return self.path.rpartition("/")[2]

    def operation(self, kind: str) -> str:
        return f"list_{self.many}" if kind == "list" else f"{kind}_{self.one}"

    def route(self, kind: str) -> str:
        return f"{METHODS[kind]} {self.path}" + ("" if kind in ("create", "list") else "/{id}")

    def verb_route(self, verb: str) -> str:
        return f"POST {self.path}/{{id}}/{verb.replace('_', '-')}"

    def schema(self, kind: str) -> str:
        return {
            "get": self.cls,
            "one": f"{self.cls}Detail",
            "create": f"{self.cls}Create",
            "update": f"{self.cls}Update",
            "changing": f"{self.cls}Changing",
            "written": f"{self.cls}Written",
            "import": f"{self.cls}Import",
        }[kind]

    def summary(self, kind: str) -> str:
        one, many = self.one.replace("_", " "), self.many.replace("_", " ")
        return {
            "create": f"Create {with_article(one)}",
            "get": f"One {one}",
            "list": f"{many[:1].upper()}{many[1:]} by filter",
            "update": f"Change {with_article(one)}",
            "delete": f"Delete {with_article(one)}",
        }[kind]


def operation_id(name: str, method: str, path: str) -> str:
    """`orders.place` of `POST /v1/orders/{id}/place`: the words of the path, and what is done where they do not say it."""
    steps = path.removeprefix("/v1").strip("/").split("/")
    words = [step.replace("-", "_") for step in steps if not step.startswith("{")]
    done = KIND_OF.get(method) or name.partition("_")[0]
    if steps[-1].startswith("{") or len(words) == 1 or method in KIND_OF or done in ("create", "list"):
        words.append(done if done in KINDS else "get")
    return ".".join(words)


def permission(area: str, kind: str, verbs: Mapping[str, str]) -> str:
    """`contacts.teams:write`; `verbs` says where a resource differs, e.g. {"write": "manage"}."""
    verb = _PERMISSIONS[kind]
    return f"{area}:{verbs.get(kind) or verbs.get(verb, verb)}"

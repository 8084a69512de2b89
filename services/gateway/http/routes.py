"""From method and path to the operation and the values of its path parameters: a tree of path segments."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.responses import Response

from gateway.errors import MethodNotAllowed, RouteNotFound
from gateway.http.incoming import Incoming
from shared.schema.contract import Operation

Endpoint = Callable[[Incoming], Awaitable[Response]]

_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Route:
    operation: Operation
    endpoint: Endpoint
    parameters: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    words: dict[str, "_Node"] = field(default_factory=dict)
    any_word: "_Node | None" = None
    routes: dict[str, Route] = field(default_factory=dict)


class Table:
    """All routes. A literal segment goes before a parameter: /v1/quotes/preview before /v1/quotes/{id}."""

    def __init__(self) -> None:
        self._root = _Node()

    def add(self, operation: Operation, endpoint: Endpoint) -> None:
        """Raises ValueError for a second operation with the same route, or one without a permission."""
        if not operation.permission:
            raise ValueError(f"{operation.route} has no permission")
        if {"body", "query"} & set(operation.path_parameters):
            raise ValueError(f"{operation.route}: `body` and `query` are names of the wire")
        node = self._root
        for word in operation.path[1:].split("/"):
            if word.startswith("{"):
                node.any_word = node.any_word or _Node()
                node = node.any_word
            else:
                node = node.words.setdefault(word, _Node())
        if operation.method in node.routes:
            raise ValueError(f"{operation.route} is declared twice")
        node.routes[operation.method] = Route(operation, endpoint, tuple(operation.path_parameters))

    def find(self, method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
        """Raises RouteNotFound or MethodNotAllowed."""
        words = [_decoded(word) for word in raw_path[1:].decode("ascii").split("/")]
        found = _descend(self._root, words, 0, [])
        if found is None:
            raise RouteNotFound
        node, values = found
        route = node.routes.get("GET" if method == "HEAD" else method)
        if route is None:
            raise MethodNotAllowed(allowed=_methods(node))
        named = dict(zip(route.parameters, values, strict=True))
        for name, value in named.items():
            if (name == "id" or name.endswith("_id")) and not _UUID.fullmatch(value):
                raise RouteNotFound
        return route, named


def _descend(node: _Node, words: list[str], at: int, values: list[str]) -> tuple[_Node, list[str]] | None:
    if at == len(words):
        return (node, values) if node.routes else None
    literal = node.words.get(words[at])
    found = _descend(literal, words, at + 1, values) if literal else None
    if found is None and node.any_word and words[at]:
        found = _descend(node.any_word, words, at + 1, [*values, words[at]])
    return found


def _decoded(word: str) -> str:
    if "%" not in word:
        return word
    try:
        text = unquote(word, errors="strict")
    except UnicodeDecodeError:
        raise RouteNotFound from None
    if "\x00" in text:
        raise RouteNotFound
    return text


def _methods(node: _Node) -> list[str]:
    return sorted({*node.routes, *(("HEAD",) if "GET" in node.routes else ())})

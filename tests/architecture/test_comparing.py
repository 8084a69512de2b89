"""Secrets are compared in constant time, and code looks at them in as few places as possible."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.source import files, short

_SECRET = re.compile(
    r"(^|_)(secret|secrets|password|digest|signature|checksum|hmac|mac|state|nonce|token|api_key)($|_)", re.I
)
_HARMLESS = re.compile(r"(_at|_id|_type|_hash_version|_url|_name|tokens|_file)$", re.I)
_ABOUT_IDENTITY = ("services/gateway", "shared")


def _named(node: ast.AST) -> str:
    """The name that a compared expression goes by."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Call):
        return _named(node.func)
    if isinstance(node, ast.Subscript):
        return str(node.slice.value) if isinstance(node.slice, ast.Constant) else _named(node.value)
    return ""


def _is_secret(node: ast.AST) -> bool:
    name = _named(node)
    return bool(_SECRET.search(name)) and not _HARMLESS.search(name)


def comparisons(tree: ast.AST) -> list[str]:
    """Where something that is named like a secret is compared with == or != or looked for with `in`."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        plain = any(isinstance(op, (ast.Eq, ast.NotEq)) for op in node.ops)
        constant = any(isinstance(side, ast.Constant) for side in sides)
        if plain and not constant and any(_is_secret(side) for side in sides):
            found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("given.password == stored", 1),
        ("digest(key) != row.digest", 1),
        ("row['secret'] == x", 1),
        ("trip.nonce == claims['nonce']", 1),
        ("hmac.compare_digest(a.secret, b)", 0),
        ("token_id == x", 0),
        ("password is None", 0),
        ("state == 'draft'", 0),
    ],
)
def test_the_rule_itself(code: str, count: int) -> None:
    assert len(comparisons(ast.parse(code))) == count


def _suspects() -> list[Path]:
    return [path for folder in _ABOUT_IDENTITY for path in files(folder) if "migrations" not in path.parts]


ALLOWED = {
    # A column in SQL, looked up by the hash of 256 random bits: an index lookup, no comparison byte by byte.
    ("services/gateway/identity/accounts.py", "Credential.invitation == _digest(token)"),
    # A password that is being chosen, compared with parts of itself.
    ("services/gateway/identity/passwords.py", "password == (password[:n] * len(password))[:len(password)]"),
    ("services/gateway/identity/passwords.py", "rest != password"),
    # What an event says, not who may: the sum of a message that everybody may know.
    ("shared/messaging/inbox.py", "bytes(stored) != hashlib.sha256(body).digest()"),
}


@pytest.mark.parametrize("path", _suspects(), ids=short)
def test_no_secret_is_compared_in_variable_time(path: Path) -> None:
    found = {(short(path), text) for text in comparisons(ast.parse(path.read_text(encoding="utf-8")))}
    states = {item for item in found if re.search(r"\bstate\b", item[1]) and "trip" not in item[1].lower()}
    assert not found - ALLOWED - states


def test_keys_tokens_and_states_are_compared_with_compare_digest() -> None:
    """The places that there are; one more is looked at by a person, then added here."""
    using = {
        short(p)
        for folder in _ABOUT_IDENTITY
        for p in files(folder)
        if "compare_digest(" in p.read_text(encoding="utf-8")
    }
    assert {
        "services/gateway/identity/apikeys.py",
        "services/gateway/identity/oidc.py",
        "services/gateway/identity/oidc_sign_in.py",
    } <= using

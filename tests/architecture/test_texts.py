"""Every refusal speaks English and French, and every code of a wrong field has its sentence."""

import ast
import importlib.util
import string

import pytest

from shared import contracts
from shared.kernel.error_messages import _SENTENCES, sentence
from shared.kernel.refusals import Refusal
from tests.architecture.source import domain_files, files, tree

for _service in contracts.SERVICES:
    importlib.import_module(f"{_service}.service")
    if importlib.util.find_spec(f"{_service}.errors"):
        importlib.import_module(f"{_service}.errors")
for _module in ("api.operations", "messaging.rpc", "kernel.strict_json"):
    importlib.import_module(f"shared.{_module}")


def _all(cls: type[Refusal]) -> list[type[Refusal]]:
    return [cls, *(one for sub in cls.__subclasses__() for one in _all(sub))]


REFUSALS = sorted(
    {c for c in _all(Refusal) if not c.__module__.startswith("tests")}, key=lambda c: (c.__module__, c.__name__)
)


@pytest.mark.parametrize("cls", REFUSALS, ids=lambda c: f"{c.__module__}.{c.__name__}")
def test_a_refusal_speaks_both_languages(cls: type[Refusal]) -> None:
    fields = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (cls.en, cls.fr)]
    assert cls.en.strip() and cls.fr.strip() and cls.en != cls.fr
    assert fields[0] == fields[1], "the languages tell different details"
    assert cls.code == cls.code.lower() and cls.code.replace("_", "").isalnum()


def test_codes_are_unique_within_a_service() -> None:
    """A client must be able to tell refusals apart by code; a family and its members may share one text."""
    seen: dict[tuple[str, str], type[Refusal]] = {}
    for cls in REFUSALS:
        if "code" in vars(cls):
            key = (cls.__module__.split(".")[0], cls.code)
            assert key not in seen or issubclass(cls, seen[key]) or issubclass(seen[key], cls), key
            seen.setdefault(key, cls)


def _codes_in_use() -> set[str]:
    """Literals that become codes of wrong fields: Invalid.at(pointer, code), {"code": …}, ValidationError(code, …)."""
    found: set[str] = set()
    for path in [*domain_files(), *files("shared")]:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called == "at" and len(node.args) > 1:
                    found |= _literal(node.args[1])
                if called == "ValidationError" and node.args:
                    found |= _literal(node.args[0])
            if isinstance(node, ast.Dict):
                keys = [k.value if isinstance(k, ast.Constant) else None for k in node.keys]
                if "pointer" in keys and "code" in keys:
                    found |= _literal(node.values[keys.index("code")])
    return found


def _literal(node: ast.AST) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def test_every_code_of_a_wrong_field_has_a_sentence() -> None:
    assert not {code for code in _codes_in_use() if code not in _SENTENCES and code.replace("_", "").isalpha()}


def test_every_code_of_the_fields_has_a_sentence() -> None:
    from shared.wire import fields

    codes = {str(v) for cls in vars(fields).values() if isinstance(cls, type) and issubclass(cls, fields.ma.fields.Field)
             for v in vars(cls).get("default_error_messages", {}).values()}  # fmt: skip
    assert not codes - set(_SENTENCES)


def test_sentences_are_in_both_languages() -> None:
    for code in _SENTENCES:
        english, french = sentence(code, "en"), sentence(code, "fr")
        assert (
            english and french and english != french and english.endswith((".", "…")) and french.endswith((".", "…"))
        ), code

"""The source as syntax trees: what imports what, what a class is made of."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from shared import contracts

ROOT = Path(__file__).resolve().parents[2]
HANDLERS = {"background", "command", "query", "subscribe", "every", "record"}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def files(*folders: str) -> list[Path]:
    """All Python files under these folders of the checkout."""
    return sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py") if "__pycache__" not in p.parts)


def domain_files() -> list[Path]:
    return files(*(f"services/{service}" for service in contracts.SERVICES))


def contract_files(service: str) -> list[Path]:
    """A contract is a file, or a folder of files that are read as one."""
    return [p for p in files("shared/contracts") if p.relative_to(ROOT).parts[2].removesuffix(".py") == service]


def imports(path: Path) -> set[str]:
    """Dotted names of everything that a file imports, also inside functions: `a.b`, and `a.b.c` for `from a.b import c`."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def touches(path: Path, *packages: str) -> set[str]:
    """Which of these packages or names a file imports."""
    return {p for p in packages if any(name == p or name.startswith(p + ".") for name in imports(path))}


def is_flow(path: Path) -> bool:
    """A flow file has methods that are entrypoints."""
    return any(_is_handler(node) for node in ast.walk(tree(path)))


def _is_handler(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        getattr(d.func if isinstance(d, ast.Call) else d, "id", "") in HANDLERS for d in node.decorator_list
    )


def flow_classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    """Classes with entrypoints among their methods."""
    for path in domain_files():
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef) and any(_is_handler(member) for member in node.body):
                yield path, node


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))

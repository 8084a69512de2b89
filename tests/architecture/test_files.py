"""Tracked files carry nothing of the machine they were written on."""

import re
import subprocess

from tests.architecture.source import ROOT

_TRACES = re.compile(
    "|".join(
        [
            "/ro" + "ot/",
            "/wo" + "rk/",
            "/ho" + r"me/\w+/",
            r"--(extra-)?index" + "-url",
            "--trusted" + "-host",
            "py" + r"pi\.org/simple",
            r"https?://\d+\.\d+\.\d+\.\d+(?!\d)(?<!127\.0\.0\.1)",
        ]
    )
)
_SECRETS = re.compile("BEGIN [A-Z ]*PRIVATE " + "KEY|AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}")


def _tracked() -> dict[str, str]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return {n: (ROOT / n).read_text(encoding="utf-8", errors="replace") for n in names if n and (ROOT / n).is_file()}


def test_no_address_of_a_registry_and_no_path_of_a_machine() -> None:
    found = {f"{n}: {m.group()}" for n, text in _tracked().items() for m in _TRACES.finditer(text)}
    assert not found


def test_no_secret() -> None:
    assert not [name for name, text in _tracked().items() if _SECRETS.search(text)]


def test_no_file_is_a_heap() -> None:
    """Code files stay below 400 lines; contracts are lists of declarations and may be longer."""
    long = {n: lines for n, text in _tracked().items() if n.endswith(".py") and (lines := text.count("\n")) > 400}
    assert not {n: lines for n, lines in long.items() if not n.startswith("shared/contracts/")}


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TO" + "DO|FIX" + r"ME)\b|NotImplemented" + "Error")
    assert not [n for n, text in _tracked().items() if n.endswith((".py", ".md")) and marks.search(text)]

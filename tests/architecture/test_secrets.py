"""No key, token or password of anybody stands in the repository."""

import re
import subprocess

import pytest

from tests.architecture.source import ROOT

PATTERNS = {
    "private key": r"-----BEGIN (RSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY-----",
    "AWS key": r"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36,}\b",
    "GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}\b",
    "Slack token": r"\bxox[abpr]-[A-Za-z0-9-]{10,}\b",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "Stripe key": r"\b[sr]k_live_[0-9A-Za-z]{20,}\b",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\b",
    "key of ours": r"\blia_[A-Za-z0-9]+_[A-Za-z0-9]{30,}\b",
    "password in an address": r"\b(postgresql|amqps?|https?)://[^\s:/@{}<>'\"]+:(?!password|secret|canary|p%40|\$|<|…)[^\s:/@{}<>'\"]{8,}@",
    "e-mail password": r"(?i)smtp[^\n]{0,20}password\s*=\s*['\"][^'\"{$]{6,}",
}
"""What a secret looks like, whatever it is called."""

GOOD = [
    "postgresql://user:password@host/db",
    "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIwMTk…",
]
BAD = [
    "-----BEGIN " + "PRIVATE KEY-----", "AKIA" + "IOSFODNN7EXAMPLE", "ghp_" + "a" * 36, "glpat-" + "a" * 20,
    "xoxb-" + "1" * 12, "AIza" + "b" * 35, "sk_live_" + "c" * 24, "eyJ" + "a" * 12 + ".eyJ" + "b" * 24 + ".c" + "d" * 24,
    "lia_" + "k1_" + "e" * 32, "amqp://liaison" + ":vkf83hfd93" + "@broker:5672", "SMTP_PASSWORD" + " = 'hunter22'",
]  # fmt: skip


def _found(text: str) -> list[str]:
    return [name for name, pattern in PATTERNS.items() if re.search(pattern, text)]


def test_no_secret_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    told = []
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and path.suffix not in (".png", ".pdf", ".xlsx"):
            told += [f"{name}: {kind}" for kind in _found(path.read_text(encoding="utf-8", errors="replace"))]
    assert not told


@pytest.mark.parametrize("text", GOOD)
def test_what_is_none(text: str) -> None:
    assert not _found(text)


@pytest.mark.parametrize("text", BAD, ids=range(len(BAD)))
def test_what_is_one(text: str) -> None:
    assert _found(text)

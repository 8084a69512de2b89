"""The commands of the guide are carried out as they stand there, in both languages, against the running suite."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.suite import ADMIN, Suite

GUIDES = ("docs/en/first-order.md", "docs/fr/premiere-commande.md")
_BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def blocks(guide: str) -> list[str]:
    return _BLOCK.findall((ROOT / guide).read_text(encoding="utf-8"))


@pytest.mark.parametrize("guide", GUIDES)
def test_the_commands_work(guide: str, running: Suite, tmp_path: Path) -> None:
    """One shell, from the first block to the last, in a folder in which `make run` left its file."""
    assert shutil.which("curl"), "the guide needs curl: apt-get install curl"
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "liaison.json").write_text(json.dumps({"base_url": running.base_url, "admin": ADMIN}))
    commands = "set -eu\n" + "\n".join(blocks(guide))
    done = subprocess.run(["bash", "-c", commands], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    adjustment, total, status, shipped, invoice = done.stdout.split()
    assert (total, status, shipped) == ("288.00", "confirmed", "shipped")
    assert running.api.get("/v1/invoices", number=invoice)["data"][0]["gross_total"] == total
    assert adjustment


def test_both_languages_say_the_same() -> None:
    """The same commands but for the words that a reader sees."""
    english, french = (" ".join(blocks(guide)) for guide in GUIDES)
    assert french.replace("lampe en laiton", "brass lamp").replace("stock initial", "opening stock") == english


def test_every_guide_has_its_twin_and_every_link_its_target() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\(([a-z]{2}/[a-z-]+\.md)\)", index))
    there = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").glob("*/*.md")}
    assert linked == there and len([name for name in there if name.startswith("en/")]) * 2 == len(there)

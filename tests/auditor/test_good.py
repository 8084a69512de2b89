"""Good data is found good, by the role that may only read."""

import json
from pathlib import Path

import pytest

from deploy.auditor.__main__ import main
from deploy.auditor.catalogue import TITLES
from tests.auditor.conftest import Good


def test_a_month_of_business_is_clean(good: Good, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    urls, findings = tmp_path / "urls.json", tmp_path / "findings.json"
    urls.write_text(json.dumps({service: each.auditor for service, each in good.bus.urls.items()}))
    code = main(["--urls", str(urls), "--grace", "0", "--json", str(findings)])
    assert code == 0, "".join(capsys.readouterr())
    said = json.loads(findings.read_text())
    assert said["clean"] and set(said["invariants"]) == set(TITLES)
    unchecked = [name for name, found in said["invariants"].items() if not found["checked"]]
    assert unchecked == ["I7"], "the good data must give every invariant something to check; I7 needs a history"

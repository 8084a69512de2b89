"""Nothing registers a service: its folders are found."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from shared import contracts
from tests.architecture.source import ROOT

_CONTRACT = '''"""Events and operations of `erp_hr`."""

JOBS = 0xFFF
'''
_SERVICE = '''"""The service `erp_hr`."""

from shared.flows.bus import Bus


class ErpHr:
    """Nothing yet."""

    name = "erp_hr"
    bus = Bus()
'''
_CHECK = '''"""I999: people are people."""

from deploy.auditor.findings import Findings, World, checks


@checks(I999="people are people")
def people(world: World, found: Findings) -> None:
    """Nothing to check yet."""
'''
_LOOK = """
import json
from deploy.auditor.catalogue import TITLES
from deploy.local.run import known_services
from shared import contracts
from shared.api.handlers import collect, service_class
contracts.operations()
print(json.dumps([contracts.SERVICES, known_services(), list(TITLES), service_class("erp_hr").__name__,
                  [h.name for h in collect(service_class("erp_hr")) if h.operation]]))
"""


def copy_of_the_source(folder: Path) -> Path:
    """A copy of what services are made of, to which a test may add one."""
    for name in ("deploy", "services", "shared"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    return folder


def python(folder: Path, *arguments: str, **settings: str) -> str:
    """What a program of the copy prints."""
    env = os.environ | settings | {"PYTHONPATH": f"{folder}{os.pathsep}{folder / 'services'}"}
    argv = [sys.executable, "-W", "ignore", *arguments]
    done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_service_has_a_contract_and_a_folder() -> None:
    assert set(contracts.SERVICES) == {p.parent.name for p in (ROOT / "services").glob("*/service.py")}


def test_a_new_folder_is_a_service(tmp_path: Path) -> None:
    """Broker, databases, processes and the auditor go by this list; routes and jobs of the machinery come with it."""
    copy = copy_of_the_source(tmp_path)
    for file, text in {
        "shared/contracts/erp_hr/__init__.py": _CONTRACT,
        "services/erp_hr/service.py": _SERVICE,
        "services/erp_hr/__init__.py": "",
        "deploy/auditor/erp_hr/__init__.py": "",
        "deploy/auditor/erp_hr/people.py": _CHECK,
    }.items():
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_text(text, encoding="utf-8")
    services, run_by, invariants, name, operations = json.loads(python(copy, "-c", _LOOK))
    assert services == run_by == [*sorted({*contracts.SERVICES, "erp_hr"})]
    assert invariants[-1] == "I999" and name == "ErpHr" and "list_parked_messages" in operations

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
_SEED = '''"""One post."""

from deploy.seed import Api

AFTER = ("crm_sales",)


def fill(api: Api) -> None:
    api.post("/v1/posts", {}, key="post")
'''
_LOOK = """
import json
from deploy import seed
from deploy.auditor.catalogue import TITLES
from deploy.local.run import known_services
from shared import contracts
from shared.api.handlers import collect, service_class
contracts.operations()

print(json.dumps([contracts.SERVICES, known_services(), list(TITLES), service_class("erp_hr").__name__,
                  [h.name for h in collect(service_class("erp_hr")) if h.operation], list(seed.parts())]))
"""


def copied(folder: Path, *names: str) -> Path:
    """A copy of some of the source, to which a test may add a service."""
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def environment(folder: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{folder / 'services'}"}


def python(folder: Path, *arguments: str, **settings: str) -> str:
    """What a program of the copy prints."""
    argv = [sys.executable, "-W", "ignore", *arguments]
    done = subprocess.run(argv, cwd=folder, env=environment(folder) | settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_service_has_a_contract_and_a_folder() -> None:
    assert set(contracts.SERVICES) == {p.parent.name for p in (ROOT / "services").glob("*/service.py")}


def test_a_new_folder_is_a_service(tmp_path: Path) -> None:
    """Broker, databases, processes and the auditor go by this list; routes and jobs of the machinery come with it."""
    copy = copied(tmp_path, "deploy", "services", "shared")
    for file, text in {
        "shared/contracts/erp_hr/__init__.py": _CONTRACT,
        "services/erp_hr/service.py": _SERVICE,
        "services/erp_hr/__init__.py": "",
        "deploy/auditor/erp_hr/__init__.py": "",
        "deploy/auditor/erp_hr/people.py": _CHECK,
        "deploy/seeds/erp_hr.py": _SEED,
    }.items():
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_text(text, encoding="utf-8")
    services, run_by, invariants, name, operations, seeded = json.loads(python(copy, "-c", _LOOK))
    assert services == run_by == [*sorted({*contracts.SERVICES, "erp_hr"})]
    assert invariants[-1] == "I999" and name == "ErpHr" and "list_parked_messages" in operations
    assert seeded[-1] == "erp_hr" and set(seeded) - {"erp_hr"} == set(contracts.SERVICES) - {"gateway"}

"""Who may import whom. The business code must outlive Nameko and eventlet, and every service must stand alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared import contracts
from tests.architecture.source import ROOT, contract_files, domain_files, files, is_flow, short, touches

TRANSPORT = (
    "nameko",
    "eventlet",
    "kombu",
    "amqp",
    "pika",
    "aio_pika",
    "shared.flows.entrypoints",
    "shared.flows.bus",
    "shared.messaging.rpc",
)
PACKAGES = contracts.SERVICES
SESSION = ("sqlalchemy.orm.Session", "sqlalchemy.orm.session")


def _is_model(path: Path) -> bool:
    return path.name == "models.py" or path.parent.name == "models"


def _is_migration(path: Path) -> bool:
    return "migrations" in path.parts


@pytest.mark.parametrize("path", files("shared"), ids=short)
def test_shared_knows_no_service(path: Path) -> None:
    """Nor what installs and checks it from outside."""
    assert not touches(path, *PACKAGES, "tests", "services", "deploy")


@pytest.mark.parametrize("service", PACKAGES)
def test_no_service_imports_another(service: str) -> None:
    others = [name for name in PACKAGES if name != service]
    found = {short(p): touches(p, *others, "tests", "deploy") for p in files(f"services/{service}")}
    assert not {path: names for path, names in found.items() if names}


@pytest.mark.parametrize("service", contracts.SERVICES)
def test_contracts_of_a_service_are_written_with_that_service_only(service: str) -> None:
    written = contract_files(service)
    assert written and not [short(p) for p in written if touches(p, *TRANSPORT, "sqlalchemy")]


@pytest.mark.parametrize("path", domain_files(), ids=short)
def test_only_flow_files_know_the_transport(path: Path) -> None:
    """And even they know it by one name: shared.flows.entrypoints."""
    if is_flow(path):
        assert touches(path, *TRANSPORT) == {"shared.flows.entrypoints"}
    else:
        assert not touches(path, *TRANSPORT)


@pytest.mark.parametrize("path", [p for p in domain_files() if _is_model(p)], ids=short)
def test_models_never_see_a_session(path: Path) -> None:
    assert not touches(path, *SESSION, *TRANSPORT, "shared.storage.outbox", "shared.storage.transaction")


@pytest.mark.parametrize("path", [p for p in domain_files() if not (_is_model(p) or _is_migration(p))], ids=short)
def test_what_takes_no_session_neither_publishes_nor_stores(path: Path) -> None:
    """A module is either work on a session, or calculates (it may build statements), not a bit of both."""
    if not touches(path, *SESSION) and not is_flow(path):
        assert not touches(path, "sqlalchemy.orm", "psycopg2", "shared.storage.outbox", "shared.storage.transaction")


def test_the_auditor_imports_no_service_code() -> None:
    found = {short(p): touches(p, *PACKAGES, "shared.api.handlers", "nameko") for p in files("deploy/auditor")}
    assert not {path: names for path, names in found.items() if names}


def test_the_gateway_knows_no_domain() -> None:
    """Adding an operation to a service must not touch it."""
    domain = [service for service in contracts.SERVICES if service != "gateway"]
    sources = "".join(p.read_text(encoding="utf-8") for p in files("services/gateway"))
    assert not [s for s in domain if f'"{s}"' in sources or f"contracts.{s}" in sources]


def test_the_edge_runs_without_nameko() -> None:
    """It is asyncio; the service behind it is a process of its own."""
    look = "import sys, gateway.__main__; print(*{'nameko', 'eventlet', 'kombu', 'gateway.service'} & set(sys.modules))"
    path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'services'}"}
    done = subprocess.run([sys.executable, "-c", look], env=os.environ | path, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr

"""`make service NAME=erp_hr`: what it writes starts, migrates and passes its tests at once, and takes a resource."""

import json
import os
import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from urllib.request import Request, urlopen

import pytest

from deploy import new_service
from deploy.local import servers as local
from deploy.local.keys import ensure_signing_key, write_public_key
from deploy.local.plan import with_credentials
from deploy.local.ports import Ports
from deploy.local.provision import DatabaseUrls, drop, provision
from deploy.local.supervisor import Spec, Supervisor
from tests.architecture.test_discovery import copied, environment, python

NAME = "erp_hr"
_CONTRACT = '''"""Desks."""

from shared.schema import Refers, Resource, Text


class Desk(Resource, path="/v1/desks", permission="hr.desks", label="name"):
    """Where somebody works."""

    name = Text(40, "As it is called.", required=True, unique=True, filter=True, sort=True, search=True)
    user_id = Refers("users", "Who works there.", null=True, index=True)
'''
_MODEL = '''"""Desks."""

from uuid import UUID

from sqlalchemy.orm import Mapped

from erp_hr.models import Base
from shared.contracts.erp_hr import desks
from shared.storage.database import Aggregate


class Desk(Aggregate, Base, of=desks.Desk):
    """Where somebody works."""

    name: Mapped[str]
    user_id: Mapped[UUID | None]
'''
_MIGRATION = '''"""Desks."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE desk (
            id uuid CONSTRAINT pk_desk PRIMARY KEY,
            name text NOT NULL CONSTRAINT ck_desk_name CHECK (length(name) BETWEEN 1 AND 40),
            user_id uuid,
            version bigint NOT NULL,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            CONSTRAINT uq_desk_name UNIQUE (name)
        );
        CREATE INDEX ix_desk_created_at ON desk (created_at, id);
        CREATE INDEX ix_desk_user_id ON desk (user_id, id);
    """)
'''
_HOLDS_FOR_ALL = (
    *(f"tests/architecture/test_{name}.py" for name in ("boundaries", "conventions", "flows", "raw_sql")),
    "tests/contracts/test_tables.py",
)
_CALLS = """
import json, sys
from uuid import uuid4
from erp_hr.service import ErpHr
from shared.contracts import gateway
from shared.kernel.ids import DEFAULT_COMPANY_ID
from shared.kernel.refusals import Invalid
from tests.harness import Harness
house = Harness(ErpHr, sys.argv[1])
if sys.argv[2:]:
    ann = uuid4()
    desk = {"name": "At the window", "user_id": str(ann)}
    try:
        house.call("create_desk", body=desk)
    except Invalid as refused:
        told = refused.errors
    house.deliver(gateway.UserCreated(
        user_id=ann, email="ann@x.example", name="Ann", language="en", roles=[], company_id=DEFAULT_COMPANY_ID))
    made = house.call("create_desk", body=desk)
    print(json.dumps([told, made["name"], [d["name"] for d in house.call("list_desks", query={"q": "window"})["data"]]]))
else:
    print(json.dumps(house.call("list_parked_messages")["data"]))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source with a new service, as `make service` and `make contracts` leave it."""
    folder = copied(tmp_path_factory.mktemp("copy"), "deploy", "docs", "services", "shared", "tests", "pyproject.toml")
    python(folder, "-m", "deploy.new_service", NAME)
    python(folder, "-m", "tests.contracts.snapshots")
    return folder


@pytest.fixture(scope="module")
def urls(copy: Path, pair: local.Servers) -> Iterator[DatabaseUrls]:
    drop(pair.pg_admin_url, [NAME], "new_")  # a run that was broken off may have left it
    yield provision(pair.pg_admin_url, [NAME], "new_", password=lambda role: f"secret-{role}")[NAME]
    drop(pair.pg_admin_url, [NAME], "new_")


def migrate(copy: Path, urls: DatabaseUrls) -> None:
    python(copy, "-m", "shared.ops.operator", "migrate", NAME, LIAISON_ERP_HR_OWNER_DATABASE_URL=urls.owner)


def test_it_is_small() -> None:
    """At most 40 lines in 6 files."""
    lines = [line for text in new_service.FILES.values() for line in text.splitlines() if line.strip()]
    assert len(new_service.FILES) <= 6 and len(lines) <= 40


@pytest.mark.parametrize("name", ["", "hr", "ErpHr", "erp-hr", "erp_", "_hr", "../erp_hr", "crm_sales"])
def test_a_name_that_is_none_or_taken_writes_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "services" / "crm_sales").mkdir(parents=True)
    with pytest.raises(ValueError):
        new_service.write(name, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_its_tests_pass(copy: Path) -> None:
    """Style, and what holds for the code and the contract of every service."""
    python(copy, "-m", "ruff", "check", ".")
    python(copy, "-m", "ruff", "format", "--check", ".")
    python(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *_HOLDS_FOR_ALL, "-k", NAME)


def test_it_migrates_starts_and_takes_a_resource(copy: Path, urls: DatabaseUrls, pair: local.Servers) -> None:
    """First as it was written, then with a resource in the two places that ARCHITECTURE.md names; its users are known."""
    migrate(copy, urls)
    assert json.loads(python(copy, "-c", _CALLS, urls.application)) == []
    _start(copy, urls, pair)
    for file, text in {
        f"shared/contracts/{NAME}/desks.py": _CONTRACT,
        f"services/{NAME}/models/desks.py": _MODEL,
        f"services/{NAME}/migrations/versions/0001_desks.py": _MIGRATION,
    }.items():
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_text(text, encoding="utf-8")
    migrate(copy, urls)
    found = json.loads(python(copy, "-c", _CALLS, urls.application, "desks"))
    unknown = [{"pointer": "/user_id", "code": "not_found"}]
    assert found == [unknown, "At the window", ["At the window"]]


def _start(copy: Path, urls: DatabaseUrls, pair: local.Servers) -> None:
    """On a virtual host of its own, with an account that has a service's rights."""
    manager, vhost = urlsplit(pair.management_url), f"new_{os.getpid()}"
    _manage(pair, f"vhosts/{vhost}", {})
    _manage(pair, f"permissions/{vhost}/{manager.username}", {"configure": ".*", "write": ".*", "read": ".*"})
    uri = urlunsplit(urlsplit(pair.amqp_admin_uri)._replace(path=f"/{vhost}"))
    (copy / "passwords.json").write_text(json.dumps({NAME: "secret"}), encoding="utf-8")
    python(
        copy, "-m", "shared.ops.operator", "topology", LIAISON_AMQP_ADMIN_URI=uri,
        LIAISON_RABBITMQ_MANAGEMENT_URL=pair.management_url, LIAISON_BROKER_PASSWORDS=str(copy / "passwords.json"),
    )  # fmt: skip
    port = Ports(copy / "ports.json").get("health")
    env = environment(copy) | {
        "LIAISON_ERP_HR_DATABASE_URL": urls.application,
        "LIAISON_ERP_HR_AMQP_URI": with_credentials(uri, NAME, "secret"),
        "LIAISON_HEALTH_PORT": str(port),
        "LIAISON_CALLER_KEYS_FILE": str(write_public_key(ensure_signing_key(copy / "signing-key.pem"))),
    }
    argv = [sys.executable, "-m", "shared.ops.serve", NAME]
    spec = Spec(NAME, argv, env, copy, f"http://127.0.0.1:{port}/readyz")
    supervisor = Supervisor([spec], copy / "log", report=lambda _: None)
    try:
        supervisor.start_all()
        supervisor.wait_ready(timeout=60)
    finally:
        supervisor.stop_all()


def _manage(pair: local.Servers, path: str, body: dict[str, str]) -> None:
    parts = urlsplit(pair.management_url)
    secret = b64encode(f"{parts.username}:{parts.password}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {secret}"}
    url = f"http://{parts.hostname}:{parts.port}/api/{path}"
    with urlopen(Request(url, json.dumps(body).encode(), headers, method="PUT"), timeout=20) as answer:
        answer.read()

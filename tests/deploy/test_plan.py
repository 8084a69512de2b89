"""Each process is told its own addresses and nobody else's."""

import json
from pathlib import Path

import pytest

from deploy.local.console import Stop
from deploy.local.plan import Access, Plan, inherited_environment, parse_replicas, process_names, with_credentials
from deploy.local.supervisor import Spec

SERVICES = ("crm_contacts", "crm_sales")


def plan() -> Plan:
    names = [name for service in SERVICES for name in process_names(service, 2)]
    return Plan(
        checkout=Path("/checkout"),
        python=Path("/checkout/.venv/bin/python"),
        services=SERVICES,
        access={name: Access(f"postgresql://{name}", f"amqp://{name}") for name in (*SERVICES, "gateway")},
        health_ports={name: 20_000 + number for number, name in enumerate([*names, "gateway"])},
        http_port=8080,
        gateway_env={"LIAISON_SIGNING_KEY_FILE": "/key"},
        replicas={service: 2 for service in SERVICES},
    )


def by_name() -> dict[str, Spec]:
    return {spec.name: spec for spec in plan().specs()}


def test_names_and_commands() -> None:
    specs = by_name()
    assert list(specs) == ["crm_contacts.1", "crm_contacts.2", "crm_sales.1", "crm_sales.2", "gateway"]
    assert list(specs["crm_sales.2"].argv)[1:] == ["-m", "shared.ops.serve", "crm_sales"]
    assert list(specs["gateway"].argv)[1:] == ["-m", "gateway"]


def test_no_process_knows_the_address_of_another_service() -> None:
    for name, spec in by_name().items():
        service = name.partition(".")[0]
        addresses = {key for key in spec.env if key.endswith(("DATABASE_URL", "AMQP_URI"))}
        prefix = f"LIAISON_{service.upper()}"
        assert addresses == {f"{prefix}_DATABASE_URL", f"{prefix}_AMQP_URI"}


def test_only_the_gateway_gets_the_key() -> None:
    holders = [name for name, spec in by_name().items() if "LIAISON_SIGNING_KEY_FILE" in spec.env]
    assert holders == ["gateway"]
    urls = json.loads(by_name()["gateway"].env["LIAISON_HEALTH_URLS"])
    assert urls["crm_sales.1"] == "http://127.0.0.1:20002"


def test_the_shell_hands_over_settings_but_no_secrets() -> None:
    env = inherited_environment(
        {
            "PATH": "/bin", "AMQP_URI": "amqp://x", "DATABASE_URL": "postgresql://x", "AWS_SECRET": "x",
            "LIAISON_CRM_SALES_OWNER_DATABASE_URL": "x", "LIAISON_ADMIN_PASSWORD": "x",
            "LIAISON_RABBITMQ_MANAGEMENT_URL": "x", "LIAISON_BROKER_PASSWORDS": "x", "LIAISON_RETRY_SECONDS": "1",
        }
    )  # fmt: skip
    assert set(env) == {"PATH", "LIAISON_RETRY_SECONDS", "LANG", "LC_ALL", "PYTHONUNBUFFERED"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"crm_contacts": 1, "crm_sales": 1}),
        ("2", {"crm_contacts": 2, "crm_sales": 2}),
        ("crm_sales=3", {"crm_contacts": 1, "crm_sales": 3}),
        ("2, crm_sales=1", {"crm_contacts": 2, "crm_sales": 1}),
    ],
)
def test_replicas(text: str, expected: dict[str, int]) -> None:
    assert parse_replicas(text, SERVICES) == expected


@pytest.mark.parametrize("text", ["x", "0", "-1", "crm_sales", "crm_sales=", "unknown=2", "99"])
def test_replicas_that_are_not_understood(text: str) -> None:
    with pytest.raises(Stop, match="LIAISON_REPLICAS"):
        parse_replicas(text, SERVICES)


def test_credentials_are_quoted() -> None:
    assert with_credentials("amqp://a:b@host:5672/v", "me", "p@/:") == "amqp://me:p%40%2F%3A@host:5672/v"

"""Commands that look at, or act on, the system that runs now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from deploy.local import servers
from deploy.local.console import Stop
from deploy.local.files import Secrets, read_json
from deploy.local.plan import inherited_environment, with_credentials


def running(root: Path) -> dict[str, Any]:
    """The summary of the running system."""
    facts = read_json(root / "liaison.json")
    if not isinstance(facts, dict):
        raise Stop("Liaison is not running here: `make run` first.", 1)
    return facts


def audit(checkout: Path, root: Path, arguments: list[str]) -> int:
    urls = running(root)["database_urls"]
    env = {f"LIAISON_{name.upper()}_DATABASE_URL": url for name, url in urls.items()}
    return _program(checkout, env, "deploy.auditor", arguments)


def operator(checkout: Path, root: Path, arguments: list[str]) -> int:
    facts, secrets = running(root), Secrets(root / "secrets.json")
    env = {
        "LIAISON_SIGNING_KEY_FILE": str(root / "signing-key.pem"),
    }
    for name, url in facts["database_urls"].items():
        for role, variable in ((name, "DATABASE_URL"), (f"{name}_owner", "OWNER_DATABASE_URL")):
            address = with_credentials(url, role, secrets.get(f"database:{role}"))
            env[f"LIAISON_{name.upper()}_{variable}"] = address
    pair = servers.attach(root)
    if "rabbitmq" in pair.processes():
        env["LIAISON_AMQP_ADMIN_URI"] = pair.amqp_admin_uri
        env["LIAISON_RABBITMQ_MANAGEMENT_URL"] = pair.management_url
        env["LIAISON_BROKER_PASSWORDS"] = str(root / "broker-passwords.json")
    return _program(checkout, env, "shared.ops.operator", arguments)


def seed(root: Path) -> int:
    from deploy import seed as demo

    facts = running(root)
    try:
        demo.run(facts["base_url"], facts["admin"]["email"], facts["admin"]["password"])
    except demo.SeedFailed as refused:
        raise Stop(f"The demo company is not complete: {refused}", 1) from None
    return 0


def _program(checkout: Path, env: dict[str, str], module: str, arguments: list[str]) -> int:
    argv = [sys.executable, "-m", module, *arguments]
    return subprocess.run(argv, env=inherited_environment() | env, cwd=checkout).returncode

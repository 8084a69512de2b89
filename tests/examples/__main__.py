"""`make examples`: run the story of the API and keep its requests and answers as the examples of the document."""

import json
import sys

from deploy.local import servers as local
from gateway import contract, openapi
from gateway.routes import Table
from shared import contracts
from shared.schema.derived import job_contract as jobs
from tests.conftest import POSTGRES_FOR_TESTS, QUICK_RETRIES, ROOT
from tests.examples.recorder import Recorder
from tests.examples.story import tell
from tests.suite import Suite

FILE = ROOT / "services" / "gateway" / "data" / "examples.json"


def table() -> Table:
    """The gateway's routes, without anything behind them."""
    found, seen = Table(), set()
    for declared in (contract.OPERATIONS, *contracts.operations().values(), jobs.PUBLIC):
        for operation in declared.values():
            if operation.route not in seen:
                seen.add(operation.route)
                found.add(operation, None)  # type: ignore[arg-type]
    return found


def main() -> int:
    root = ROOT / ".local" / "examples"
    servers = local.start(root / "servers", POSTGRES_FOR_TESTS)
    recorder = Recorder(table())
    try:
        suite = Suite(servers, root / "suite", "examples", env=QUICK_RETRIES, together=True).start()
        try:
            tell(suite, recorder)
        finally:
            suite.stop()
    finally:
        servers.stop()
    FILE.write_text(json.dumps(recorder.examples(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    missing = set(openapi.operation_ids()) - recorder.found.keys()
    print(f"  {len(recorder.found)} operations have an example; without: {', '.join(sorted(missing))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`make examples`: run the story of the API and keep its requests and answers as the examples of the document."""

import sys

from deploy.local import servers as local
from gateway.docs import examples, openapi
from gateway.http import contract
from gateway.http.routes import Table
from shared import contracts
from shared.kernel import generated
from shared.schema.derived import job_contract as jobs
from tests.conftest import POSTGRES_FOR_TESTS, QUICK_RETRIES, ROOT
from tests.contracts import partition
from tests.examples.recorder import Recorder
from tests.examples.story import tell
from tests.suite import Suite


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
    generated.write(examples.FOLDER, partition.by_name(recorder.examples(), partition.of_operation_id))
    missing = set(openapi.operation_ids()) - recorder.found.keys()
    print(f"  {len(recorder.found)} operations have an example; without: {', '.join(sorted(missing))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Processes are started again when they die, stay stopped when stopped, and end in order."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.console import Stop
from deploy.local.supervisor import Spec, Supervisor
from tests.ports import free_port

SERVER = """
import http.server, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
STUBBORN = "import signal,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
LOGGING = "import signal,sys,time; signal.signal(15, lambda *_: (open(sys.argv[1],'a').write(sys.argv[2]), sys.exit()))"


def spec(name: str, *argv: str, ready_url: str | None = None, drain: float = 5, live_url: str | None = None) -> Spec:
    return Spec(name, [sys.executable, *argv], {"PATH": "/usr/bin:/bin"}, Path("/"), ready_url, drain, live_url)


def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


Make = Callable[..., Supervisor]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Make]:
    made: list[Supervisor] = []

    def make(*specs: Spec, **options: object) -> Supervisor:
        made.append(Supervisor(specs, tmp_path / "log", report=lambda _text: None, **options))  # type: ignore[arg-type]
        made[-1].start_all()
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop_all()


def test_started_again_after_a_kill(supervise: Make) -> None:
    changes: list[int] = []
    supervisor = supervise(spec("a", "-c", "import time; time.sleep(60)"), on_change=lambda: changes.append(1))
    first = supervisor.identity("a")
    supervisor.kill("a")
    eventually(lambda: supervisor.identity("a") not in (None, first))
    assert supervisor.restarts("a") == 1
    assert len(changes) >= 3


def test_stopped_stays_stopped(supervise: Make) -> None:
    supervisor = supervise(spec("a", "-c", "import time; time.sleep(60)"))
    assert supervisor.stop("a")
    time.sleep(0.8)
    assert supervisor.identity("a") is None
    supervisor.start("a")
    assert supervisor.identity("a") is not None


def test_a_process_that_does_not_drain_is_killed(supervise: Make) -> None:
    supervisor = supervise(spec("a", "-c", STUBBORN))
    eventually(lambda: b"up" in supervisor.log_of("a").read_bytes())
    assert supervisor.stop("a", timeout=0.3) is False
    assert supervisor.exit_code("a") == -signal.SIGKILL


def test_ready_and_restart(supervise: Make) -> None:
    port = free_port()
    supervisor = supervise(spec("a", "-c", SERVER, str(port), ready_url=f"http://127.0.0.1:{port}/readyz"))
    supervisor.wait_ready(10)
    first = supervisor.identity("a")
    assert supervisor.restart("a")
    supervisor.wait_ready(10)
    assert supervisor.identity("a") != first
    assert supervisor.restarts("a") == 0


def answering(name: str) -> Spec:
    port = free_port()
    url = f"http://127.0.0.1:{port}/livez"
    return spec(name, "-c", SERVER, str(port), ready_url=url, live_url=url)


def test_what_does_not_answer_is_killed_and_started_again(supervise: Make) -> None:
    """A3: a frozen process exists, holds its port and does nothing; its neighbour is left alone."""
    supervisor = supervise(*(answering(name) for name in "ab"), patience=2.5)
    supervisor.wait_ready(10)
    eventually(lambda: all(child.answered for child in supervisor._children.values()))
    first = {name: supervisor.identity(name) for name in "ab"}
    frozen = time.monotonic()
    supervisor.send("a", signal.SIGSTOP)
    eventually(lambda: supervisor.identity("a") not in (None, first["a"]))
    assert time.monotonic() - frozen > 2.0
    supervisor.wait_ready(10)
    assert (supervisor.restarts("a"), supervisor.restarts("b")) == (1, 0)
    assert supervisor.identity("b") == first["b"]


def test_a_process_may_take_its_time_to_start(supervise: Make) -> None:
    """Before its first answer it is not yet silent."""
    supervisor = supervise(
        spec("a", "-c", "import time; time.sleep(60)", live_url="http://127.0.0.1:1/livez"), patience=0.5
    )
    first = supervisor.identity("a")
    time.sleep(2)
    assert supervisor.identity("a") == first and supervisor.restarts("a") == 0


def test_not_ready_names_the_log(supervise: Make) -> None:
    supervisor = supervise(spec("a", "-c", "raise SystemExit(3)", ready_url="http://127.0.0.1:1/readyz"))
    with pytest.raises(Stop, match=r"a\.log"):
        supervisor.wait_ready(0.5)
    assert supervisor.exit_code("a") == 3


def test_the_gateway_goes_first(supervise: Make, tmp_path: Path) -> None:
    order = tmp_path / "order"
    program = LOGGING + "; print('up', flush=True); time.sleep(60)"
    supervisor = supervise(
        spec("crm_sales.1", "-c", program, str(order), "s"), spec("gateway", "-c", program, str(order), "g")
    )
    for name in supervisor.names:
        eventually(lambda name=name: b"up" in supervisor.log_of(name).read_bytes())  # type: ignore[misc]
    supervisor.stop_all()
    assert order.read_text() == "gs"
    assert supervisor.processes() == {}


def test_an_unknown_name_is_refused_by_name(supervise: Make) -> None:
    with pytest.raises(KeyError, match="no process 'b'; there are a"):
        supervise(spec("a", "-c", "pass")).stop("b")

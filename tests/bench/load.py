"""The load generator, a process of its own: reads a job from standard input, prints what it saw as JSON.

Jobs: {"kind": "flows"|"reads"|"rpc", "base_url", "token", "clients", "seconds", ...}; see `_flows`, `_reads`, `_rpc`.
"""

import itertools
import json
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.bench.caller import Caller
from tests.bench.client import Broken, Connection
from tests.bench.flow import STEPS, Failed, Flow, Pace

Job = dict[str, Any]


def main() -> None:
    """Run the job and print its result with this process's own CPU seconds."""
    job = json.load(sys.stdin)
    before = _cpu()
    result = _KINDS[job["kind"]](job)
    json.dump({**result, "cpu": _cpu() - before}, sys.stdout)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _together(clients: int, work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _flows(job: Job) -> Job:
    """Flows until the time is over or `count` are done; `baskets` are [customer, lines] taken in turn."""
    baskets, turns = job["baskets"], itertools.count()
    steps: dict[str, list[float]] = {step: [] for step in (*STEPS, "flow")}
    failures: Counter[str] = Counter()
    rates: list[float] = []
    requests: list[int] = []
    begun, pace = time.monotonic(), Pace()

    def client(number: int) -> None:
        connection, done = Connection(job["base_url"], job["token"]), 0
        started = last = time.monotonic()
        while (turn := next(turns)) < job.get("count", 1 << 60) and time.monotonic() - begun < job["seconds"]:
            customer, lines = baskets[turn % len(baskets)]
            flow = Flow(connection, pace, customer, lines)
            try:
                flow.run()
            except (Failed, Broken, KeyError) as error:
                failures[f"{type(error).__name__}: {error}"] += 1
                continue
            last, done = time.monotonic(), done + 1
            for step, seconds in flow.seconds.items():
                steps[step].append(seconds)
            steps["flow"].append(sum(flow.seconds.values()))
        requests.append(connection.requests)
        rates.append(done / (last - started) if done else 0.0)

    _together(job["clients"], client)
    return {"rate": sum(rates), "steps": steps, "failures": failures, "requests": sum(requests)}


def _reads(job: Job) -> Job:
    """GET `paths` in turn for so many seconds, expecting `status`; `headers` go with each."""
    turns, paths, headers = itertools.count(), job["paths"], job.get("headers", "")

    def begin() -> Callable[[], str]:
        connection = Connection(job["base_url"], job["token"])

        def ask() -> str:
            answer = connection.get(paths[next(turns) % len(paths)], headers)
            if answer.status == job.get("status", 200):
                return ""
            return f"{answer.status} {answer.json.get('code')} {answer.json.get('errors', '')}"

        return ask

    return _repeated(job, begin)


def _rpc(job: Job) -> Job:
    """Call the same operation over AMQP, without the edge: `caller` says who calls, `operation` is service.operation."""
    body = json.dumps({"args": [], "kwargs": job["kwargs"]}).encode()

    def begin() -> Callable[[], str]:
        caller = Caller(job["amqp_uri"], job["caller"])

        def ask() -> str:
            reply = caller.call(job["operation"], body)
            return "" if reply.startswith(b'{"error":null') else reply[:300].decode()

        return ask

    return _repeated(job, begin)


def _repeated(job: Job, begin: Callable[[], Callable[[], str]]) -> Job:
    """`clients` ask again and again for so many seconds; each asking gives a reason why it failed, or nothing."""
    seconds: list[float] = []
    failures: Counter[str] = Counter()
    asking = [begin() for _ in range(job["clients"])]
    begun = time.monotonic()

    def client(number: int) -> None:
        ask = asking[number]
        while (at := time.monotonic()) - begun < job["seconds"]:
            try:
                reason = ask()
            except (Broken, OSError) as error:
                reason = f"{type(error).__name__}: {error}"
            if reason:
                failures[reason] += 1
            else:
                seconds.append(time.monotonic() - at)

    _together(job["clients"], client)
    return {"rate": len(seconds) / (time.monotonic() - begun), "seconds": seconds, "failures": failures}


_KINDS: dict[str, Callable[[Job], Job]] = {"flows": _flows, "reads": _reads, "rpc": _rpc}

if __name__ == "__main__":
    main()

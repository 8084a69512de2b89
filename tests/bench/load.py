"""The load generator, a process of its own: reads a job from standard input, prints what it saw as JSON.

Jobs: {"kind": "flows"|"reads", "base_url", "token", "clients", "seconds", ...}; see `_flows` and `_reads`.
"""

import asyncio
import itertools
import json
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

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
    seconds: list[float] = []
    failures: Counter[str] = Counter()
    turns, begun = itertools.count(), time.monotonic()
    paths, headers = job["paths"], job.get("headers", "")

    def client(number: int) -> None:
        connection = Connection(job["base_url"], job["token"])
        while (at := time.monotonic()) - begun < job["seconds"]:
            try:
                answer = connection.get(paths[next(turns) % len(paths)], headers)
            except Broken as error:
                failures[str(error)] += 1
                continue
            if answer.status == job.get("status", 200):
                seconds.append(time.monotonic() - at)
            else:
                failures[f"{answer.status} {answer.json.get('code')} {answer.json.get('errors', '')}"] += 1

    _together(job["clients"], client)
    return {"rate": len(seconds) / (time.monotonic() - begun), "seconds": seconds, "failures": failures}


def _rpc(job: Job) -> Job:
    """Call `service.operation` over AMQP with the gateway's own client, `clients` at a time."""
    return asyncio.run(_calls(job))


async def _calls(job: Job) -> Job:
    from gateway.rpc import Rpc

    rpc = Rpc(job["amqp_uri"], job["clients"])
    rpc.start()
    while not rpc.connected:
        await asyncio.sleep(0.05)
    body, done, begun = json.dumps({"args": [], "kwargs": job["kwargs"]}).encode(), 0, time.monotonic()

    async def caller() -> None:
        nonlocal done
        while time.monotonic() - begun < job["seconds"]:
            headers: dict[str, str | int | list[str]] = {"nameko.caller": job["caller"]}
            reply = await rpc.call(job["service"], job["operation"], body, headers, 10)
            assert reply.body.startswith(b'{"error":null'), reply.body[:300]
            done += 1

    await asyncio.gather(*(caller() for _ in range(job["clients"])))
    elapsed = time.monotonic() - begun
    await rpc.stop()
    return {"rate": done / elapsed}


_KINDS: dict[str, Callable[[Job], Job]] = {"flows": _flows, "reads": _reads, "rpc": _rpc}

if __name__ == "__main__":
    main()

"""`make stop`: ask the running start to stop, and clean up after one that was killed. Standard library only."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

from deploy.local import servers
from deploy.local.console import Stop, say, step
from deploy.local.state import Lock, Recorded

DRAIN_SECONDS = 25.0
SERVERS_SECONDS = 100.0
SERVERS = ("postgresql", "rabbitmq", "epmd")


def stop(root: Path) -> int:
    """Ask the running start to stop; clean up after one that was killed."""
    lock = Lock(root)
    if not root.exists():
        say("Nothing is running.")
        return 0
    if lock.take():
        found = end_leftovers(Recorded(root)) | stop_servers(root)
        for trace in ("liaison.json", "processes.json"):
            (root / trace).unlink(missing_ok=True)
        lock.release()
        say("Stopped what an earlier start had left running." if found else "Nothing is running.")
        return 0
    holder = lock.holder()
    if holder is None:
        raise Stop("Something holds .local/lock but does not say who it is: try again in a moment.", 1)
    with step("stopping Liaison"):
        holder.process.send(signal.SIGTERM)
        gone = holder.process.wait_gone(DRAIN_SECONDS + SERVERS_SECONDS)
    if not gone:
        raise Stop(f"Process {holder.process.pid} has not stopped in time: look at its terminal.", 1)
    return 0


def end_leftovers(recorded: Recorded) -> bool:
    """Service processes of a start that was killed. Servers are not ended: the next start goes on with them."""
    left = {name: p for name, p in recorded.alive().items() if name not in SERVERS}
    if not left:
        return False
    with step(f"ending {len(left)} processes left by an earlier start"):
        for process in left.values():
            process.send(signal.SIGTERM)
        deadline = time.monotonic() + DRAIN_SECONDS
        for process in left.values():
            if not process.wait_gone(max(0.0, deadline - time.monotonic())):
                process.send(signal.SIGKILL)
    return True


def stop_servers(root: Path) -> bool:
    if not (root / "ports.json").exists():
        return False
    pair = servers.attach(root)
    running = bool(pair.processes())
    if running:
        pair.stop()
    return running


def reset(root: Path) -> int:
    """Stop, say what goes, delete it. Servers of test runs live below the same folder and go too."""
    if not root.exists():
        say("Nothing to delete.")
        return 0
    stop(root)
    roots = [lock.parent for lock in root.rglob("servers.lock")]
    for one in roots:
        servers.refuse_if_used(one)
    for one in roots:
        stop_servers(one)
    elsewhere = [(one / "servers").resolve() for one in roots if (one / "servers").is_symlink()]
    for folder in [*elsewhere, root]:
        say(f"Deleting {folder}: databases, messages, passwords, logs")
        shutil.rmtree(folder)
    return 0

"""Work that would keep a whole process from serving others."""

from collections.abc import Callable
from typing import Any, TypeVar

from eventlet import tpool
from eventlet.patcher import is_monkey_patched

T = TypeVar("T")


def off_the_hub(work: Callable[..., T], *arguments: Any) -> T:
    """Run it in a real thread while the others of a service process go on; elsewhere just run it."""
    if not is_monkey_patched("thread"):
        return work(*arguments)
    result: T = tpool.execute(work, *arguments)
    return result

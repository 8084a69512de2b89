"""Lists as iterators: each page is asked for when it is needed."""

from collections.abc import Callable, Iterator
from typing import Any


class ListRefused(Exception):
    """A list answered a problem, or nothing, instead of a page."""

    def __init__(self, answer: Any) -> None:
        super().__init__(f"{getattr(answer, 'code', 'no answer')}: {getattr(answer, 'detail', '')}")
        self.problem = answer


def each(ask: Callable[..., Any], **arguments: Any) -> Iterator[Any]:
    """Every record of a list: `each(orders_list.sync, client=client, status="open", sort="-created_at")`."""
    cursor: dict[str, str] = {}
    while True:
        page = ask(**arguments, **cursor)
        if not hasattr(page, "data"):
            raise ListRefused(page)
        yield from page.data
        if not page.next_cursor:
            return
        cursor = {"cursor": page.next_cursor}

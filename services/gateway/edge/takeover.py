"""The next edge takes over without a gap: both listen on one address, and the one that ends gives its place away first.

When a listener of a group (SO_REUSEPORT) closes, Linux resets what waits at it: finished connections that were not
accepted yet, and those whose handshake is under way. So a filter on the group (SO_ATTACH_REUSEPORT_CBPF, socket(7))
first sends all new connections to another listener, and what came before is accepted in the time that follows.
"""

import asyncio
import contextlib
import ctypes
import json
import socket
import struct

ANSWER_SECONDS = 1.5

_ATTACH, _DETACH = 51, 68
"""SO_ATTACH_REUSEPORT_CBPF and SO_DETACH_REUSEPORT_BPF (asm-generic/socket.h); `socket` does not name them."""

_RETURN = 0x06
"""BPF_RET | BPF_K: the classic BPF program of one instruction, which chooses the listener by its number."""


async def give_away(listener: socket.socket) -> bool:
    """Send new connections to another process that listens on the same address; False when there is none.

    Which number of the group is ours, nobody tells. If the second is not ours, it is another's; else the first is.
    """
    for number in (1, 0):
        _choose(listener, number)
        if await _another_answers(listener):
            return True
    share(listener)
    return False


def share(listener: socket.socket) -> None:
    """Let all listeners of the address have new connections, as long as none of them gives its place away."""
    with contextlib.suppress(OSError):  # there was no filter
        listener.setsockopt(socket.SOL_SOCKET, _DETACH, 0)


def _choose(listener: socket.socket, number: int) -> None:
    """A number that the group does not have leaves the choice to the kernel, as without a filter."""
    instruction = ctypes.create_string_buffer(struct.pack("=HBBI", _RETURN, 0, 0, number), 8)
    program = struct.pack("@HP", 1, ctypes.addressof(instruction))
    with contextlib.suppress(OSError):  # a kernel without it resets some connections, as it always did
        listener.setsockopt(socket.SOL_SOCKET, _ATTACH, program)


async def _another_answers(listener: socket.socket) -> bool:
    """Whether the process that gets a new connection now is ready, or at least does not stop, as this process does."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await _state(*listener.getsockname()[:2]) not in ("stopping", "not_ready")
    except (OSError, TimeoutError, ValueError, KeyError, asyncio.IncompleteReadError):
        return False


async def _state(host: str, port: int) -> str:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read(64 * 1024)
        while chunk := await reader.read(64 * 1024):
            answer += chunk
        return str(json.loads(answer.partition(b"\r\n\r\n")[2])["status"])
    finally:
        writer.close()

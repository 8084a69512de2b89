"""Where events may be sent: public HTTPS addresses, and nothing inside.

A URL is taken apart strictly, its name is resolved once, every address it has must be public, and the connection goes
to one of these addresses, not to the name: so an answer that changes between check and use changes nothing.
"""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

LOOK_UP_SECONDS = 5.0
LONGEST_URL = 2048
_VISIBLE = re.compile(r"[!#-\[\]^_`a-z{|}~]+", re.IGNORECASE)
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_SPECIAL = [ipaddress.ip_network(n) for n in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")]
"""Protocol assignments, 6to4 relays, Teredo and the like, 6to4, documentation: some lead elsewhere than they seem to,
and versions of Python differ about others."""


class AddressRefused(Exception):
    """An address that nothing is sent to; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: `path` with its query, `host` in lower case and without brackets."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class Route:
    """A target with the addresses that it was found at and that were checked."""

    target: Target
    addresses: tuple[str, ...]


def look_up(host: str, port: int) -> list[str]:
    """All addresses of a name, in the order of preference; none when it has none or that takes too long to find out."""
    found: list[str] = []

    def ask() -> None:
        with suppress(OSError):
            found.extend(str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    asking = threading.Thread(target=ask, name="look up", daemon=True)
    asking.start()
    asking.join(LOOK_UP_SECONDS)
    return list(found)


@dataclass(frozen=True)
class Guard:
    """The rule. `allowed` are networks that may be reached although they are not public, also by plain HTTP: for
    development and tests."""

    allowed: tuple[Network, ...] = ()
    resolve: Resolve = look_up

    def check(self, url: str) -> Route:
        """Raises AddressRefused."""
        target = take_apart(url)
        if target.scheme == "http" and not self.allowed:
            raise AddressRefused("url_not_https")
        addresses = self._addresses(target)
        inside = [self._is_allowed(address) for address in addresses]
        if not all(known or is_public(address) for known, address in zip(inside, addresses, strict=True)):
            raise AddressRefused("address_not_public")
        if target.scheme == "http" and not all(inside):
            raise AddressRefused("url_not_https")
        return Route(target, tuple(str(address) for address in addresses))

    def _addresses(self, target: Target) -> list[Address]:
        if literal := _literal(target.host):
            return [literal]
        try:
            found = [ipaddress.ip_address(text) for text in dict.fromkeys(self.resolve(target.host, target.port))]
        except (OSError, UnicodeError):
            raise AddressRefused("host_not_found") from None
        except ValueError:
            raise AddressRefused("address_not_public") from None
        if not found:
            raise AddressRefused("host_not_found")
        return found

    def _is_allowed(self, address: Address) -> bool:
        return any(address in network for network in self.allowed if network.version == address.version)


def take_apart(url: str) -> Target:
    """What a URL names. Raises AddressRefused for anything that two readers might read differently."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        raise AddressRefused("invalid_url") from None
    if len(url) > LONGEST_URL or not _VISIBLE.fullmatch(url) or parts.fragment:
        raise AddressRefused("invalid_url")
    if parts.scheme not in ("https", "http"):
        raise AddressRefused("url_not_https")
    if "@" in parts.netloc:
        raise AddressRefused("url_with_credentials")
    if not _is_host(host) or parts.netloc.endswith(":"):
        raise AddressRefused("invalid_url")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, _port(parts.scheme, port), path)


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, and to nothing that stands for another address."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False  # among others ::1, mapped and compatible IPv4, NAT64, local, link-local, multicast
    if any(address in network for network in _SPECIAL if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast


def networks(text: str) -> tuple[Network, ...]:
    """`127.0.0.0/8,::1/128` as networks. Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    """A name, an IPv6 address without zone, or an IPv4 address in its one usual form: not 0x7f.1, 2130706433, 0."""
    if ":" in host:
        return "%" not in host and _literal(host) is not None
    if not _NAME.fullmatch(host):
        return False
    return not _NUMBER.fullmatch(host.rpartition(".")[2]) or _literal(host) is not None


def _port(scheme: str, port: int | None) -> int:
    """443, or above the ports of system services, which are no HTTP servers."""
    usual = 443 if scheme == "https" else 80
    if port is None or port == usual:
        return usual
    if port < 1024:
        raise AddressRefused("port_not_allowed")
    return port

"""Nothing is sent to what is not on the public internet, however it is written or resolved."""

import ipaddress
import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from gateway.webhooks.addresses import AddressRefused, Guard, is_public, networks, take_apart
from gateway.webhooks.posting import Poster

HTTPS, HTTP = "https:" + "//", "http:" + "//"

INSIDE = [
    "127.0.0.1", "127.255.0.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.9.9", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "3fff::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450::1"])
def test_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@dataclass
class Names:
    """A name server whose answers are given in turn; the last one stays."""

    answers: dict[str, list[Sequence[str]]]
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.answers.get(host)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return found.pop(0) if len(found) > 1 else found[0]


NAMES = {
    "good.example": [["93.184.215.14"]],
    "inside.example": [["10.1.2.3"]],
    "meta.example": [["169.254.169.254"]],
    "mixed.example": [["93.184.215.14", "127.0.0.1"]],
    "scoped.example": [["fe80::1%lo"]],
    "nothing.example": [[]],
}

URLS = {
    "https://127.0.0.1/": "address_not_public",
    "https://[::1]/": "address_not_public",
    "https://[::ffff:127.0.0.1]/": "address_not_public",
    "https://[64:ff9b::7f00:1]/": "address_not_public",
    "https://[2002:7f00:1::]/": "address_not_public",
    f"{HTTPS}169.254.169.254/latest/meta-data": "address_not_public",
    "https://0/": "invalid_url",
    f"{HTTPS}0.0.0.0/": "address_not_public",
    "https://2130706433/": "invalid_url",
    "https://0x7f000001/": "invalid_url",
    "https://0x7f.1/": "invalid_url",
    f"{HTTPS}0177.0.0.1/": "invalid_url",
    "https://127.1/": "invalid_url",
    f"{HTTPS}127.0.0.01/": "invalid_url",
    "https://[fe80::1%25lo]/": "invalid_url",
    "https://inside.example/": "address_not_public",
    "https://meta.example/": "address_not_public",
    "https://mixed.example/": "address_not_public",
    "https://scoped.example/": "address_not_public",
    "https://nothing.example/": "host_not_found",
    "https://unknown.example/": "host_not_found",
    "http://good.example/": "url_not_https",
    "file:///etc/passwd": "url_not_https",
    "gopher://good.example/": "url_not_https",
    "ftp://good.example/": "url_not_https",
    "javascript:alert(1)": "url_not_https",
    "//good.example/": "url_not_https",
    "good.example": "url_not_https",
    "": "invalid_url",
    "https://": "invalid_url",
    "https:///path": "invalid_url",
    "https://user:secret@good.example/": "url_with_credentials",
    "https://good.example@inside.example/": "url_with_credentials",
    "https://@good.example/": "url_with_credentials",
    "https://good.example:22/": "port_not_allowed",
    "https://good.example:25/": "port_not_allowed",
    "https://good.example:0/": "port_not_allowed",
    "https://good.example:65536/": "invalid_url",
    "https://good.example:-1/": "invalid_url",
    "https://good.example:/": "invalid_url",
    "https://good.example/#part": "invalid_url",
    "https://good.example\\@inside.example/": "invalid_url",
    "https://good.example/a b": "invalid_url",
    "https://good.example/\r\nX-Evil: 1": "invalid_url",
    "https://good.example/\t": "invalid_url",
    " https://good.example/": "invalid_url",
    "https://exämple.example/": "invalid_url",
    "https://good.example./": "invalid_url",
    "https://good..example/": "invalid_url",
    "https://-good.example/": "invalid_url",
    "https://127.0.0.1%2f@good.example/": "url_with_credentials",
    "https://127%2e0%2e0%2e1/": "invalid_url",
    "https://①②⑦.0.0.1/": "invalid_url",
    "https://[::1/": "invalid_url",
    "https://good.example/" + "x" * 2048: "invalid_url",
}


@pytest.mark.parametrize(("url", "code"), URLS.items(), ids=lambda value: value[:40])
def test_refused(url: str, code: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        Guard(resolve=Names({**NAMES})).check(url)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://good.example", "good.example", 443, "/"),
        ("https://Good.Example/hook?key=a%20b", "good.example", 443, "/hook?key=a%20b"),
        ("https://good.example:8443/x", "good.example", 8443, "/x"),
        (f"{HTTPS}8.8.8.8/", "8.8.8.8", 443, "/"),
        ("https://[2606:4700:4700::1111]:443/", "2606:4700:4700::1111", 443, "/"),
    ],
)
def test_accepted(url: str, host: str, port: int, path: str) -> None:
    route = Guard(resolve=Names({**NAMES})).check(url)
    assert (route.target.host, route.target.port, route.target.path) == (host, port, path)
    assert route.target == take_apart(url)


def test_a_network_may_be_opened_and_only_that() -> None:
    guard = Guard(networks("127.0.0.0/8, ::1/128"), Names({"both.example": [["127.0.0.1", "10.0.0.1"]], **NAMES}))
    assert guard.check("http://127.0.0.1:8000/").addresses == ("127.0.0.1",)
    assert guard.check("https://[::1]/").addresses == ("::1",)
    for url, code in {
        "http://good.example/": "url_not_https",
        "https://both.example/": "address_not_public",
        f"{HTTP}10.0.0.1/": "address_not_public",
        "https://[::ffff:127.0.0.1]/": "address_not_public",
    }.items():
        with pytest.raises(AddressRefused) as refused:
            guard.check(url)
        assert refused.value.code == code


# -- nothing arrives --------------------------------------------------------------------------------------------------


@dataclass
class Sink:
    """A server that counts who connects."""

    listener: socket.socket
    connections: int = 0

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def count(self) -> None:
        while True:
            try:
                self.listener.accept()[0].close()
            except OSError:
                return
            self.connections += 1


@pytest.fixture
def sink() -> Iterator[Sink]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        counting = Sink(listener)
        thread = threading.Thread(target=counting.count)
        thread.start()
        yield counting
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_nobody_connects_to_what_is_refused(sink: Sink) -> None:
    names = Names({"inside.example": [["127.0.0.1"]], "mixed.example": [["93.184.215.14", "127.0.0.1"]]})
    poster = Poster(Guard(resolve=names), limit=2)
    forms = ["127.0.0.1", "0", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"]
    for host in [*forms, "inside.example", "mixed.example"]:
        for scheme in ("https", "http", "gopher"):
            answer = poster.post(f"{scheme}://{host}:{sink.port}/", {}, b"{}")
            assert answer.status is None and answer.error in {
                "address_not_public",
                "invalid_url",
                "url_not_https",
                "host_not_found",
            }
    assert sink.connections == 0


def test_rebinding_changes_nothing(sink: Sink) -> None:
    """The name is public when it is registered and private when it is used; and public again when asked once more."""
    names = Names({"rebind.example": [["93.184.215.14"], ["127.0.0.1"], ["93.184.215.14"]]})
    guard = Guard(resolve=names)
    guard.check(f"https://rebind.example:{sink.port}/")
    answer = Poster(guard, limit=2).post(f"https://rebind.example:{sink.port}/", {}, b"{}")
    assert answer.error == "address_not_public" and sink.connections == 0
    assert names.asked == ["rebind.example"] * 2, "resolved more than once for one use"

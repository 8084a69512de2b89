"""D9: a browser's EventSource sends no headers; a ticket opens one stream, once, within seconds, with its user's rights."""

import threading
import time
from typing import Any

import httpx
import pytest

from gateway.events import tickets
from shared.kernel.signing import Signer
from tests.gateway.conftest import until
from tests.gateway.events.conftest import GatewayAlone, held
from tests.suite import Api


def test_a_ticket_opens_one_stream_once(alone: GatewayAlone) -> None:
    """D9: without a header, for the types that it was asked for, and for nothing else."""
    ticket = _ticket(alone.api, types="crm_sales.order.*")
    with _stream(alone, ticket) as answer:
        assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines).startswith("retry: ")
        sent = held()
        alone.publish(sent[1])
        assert f"id: {sent[0]}" in lines
    assert _refused(alone, ticket) == 401
    assert _refused(alone, _ticket(alone.api), types="#") == 400
    me = httpx.get(f"{alone.base_url}/v1/me", headers={"Authorization": f"Bearer {_ticket(alone.api)}"})
    assert me.status_code == 401


@pytest.mark.parametrize("wrong", ["", "x.y.z", "access token", "expired", "of an expired token"])
def test_what_is_no_good_ticket_opens_nothing(alone: GatewayAlone, wrong: str) -> None:
    """D9: always the same answer."""
    now = int(time.time())
    token = {"sub": "u", "exp": now - 1 if wrong == "of an expired token" else now + 60}
    claims = {"sub": "u", "iat": now - 60, "exp": now - 1 if wrong == "expired" else now + 20, "jti": f"{wrong} {now}"}
    signer = Signer(str(alone.root / "signing-key.pem"))
    signed = signer.sign(tickets.KIND, tickets.AUDIENCE, {**claims, "token": token, "types": "#"})
    known = {"": "", "x.y.z": "x.y.z", "access token": alone.api.token}
    assert _refused(alone, known.get(wrong, signed)) == 401


def test_a_ticket_gives_no_more_than_its_user_has_at_each_moment(alone: GatewayAlone) -> None:
    """D9: whoever is shut out hears no more through an open stream, and a ticket from before opens none."""
    user = alone.user("ticket-clerk@lamp.example", "warehouse")
    first, second = _ticket(user), _ticket(user)
    ended: list[float] = []
    opened = threading.Event()

    def follow() -> None:
        with _stream(alone, first) as answer:
            assert answer.status_code == 200
            opened.set()
            for _ in answer.iter_lines():
                ended[:] = []
        ended.append(time.monotonic())

    following = threading.Thread(target=follow)
    following.start()
    assert opened.wait(20)
    alone.sql("gateway", "UPDATE app_user SET active = false WHERE email = 'ticket-clerk@lamp.example'")
    until(lambda: bool(ended), 8)
    following.join()
    assert _refused(alone, second) == 401


def test_tickets_are_for_those_who_are_signed_in_and_may_hear_events(alone: GatewayAlone) -> None:
    """D9: a program with a key sends its header."""
    key = alone.api.post("/v1/api-keys", {"name": "stream", "scopes": ["gateway.events:read"]})["secret"]
    url = f"{alone.base_url}/v1/events/stream-tickets"
    for header, status in ({"Authorization": f"Bearer {key}"}, 403), ({}, 401):
        assert httpx.post(url, json={}, headers=header).status_code == status
    odd = alone.api.http.post("/v1/events/stream-tickets", json={"types": "no.such.type"})
    assert (odd.status_code, odd.json()["errors"][0]["pointer"]) == (422, "/types"), odd.text


def _ticket(api: Api, **wishes: str) -> str:
    answer = api.http.post("/v1/events/stream-tickets", json=wishes)
    assert answer.status_code == 201 and answer.headers["cache-control"] == "no-store", answer.text
    assert answer.json()["expires_in"] == tickets.SECONDS
    found: str = answer.json()["ticket"]
    return found


def _stream(alone: GatewayAlone, ticket: str, **more: str) -> Any:
    params = {"ticket": ticket, **more}
    return httpx.stream("GET", f"{alone.base_url}/v1/events/stream", params=params, timeout=10)


def _refused(alone: GatewayAlone, ticket: str, **more: str) -> int:
    with _stream(alone, ticket, **more) as answer:
        return int(answer.status_code)

"""The real service behind the real edge: two replicas that are killed in the middle, and receivers that hang."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local import servers as local
from shared import contracts
from tests.gateway.conftest import until
from tests.gateway.events.conftest import GatewayAlone, held
from tests.gateway.webhooks.receiver import receiving
from tests.guides.guide import FIRST, SIGN_IN, WEBHOOKS, blocks, carry_out
from tests.ports import free_port
from tests.suite import Refused

REPLICAS = ("gateway.service.1", "gateway.service.2")
QUICK = {
    "LIAISON_WEBHOOK_ALLOW": "127.0.0.0/8",
    "LIAISON_WEBHOOK_RETRY_SECONDS": ",".join(["0.2"] * 60),
    "LIAISON_WEBHOOK_LIMIT_SECONDS": "2",
    "LIAISON_WEBHOOK_LEASE_SECONDS": "3",
}


@pytest.fixture(scope="module")
def suite(pair: local.Servers, own_root: Path) -> Iterator[GatewayAlone]:
    contracts.events()
    started = GatewayAlone(pair, own_root / "gateway-webhooks", "gateway_webhooks", env=QUICK, replicas=2).start()
    yield started
    started.stop()


def _webhook(suite: GatewayAlone, url: str) -> Any:
    return suite.api.post("/v1/webhooks", {"url": url, "event_types": ["crm_sales.order.*"]})


def _remove(suite: GatewayAlone, webhook: Any) -> None:
    suite.api.delete(f"/v1/webhooks/{webhook['id']}", suite.api.get(f"/v1/webhooks/{webhook['id']}")["version"])


def _metric(suite: GatewayAlone, name: str) -> float:
    found = 0.0
    for replica in REPLICAS:
        lines = httpx.get(f"{suite.health_urls[replica]}/metrics").text.splitlines()
        found += sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))
    return found


def test_through_the_api(suite: GatewayAlone) -> None:
    with receiving() as receiver:
        webhook = _webhook(suite, receiver.url)
        path = f"/v1/webhooks/{webhook['id']}"
        event_id, body = held()
        suite.publish(body)
        asked = suite.api.post(f"{path}/test")
        until(lambda: len(receiver.got) == 2)
        sent = {got.id: got.verified(webhook["secret"]) for got in receiver.got}
        assert set(sent) == {event_id, asked["event_id"]}
        assert next(got.body for got in receiver.got if got.id == event_id) == body, "as the producer wrote it"
        suite.api.eventually(f"{path}/deliveries", lambda d: [e["status"] for e in d["data"]] == ["delivered"] * 2)
        (entry,) = suite.api.get(f"{path}/deliveries", kind="event")["data"]
        suite.api.post(f"{path}/deliveries/{entry['id']}/redeliver")
        until(lambda: receiver.ids().count(event_id) == 2)
        assert _metric(suite, "webhook_deliveries_total") >= 2
        _remove(suite, webhook)
    with pytest.raises(Refused) as refused:
        _webhook(suite, "gopher://x.example/")
    assert (refused.value.status, refused.value.problem["errors"][0]["code"]) == (422, "url_not_https")
    with pytest.raises(Refused) as refused:
        suite.api.get(path)
    assert refused.value.status == 404


@pytest.mark.parametrize("language", WEBHOOKS)
def test_the_guide(language: str, suite: GatewayAlone, tmp_path: Path) -> None:
    """D9: its commands as they stand there, on a machine without a name; only the port is one that is free."""
    commands = "".join(blocks(FIRST[language])[:SIGN_IN] + blocks(WEBHOOKS[language]))
    assert commands.count("8099") == 2
    commands = commands.replace("8099", str(free_port()))
    secret, sent, received, logged, rotated = carry_out([commands], suite, tmp_path)
    assert (sent, received, logged) == ("gateway.webhook.tested", f"liaison.{sent}.v1", "test")
    assert secret.startswith("whsec_") and rotated.startswith("whsec_") and rotated != secret
    _remove(suite, json.loads((tmp_path / "webhook.json").read_text(encoding="utf-8")))


def test_killed_in_the_middle_nothing_is_lost_and_nothing_overtakes(suite: GatewayAlone) -> None:
    def slowly(*_: Any) -> tuple[int, dict[str, str], bytes]:
        time.sleep(0.01)
        return 200, {}, b""

    with receiving(slowly) as receiver:
        webhook = _webhook(suite, receiver.url)
        events = [held(f"SO-{n}") for n in range(150)]
        suite.publish(*(body for _, body in events))
        for seen in (20, 70):
            until(lambda seen=seen: len(receiver.got) >= seen, 40)  # type: ignore[misc]
            for replica in REPLICAS:
                suite.kill(replica)
            suite.supervisor.wait_ready(60)
        until(lambda: len(set(receiver.ids())) == 150, 60)
        ids = receiver.ids()
        assert list(dict.fromkeys(ids)) == [event_id for event_id, _ in events]
        assert len(ids) <= 154, "only what was under way came twice"
        for got in receiver.got:
            got.verified(webhook["secret"])
        _remove(suite, webhook)


def test_it_ends_in_order_and_another_goes_on_at_once(suite: GatewayAlone) -> None:
    with receiving() as receiver:
        webhook = _webhook(suite, receiver.url)
        for replica in REPLICAS:
            assert suite.supervisor.restart(replica)
            event_id, body = held()
            suite.publish(body)
            until(lambda event_id=event_id: event_id in receiver.ids(), 10)  # type: ignore[misc]
        assert len(receiver.got) == 2
        _remove(suite, webhook)
        suite.supervisor.wait_ready(60)


def test_receivers_that_hang_block_nothing(suite: GatewayAlone) -> None:
    """Neither other receivers, nor calls to the service, nor its event loop."""
    done = threading.Event()

    def hang(*_: Any) -> tuple[int, dict[str, str], bytes]:
        done.wait(10)
        return 200, {}, b""

    with receiving(hang) as hanging, receiving() as quick:
        webhooks = [_webhook(suite, f"{hanging.url}/{n}") for n in range(12)] + [_webhook(suite, quick.url)]
        events = [held() for _ in range(20)]
        suite.publish(*(body for _, body in events))
        until(lambda: len(hanging.got) >= 12)
        until(lambda: len(quick.got) == 20, 3)
        times = []
        for _ in range(20):
            begun = time.monotonic()
            suite.api.get("/v1/webhooks")
            times.append(time.monotonic() - begun)
        lag = _metric(suite, "bus_hub_lag_seconds")
        done.set()
        assert sorted(times)[10] < 0.5 and lag < 0.5, (times, lag)
        for webhook in webhooks:
            _remove(suite, webhook)
    logs = "".join(suite.supervisor.log_of(replica).read_text() for replica in REPLICAS)
    assert "event loop was blocked" not in logs and "interrupted" not in logs

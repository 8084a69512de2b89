"""Parked messages of all services through the gateway: one list, whoever keeps them."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.suite import Refused, Suite

_PARK = (
    "INSERT INTO inbox (consumer, event_id, type, producer, sha256, state, attempts, error_code, envelope, received_at)"
    " VALUES (%s, %s, 'undecodable', 'unknown', sha256('{'), 'parked', 1, %s, '{', now() - make_interval(secs => %s))"
)
CODE = "made_for_this_test"


@pytest.fixture
def parked(running: Suite) -> Iterator[list[str]]:
    """Six in two services, with ages that alternate; the ids oldest first."""
    ids = [str(uuid4()) for _ in range(6)]
    for age, id_ in enumerate(reversed(ids)):
        service, consumer = [("crm_sales", "note_shipment"), ("erp_finance", "post_stock")][age % 2]
        running.sql(service, _PARK, consumer, id_, CODE, age)
    yield ids
    for service in ("crm_sales", "erp_finance"):
        running.sql(service, "DELETE FROM inbox WHERE error_code = %s", CODE)


def test_one_list_over_all_services(running: Suite, parked: list[str]) -> None:
    everything = running.api.get("/v1/parked-messages", error_code=CODE)
    assert [row["event_id"] for row in everything["data"]] == parked
    assert everything["next_cursor"] is None and everything["unavailable"] == []
    paged, cursor = [], None
    for _ in range(3):
        page = running.api.get(
            "/v1/parked-messages", error_code=CODE, limit=2, **({"cursor": cursor} if cursor else {})
        )
        paged += [row["event_id"] for row in page["data"]]
        cursor = page["next_cursor"]
    assert paged == parked and cursor is None
    only = running.api.get("/v1/parked-messages", error_code=CODE, service="erp_finance")["data"]
    assert {row["service"] for row in only} == {"erp_finance"} and len(only) == 3


def test_one_is_shown_and_given_up(running: Suite, parked: list[str]) -> None:
    row = running.api.get("/v1/parked-messages", error_code=CODE)["data"][0]
    place = f"/v1/parked-messages/{row['service']}/{row['consumer']}/{row['event_id']}"
    assert running.api.get(place)["body"] == "{"
    assert running.api.post(f"{place}/discard", {"reason": "only a test"}) is None
    with pytest.raises(Refused) as gone:
        running.api.get(place)
    assert gone.value.status == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/parked-messages?service=nobody", 404),
        ("/v1/parked-messages?limit=201", 400),
        ("/v1/parked-messages?limit=x", 400),
        ("/v1/parked-messages?cursor=x", 400),
        (f"/v1/parked-messages/nobody/x/{uuid4()}", 404),
        (f"/v1/parked-messages/crm_sales/x/{uuid4()}", 404),
        ("/v1/parked-messages/crm_sales/x/y", 404),
    ],
)
def test_what_makes_no_sense_is_refused(running: Suite, path: str, status: int) -> None:
    assert running.api.http.get(path).status_code == status


def test_a_clerk_sees_nothing(running: Suite) -> None:
    clerk = running.user("parked-clerk@suite.example", "warehouse")
    assert clerk.http.get("/v1/parked-messages").status_code == 403

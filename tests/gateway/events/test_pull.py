"""`GET /v1/events`, on a database of its own."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from gateway.errors import EventGone, UnknownEvent
from gateway.service import Gateway
from shared.contracts import erp_finance as finance
from shared.kernel import clock, ids
from shared.kernel.refusals import BadRequest, NotYet
from tests.conftest import Databases
from tests.gateway.events.conftest import held
from tests.harness import Harness, message

READER = ("gateway.events:read",)
Pull = Callable[..., Any]


@pytest.fixture
def gateway_service(databases: Databases) -> Iterator[Harness]:
    urls = databases.fresh("gateway")
    harness = Harness(Gateway, urls.application)
    yield harness
    harness.close()
    databases.drop(urls)


@pytest.fixture
def pull(gateway_service: Harness) -> Pull:
    def ask(permissions: tuple[str, ...] = ("*",), companies: Any = None, **query: str) -> Any:
        return gateway_service.call("list_events", query=query, permissions=permissions, companies=companies)

    return ask


def _paid() -> tuple[str, bytes]:
    event = finance.CreditReleased(order_id=ids.new_id(), customer_id=ids.new_id())
    event_id = ids.new_event_id(event.full_type)
    return str(event_id), message(event, event_id)


def _shown(answer: Any) -> list[str]:
    return [event["id"] for event in answer["data"]]


def test_pages_follow_each_other_without_gap(gateway_service: Harness, pull: Pull) -> None:
    sent = [held() for _ in range(5)]
    gateway_service.record("event_store", *(body for _, body in sent))
    first = pull(limit="2")
    second = pull(limit="2", after=first["next_cursor"])
    third = pull(limit="2", after=second["next_cursor"])
    assert _shown(first) + _shown(second) + _shown(third) == [event_id for event_id, _ in sent]
    assert third["next_cursor"] is None and third["last_id"] == sent[-1][0]
    nothing = pull(after=third["last_id"])
    assert nothing == {"data": [], "next_cursor": None, "last_id": sent[-1][0]}
    later = held()
    gateway_service.record("event_store", later[1])
    assert _shown(pull(after=third["last_id"])) == [later[0]]


def test_it_is_the_event_as_it_was_published(gateway_service: Harness, pull: Pull) -> None:

    event_id, body = held("SO-é")
    gateway_service.record("event_store", body)
    assert pull()["data"] == [json.loads(body)] and event_id in body.decode()


def test_types_and_rights_choose(gateway_service: Harness, pull: Pull) -> None:
    order, credit = held(), _paid()
    gateway_service.record("event_store", order[1], credit[1])
    assert _shown(pull(types="crm_sales.order.*")) == [order[0]]
    assert _shown(pull(types="crm_sales.#, erp_finance.credit.released")) == [order[0], credit[0]]
    assert _shown(pull((*READER, "sales.*:read"))) == [order[0]]
    assert _shown(pull((*READER, "sales.*:read"), types="erp_finance.#")) == []
    assert _shown(pull((*READER, "sales.orders:read@own"))) == []
    with gateway_service.session() as session:
        session.execute(text("UPDATE event_store SET company_id = :other"), {"other": uuid4()})
        session.commit()
    assert _shown(pull(companies=(ids.DEFAULT_COMPANY_ID,))) == [] and len(_shown(pull())) == 2


def test_from_now_on(gateway_service: Harness, pull: Pull) -> None:
    """D4: `after=latest` says where what happens from now on begins, as far as one may see."""
    assert pull(after="latest") == {"data": [], "next_cursor": None, "last_id": None}
    order, credit = held(), _paid()
    gateway_service.record("event_store", order[1], credit[1])
    assert pull(after="latest")["last_id"] == credit[0]
    assert pull((*READER, "sales.*:read"), after="latest")["last_id"] == order[0]
    later = held()
    gateway_service.record("event_store", later[1])
    assert _shown(pull(after=credit[0])) == [later[0]] and pull(after="latest")["data"] == []


def test_the_events_of_one_subject(gateway_service: Harness, pull: Pull) -> None:
    """D4: `subject` chooses what is about one thing, with pages, types and rights as ever; `cursor` goes on with a page."""
    sent = [held() for _ in range(3)]
    gateway_service.record("event_store", *(body for _, body in sent), _paid()[1])
    subject = json.loads(sent[1][1])["subject"]
    assert _shown(pull(subject=subject)) == [sent[1][0]] == [pull(subject=subject, after="latest")["last_id"]]
    assert _shown(pull(subject=subject, after=sent[1][0])) == [] == _shown(pull(subject=subject, types="erp_finance.#"))
    assert _shown(pull(subject="quote/" + subject.partition("/")[2])) == []
    assert _shown(pull((*READER, "finance.*:read"), subject=subject)) == []
    first = pull(limit="2")
    assert _shown(pull(limit="2", cursor=first["next_cursor"]))[0] == sent[2][0]


def test_an_after_that_is_not_there(gateway_service: Harness, pull: Pull) -> None:
    with pytest.raises(EventGone):
        pull(after=str(_id_of(clock.now() - timedelta(days=91))))
    with pytest.raises(UnknownEvent):
        pull(after=str(_id_of(clock.now() - timedelta(days=3))))
    with pytest.raises(UnknownEvent):
        pull(after="ffffffff-ffff-7fff-bfff-ffffffffffff")
    with pytest.raises(EventGone):
        pull(after="00000000-0000-4000-8000-000000000000")
    with pytest.raises(NotYet):
        pull(after=held()[0])


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ({"types": "crm_sales.ordre.*"}, "?types", "unknown_event_type"),
        ({"types": ""}, "?types", "unknown_event_type"),
        ({"types": "#," * 60 + "#"}, "?types", "too_long"),
        ({"limit": "0"}, "?limit", "out_of_range"),
        ({"limit": "-1"}, "?limit", "invalid_type"),
        ({"limit": "201"}, "?limit", "out_of_range"),
        ({"limit": "9" * 400}, "?limit", "out_of_range"),
        ({"limit": "²"}, "?limit", "invalid_type"),
        ({"after": "x"}, "?after", "invalid_uuid"),
        ({"cursor": "x"}, "?cursor", "invalid_uuid"),
        ({"cursor": str(ids.new_id()), "after": "latest"}, "?cursor", "ambiguous"),
        ({"subject": "order"}, "?subject", "invalid"),
        ({"colour": "red"}, "?colour", "unknown_parameter"),
    ],
)
def test_a_wrong_question_is_refused(pull: Pull, query: dict[str, str], pointer: str, code: str) -> None:
    with pytest.raises(BadRequest) as refused:
        pull(**query)
    assert [(e["pointer"], e["code"]) for e in refused.value.errors] == [(pointer, code)]


def _id_of(at: datetime) -> UUID:
    """As if made at that time."""
    milliseconds = int(at.astimezone(UTC).timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (ids.new_id().int & ((1 << 80) - 1)))

"""A4. What somebody may read of users, keys and webhooks is cut by company as everything else."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from gateway.identity import operator
from gateway.service import Gateway
from shared.api.caller import AllCompaniesNeeded
from shared.kernel.ids import new_id
from shared.kernel.refusals import Invalid, NotFound
from tests.gateway.conftest import company
from tests.gateway.test_more_than_own import PASSWORD, user
from tests.gateway.webhooks.conftest import told
from tests.harness import Harness

__all__ = ["told"]

A, B = uuid4(), uuid4()
HERE: dict[str, Any] = {"companies": (A,), "company_id": A}
KINDS = {"users": "user", "api_keys": "api_key", "webhooks": "webhook"}


@pytest.fixture
def house(service: Callable[[type], Harness], told: None) -> Harness:
    harness = service(Gateway)
    operator.create(harness.engine, "root@lamp.example", "Root", ["admin"], PASSWORD)
    for one in (A, B):
        company(harness, one)
    return harness


def people(house: Harness) -> dict[str, Any]:
    """Who works in A, in both, in all companies, and in B only."""
    return {
        "a": user(house, "admin", companies=[str(A)], company_id=str(A)),
        "both": user(house, "admin", companies=[str(B), str(A)], company_id=str(B)),
        "all": user(house, "admin"),
        "b": user(house, "admin", companies=[str(B)], company_id=str(B)),
    }


def keys_of(house: Harness, owners: dict[str, Any]) -> dict[str, Any]:
    body = {"name": "k", "scopes": ["*"]}
    made = {name: house.call("create_api_key", body=body, actor=owner["id"]) for name, owner in owners.items()}
    for name in ("both", "all"):  # of owners who work here, but for the other company
        there = {**body, "company_id": str(B)}
        made[f"{name}, there"] = house.call("create_api_key", body=there, actor=owners[name]["id"])
    return made


def webhooks_of(house: Harness, owners: dict[str, Any]) -> dict[str, Any]:
    body = {"url": "https://127.0.0.1:8443/hook", "event_types": ["#"]}
    made = {name: house.call("create_webhook", body=body, actor=owner["id"]) for name, owner in owners.items()}
    limited = {"actor": owners["all"]["id"], "companies": (B,)}
    return made | {"all, there": house.call("create_webhook", body=body, **limited)}


def seen(house: Harness, kind: str, made: dict[str, Any], **caller: Any) -> set[str]:
    """The names of those that a list shows; single objects and histories agree with it, and so does the total."""
    page = house.call(f"list_{kind}", query={"include_total": "true", "limit": "200"}, **caller)
    ids = {row["id"] for row in page["data"]}
    assert page["total"] == len(ids)
    for one in made.values():
        for operation in (f"get_{KINDS[kind]}", f"history_of_{kind}"):
            if one["id"] in ids:
                house.call(operation, id=one["id"], **caller)
            else:
                with pytest.raises(NotFound):
                    house.call(operation, id=one["id"], **caller)
    return {name for name, one in made.items() if one["id"] in ids}


def test_an_administrator_of_one_company_sees_who_works_there(house: Harness) -> None:
    """A4. He read users, keys and webhooks of all companies. Whoever works in all works in his as well."""
    made = people(house)
    keys, hooks = keys_of(house, made), webhooks_of(house, made)
    assert seen(house, "users", made) == set(made)
    assert seen(house, "api_keys", keys) == set(keys)
    assert seen(house, "webhooks", hooks) == set(hooks)
    for kind, found in (("users", made), ("api_keys", keys), ("webhooks", hooks)):
        assert seen(house, kind, found, **HERE) == {"a", "both", "all"}, kind
        with pytest.raises(NotFound):
            house.call("history_of_users", id=made["b"]["id"], **HERE)
    gone = [(f"delete_{KINDS[kind]}", found["b"]) for kind, found in (("api_keys", keys), ("webhooks", hooks))]
    for operation, one in [*gone, ("set_password_user", made["b"])]:
        with pytest.raises(NotFound):
            body = (
                {"body": {"password": "violet-ladder-fog-3"}} if operation == "set_password_user" else {"if_match": "*"}
            )
            house.call(operation, id=one["id"], **body, **HERE)


def test_a_deleted_user_of_another_company_has_no_history_here(house: Harness) -> None:
    """A4, A5. Nor a manager, for somebody of this company."""
    theirs, mine = user(house, "hr", companies=[str(B)], company_id=str(B)), user(house, "hr", companies=[str(A)])
    with pytest.raises(Invalid) as refused:
        house.call("update_user", id=mine["id"], body={"manager_id": theirs["id"]}, if_match="*", **HERE)
    assert refused.value.errors == [{"pointer": "/manager_id", "code": "not_found"}]
    house.call("delete_user", id=theirs["id"], if_match="*", actor="somebody")
    house.call("history_of_users", id=theirs["id"])
    for who in ({}, {"actor": "somebody"}):
        with pytest.raises(NotFound):
            house.call("history_of_users", id=theirs["id"], **who, **HERE)


def test_an_export_holds_what_the_list_shows(house: Harness) -> None:
    """A4."""
    people(house)
    job = house.call("export_users", body={"format": "csv"}, **HERE)
    while house.jobs.run_one():
        pass
    assert (
        house.call("get_job", id=job["id"], **HERE)["progress"]["done"]
        == house.call("list_users", query={"include_total": "true"}, **HERE)["total"]
    )


def test_events_of_identity_are_for_the_companies_of_the_user(house: Harness) -> None:
    """A4. Pulled, by subject and the latest one; streams and webhooks ask the same (test_visibility.py)."""
    made = people(house)
    for one in webhooks_of(house, made).values():
        house.call("update_webhook", id=one["id"], body={"description": "x"}, if_match="*")
    gone = user(house, "hr", companies=[str(B)])
    house.call("delete_user", id=gone["id"], if_match="*")
    told = outbox(house)
    house.record("event_store", *told)
    everything = house.call("list_events", query={"limit": "200"})["data"]
    assert len(everything) == len(told)
    page = house.call("list_events", query={"limit": "200"}, **HERE)
    subjects = {event["subject"] for event in page["data"]}
    assert {f"user/{made[name]['id']}" for name in ("a", "both", "all")} <= subjects
    for event in everything:
        companies = event["data"]["companies"]
        assert (event in page["data"]) is (companies is None or str(A) in companies)
    assert len(page["data"]) < len(everything) - 3
    theirs = {"subject": f"user/{gone['id']}"}
    assert len(house.call("list_events", query=theirs)["data"]) == 2
    assert house.call("list_events", query=theirs, **HERE)["data"] == []
    assert house.call("list_events", query={**theirs, "after": "latest"}, **HERE)["last_id"] is None
    assert house.call("list_events", query={"after": "latest"}, **HERE)["last_id"] == page["data"][-1]["id"]


def outbox(house: Harness) -> list[bytes]:
    with house.session() as session:
        rows = session.execute(text("SELECT envelope FROM outbox ORDER BY id")).scalars()
        return [row.encode() for row in rows]


def test_what_no_company_can_cut_needs_them_all(house: Harness) -> None:
    """A5. Sign-ins, which strangers cause as well, and subscriptions over AMQP, which leave nothing out."""
    one = str(new_id())
    asked: list[tuple[str, dict[str, Any]]] = [
        ("list_sign_ins", {"query": {}}),
        ("list_event_subscriptions", {"query": {}}),
        ("get_event_subscription", {"id": one}),
        ("history_of_event_subscriptions", {"id": one}),
    ]
    for operation, given in asked:
        with pytest.raises(AllCompaniesNeeded):
            house.call(operation, **given, **HERE)

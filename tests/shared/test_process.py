"""A second process, of a purchase, on a real database; it declares steps and notes facts, no more."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from deploy.local.provision import DatabaseUrls
from shared.derived import plain
from shared.kernel import clock
from shared.kernel.context import Context
from shared.kernel.ids import new_id
from shared.kernel.refusals import Conflict, InvalidTransition
from shared.process.refusals import NothingToResume
from shared.schema.steps import PROCESSES, Step, Steps, StepStatus
from shared.storage import transaction
from shared.storage.connecting import options, single
from tests.contracts import raising
from tests.contracts.raising import refusals_of
from tests.days import present_day
from tests.harness import Harness
from tests.migrations.catalog import MODELLED, TRIGGERS, describe
from tests.shared.buying import contract as buying
from tests.shared.buying import models
from tests.shared.buying.models import Purchase
from tests.shared.buying.service import Buying, PurchaseNotHere, PurchaseProcess
from tests.shared.conftest import ToyDatabases


@pytest.fixture(scope="module")
def urls(toy_databases: ToyDatabases) -> DatabaseUrls:
    return toy_databases.fresh_of("buying", models.create_schema)


@pytest.fixture
def buyer(toy_databases: ToyDatabases, urls: DatabaseUrls) -> Iterator[Harness]:
    harness = Harness(Buying, urls.application)
    for verb in (buying.Purchase.withdraw, buying.Purchase.resume):  # a service that is listed has them from `collect`
        harness.operations[verb.name] = plain.handler(verb)
    yield harness
    harness.close()
    toy_databases.empty(urls.application)


def buy(buyer: Harness) -> dict[str, Any]:
    made: dict[str, Any] = buyer.call("create_purchase", body={"number": "P-1", "amount": 10})
    return made


def steps(buyer: Harness, purchase: dict[str, Any]) -> dict[str, tuple[str, str | None, str | None]]:
    """{step: (status, what it waits for, reason)}."""
    progress = buyer.call("progress_of_purchases", id=purchase["id"])
    assert (progress["purchase_id"], [step["name"] for step in progress["steps"]]) == (
        purchase["id"], ["budget", "delivery"],
    )  # fmt: skip
    return {step["name"]: (step["status"], step["waits_for"], step["reason"]) for step in progress["steps"]}


def reserved(purchase: dict[str, Any]) -> buying.BudgetReserved:
    return buying.BudgetReserved(budget_id=new_id(), purchase_id=UUID(purchase["id"]))


def released(purchase: dict[str, Any]) -> buying.BudgetReleased:
    return buying.BudgetReleased(budget_id=new_id(), purchase_id=UUID(purchase["id"]))


def parcel(purchase: dict[str, Any]) -> buying.ParcelReceived:
    return buying.ParcelReceived(
        parcel_id=new_id(), number="C-7", purchase_id=UUID(purchase["id"]), received_on=present_day()
    )


def told(buyer: Harness) -> list[str]:
    return [type(event).__name__ for event in buyer.published()]


def test_steps_follow_the_facts_to_the_end(buyer: Harness) -> None:
    purchase = buy(buyer)
    assert steps(buyer, purchase) == {
        "budget": ("pending", "budgets.budget.reserved", None), "delivery": ("pending", "budget", None),
    }  # fmt: skip
    buyer.deliver(reserved(purchase))
    assert steps(buyer, purchase) == {
        "budget": ("done", None, None), "delivery": ("pending", "depot.parcel.received", None),
    }  # fmt: skip
    buyer.deliver(parcel(purchase))
    assert {status for status, _, _ in steps(buyer, purchase).values()} == {"done"}


def test_a_step_is_late_after_its_deadline_until_it_is_resumed(buyer: Harness) -> None:
    """Waiting for another service has a deadline, waiting for an earlier step has none."""
    purchase = buy(buyer)
    found = buyer.call("progress_of_purchases", id=purchase["id"])["steps"]
    assert [step["deadline"] is not None for step in found] == [True, False]
    lasts = datetime.fromisoformat(found[0]["deadline"]) - datetime.fromisoformat(found[0]["at"])
    assert lasts == timedelta(hours=1)
    with clock.shifted(timedelta(minutes=59)):
        buyer.tick("mark_overdue")
        assert steps(buyer, purchase)["budget"][2] is None
    with clock.shifted(timedelta(minutes=61)):
        buyer.tick("mark_overdue")
        assert steps(buyer, purchase)["budget"] == ("pending", "budgets.budget.reserved", "overdue")
        assert told(buyer) == ["PurchaseRequested"]
        buyer.call("resume_purchase", id=purchase["id"])
        assert told(buyer) == ["PurchaseRequested"]
        buyer.tick("mark_overdue")
        assert steps(buyer, purchase)["budget"][2] is None


def test_resuming_what_waits_for_no_answer_is_refused(buyer: Harness) -> None:
    purchase = buy(buyer)
    buyer.deliver(reserved(purchase))
    told(buyer)
    with pytest.raises(Conflict) as refused:
        buyer.call("resume_purchase", id=purchase["id"])
    assert (refused.value.code, told(buyer)) == ("nothing_to_resume", [])
    assert refused.value.text("fr") == "P-1 n'attend aucune réponse que l'on puisse redemander."


def test_a_cancelled_process_waits_for_its_compensation(buyer: Harness) -> None:
    purchase = buy(buyer)
    buyer.deliver(reserved(purchase))
    buyer.call("withdraw_purchase", id=purchase["id"])
    assert steps(buyer, purchase) == {
        "budget": ("pending", "budgets.budget.released", None), "delivery": ("failed", None, "cancelled"),
    }  # fmt: skip
    with clock.shifted(timedelta(minutes=61)):
        buyer.tick("mark_overdue")
        assert steps(buyer, purchase)["budget"][2] == "overdue"
    told(buyer)
    buyer.call("resume_purchase", id=purchase["id"])
    assert told(buyer) == ["PurchaseWithdrawn"]
    buyer.deliver(released(purchase))
    assert steps(buyer, purchase)["budget"] == ("compensated", None, None)
    buyer.deliver(reserved(purchase))  # late
    assert steps(buyer, purchase)["budget"] == ("compensated", None, None)


def test_the_trace_has_each_fact_with_its_document_and_cause(buyer: Harness) -> None:
    """What an event is about is declared on it: the purchase without its number, or the parcel with its own."""
    purchase = buy(buyer)
    buyer.deliver(reserved(purchase))
    buyer.deliver(fact := parcel(purchase))
    nodes = buyer.call("trace_of_purchases", id=purchase["id"])["nodes"]
    assert [(node["event_type"].split(".", 1)[1], node["type"], node["number"]) for node in nodes] == [
        ("buying.purchase.requested.v1", "purchase", "P-1"),
        ("budgets.budget.reserved.v1", "purchase", "P-1"),
        ("depot.parcel.received.v1", "parcel", "C-7"),
    ]
    assert [node["id"] for node in nodes] == [purchase["id"], purchase["id"], str(fact.parcel_id)]
    assert nodes[0]["caused_by"]


def test_a_fact_about_something_that_is_not_here_waits(buyer: Harness) -> None:
    assert buyer.deliver(reserved({"id": str(new_id())})) == "retry"


def test_after_an_exception_nothing_is_published(buyer: Harness) -> None:
    """Even where somebody else catches it and the transaction commits."""
    purchase = buy(buyer)
    told(buyer)

    def fail(session: Session) -> None:
        record = session.get(Purchase, UUID(purchase["id"]), with_for_update=True)
        assert record is not None
        with pytest.raises(InvalidTransition), PurchaseProcess.on(session, record) as process:
            process.publish(record.withdraw())
            record.withdraw()
        session.expire(record)
        with PurchaseProcess.on(session, record):
            pass  # the frame is closed: another may follow

    transaction.run(buyer.engine, Context(), fail)
    assert told(buyer) == []
    assert buyer.call("get_purchase", id=purchase["id"])["status"] == "requested"
    assert len(buyer.call("trace_of_purchases", id=purchase["id"])["nodes"]) == 1


def test_frames_of_one_aggregate_do_not_nest(buyer: Harness) -> None:
    """The inner one would compare its steps with half of what the outer one does."""
    purchase, other = buy(buyer), buy(buyer)

    def nest(session: Session) -> None:
        one, two = (session.get_one(Purchase, UUID(p["id"])) for p in (purchase, other))
        with PurchaseProcess.on(session, one), PurchaseProcess.on(session, two):
            with pytest.raises(RuntimeError, match=str(one.id)), PurchaseProcess.on(session, one):
                raise AssertionError

    transaction.run(buyer.engine, Context(), nest)


def test_a_trace_is_never_changed_and_names_of_steps_are_held(urls: DatabaseUrls, buyer: Harness) -> None:
    purchase = buy(buyer)
    for statement in (
        "UPDATE purchase_trace SET number = 'x'",
        "DELETE FROM purchase_trace",
        f"INSERT INTO purchase_step (purchase_id, name, status, at) VALUES ('{purchase['id']}', 'other', 'done', now())",
    ):
        engine = single(urls.owner)
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()


def test_the_migration_makes_what_the_models_say(urls: DatabaseUrls) -> None:
    engine = single(urls.owner, "READ COMMITTED", options=options(search_path="modelled,public"))
    with engine.connect() as connection:
        connection.execute(text("CREATE SCHEMA modelled"))
        metadata: MetaData = models.Base.metadata
        metadata.create_all(connection, checkfirst=False)
        modelled = {s for s in describe(connection, MODELLED, "modelled") if "purchase_" in s}
        connection.execute(text("SET search_path = public"))
        assert modelled == {s for s in describe(connection, MODELLED) if "purchase_" in s}
        names = {sentence.split()[1] for sentence in describe(connection, {"trigger": TRIGGERS})}
    engine.dispose()
    assert {f"purchase_trace_no_{event}" for event in ("update", "delete", "truncate")} <= names


def test_the_reader_of_refusals_follows_the_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """It finds what the frame refuses, and what the model does within it."""
    monkeypatch.setattr(raising, "_PACKAGES", ("shared", "tests"))
    assert PurchaseNotHere in refusals_of(Buying.note_budget, Buying)
    assert NothingToResume in refusals_of(PurchaseProcess.resume, PurchaseProcess)
    withdraw, resume = plain.handler(buying.Purchase.withdraw), plain.handler(buying.Purchase.resume)
    assert InvalidTransition in {r for call in withdraw.calls for r in refusals_of(*call)}
    assert {InvalidTransition, NothingToResume} <= {r for call in resume.calls for r in refusals_of(*call)}
    assert PurchaseNotHere not in refusals_of(Buying.get_purchase, Buying)


def test_a_step_as_declared_says_where_it_stands() -> None:
    step = buying.PURCHASE_STEPS["budget"]
    assert step.at() == StepStatus("budget", "pending", "budgets.budget.reserved")
    assert step.at(done=True, reason="by_hand") == StepStatus("budget", "done", reason="by_hand")
    assert step.at(done=True, cancelled=True) == StepStatus("budget", "pending", "budgets.budget.released")
    assert step.at(compensated=True, cancelled=True) == StepStatus("budget", "compensated")
    later = buying.PURCHASE_STEPS["delivery"]
    assert later.at(begun=False) == StepStatus("delivery", "pending", "budget")
    assert later.at(done=True, cancelled=True) == StepStatus("delivery", "done")
    assert later.at(cancelled=True) == StepStatus("delivery", "failed", reason="cancelled")


def test_wrong_declarations_are_refused() -> None:
    with pytest.raises(TypeError, match="declared twice"):
        Steps("purchase", "/v1/purchases", budget=Step())
    with pytest.raises(TypeError, match="'budget', which is no type of an event"):
        Steps("thing", "/v1/other-things", budget=Step("budget"))
    with pytest.raises(TypeError, match="deadline"):
        Steps("thing", "/v1/other-things", budget=Step(within=timedelta(1)))
    assert "/v1/other-things" not in PROCESSES

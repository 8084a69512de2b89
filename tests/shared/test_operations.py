"""What every operation gets from the machinery: strict input, versions, one transaction, an audit row."""

import pytest
from sqlalchemy import text

from shared.kernel.ids import new_id
from shared.kernel.refusals import BadRequest, Invalid, NotFound, StaleVersion, VersionRequired
from shared.storage.violations import Duplicate
from tests.harness import Harness
from tests.shared.toy.service import AlreadyBroken


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/name", "required"),
        ({"name": None}, "/name", "null"),
        ({"name": 5}, "/name", "invalid_type"),
        ({"name": ""}, "/name", "too_short"),
        ({"name": "x" * 201}, "/name", "too_long"),
        ({"name": "lamp", "colour": "red"}, "/colour", "unknown_field"),
        ({"name": "lamp", "version": 7}, "/version", "unknown_field"),
        ({"name": "lamp", "broken": True}, "/broken", "unknown_field"),
        ({"name": "lamp", "amount": 12.5}, "/amount", "invalid_decimal"),
        ({"name": "lamp", "amount": "1e3"}, "/amount", "invalid_decimal"),
        ({"name": "lamp", "amount": "NaN"}, "/amount", "invalid_decimal"),
        ({"name": "lamp", "amount": True}, "/amount", "invalid_decimal"),
        ({"name": "lamp", "amount": "1.005"}, "/amount", "too_many_digits"),
        ({"name": "lamp", "amount": "1000000000000"}, "/amount", "too_many_digits"),
        ({"name": "lamp", "amount": "-1"}, "/amount", "negative"),
        ({"name": "lamp", "id": "seven"}, "/id", "invalid_uuid"),
        ({"name": "lamp", "id": "{01900000-0000-7000-8000-000000000001}"}, "/id", "invalid_uuid"),
        ([], "", "invalid_type"),
        ("lamp", "", "invalid_type"),
    ],
)
def test_input_is_read_strictly(toy: Harness, body: object, pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        toy.call("create_thing", body=body)
    assert {"pointer": pointer, "code": code} in refused.value.errors
    assert toy.published() == []


def test_unknown_arguments_are_refused(toy: Harness) -> None:
    from shared.api import operations
    from shared.kernel.context import Context

    with pytest.raises(BadRequest):
        operations.execute(
            toy.service, toy.engine, toy.operations["create_thing"], {"name": "x"}, Context(permissions=("*",))
        )


def test_patch_changes_only_what_was_sent(toy: Harness) -> None:
    thing = toy.call("create_thing", body={"name": "lamp", "note": "old"})
    assert toy.call("patch_thing", id=thing["id"], body={"amount": "3"}, if_match=1)["note"] == "old"
    patched = toy.call("patch_thing", id=thing["id"], body={"note": None}, if_match=2)
    assert (patched["note"], patched["amount"], patched["version"]) == (None, "3.00", 3)


def test_patch_and_delete_need_the_present_version(toy: Harness) -> None:
    thing = toy.call("create_thing", body={"name": "lamp"})
    with pytest.raises(VersionRequired):
        toy.call("patch_thing", id=thing["id"], body={"name": "rug"})
    with pytest.raises(StaleVersion) as stale:
        toy.call("delete_thing", id=thing["id"], if_match=9)
    assert stale.value.details["version"] == 1
    assert toy.reply("delete_thing", id=thing["id"], if_match=1).status == 204


@pytest.mark.parametrize("name", ["lamp", None])
def test_a_patch_that_changes_nothing_is_no_change(toy: Harness, name: str | None) -> None:
    """D3: the version stays and nothing is published (PAT-06, ETG-15)."""
    thing = toy.call("create_thing", body={"name": "lamp"})
    toy.published()
    reply = toy.reply("patch_thing", id=thing["id"], body={"name": name} if name else {}, if_match=1)
    assert (reply.etag, reply.event_ids, toy.published()) == ("1", [], [])


@pytest.mark.parametrize("name", ["name", "amount"])
def test_null_does_not_remove_what_has_to_be_there(toy: Harness, name: str) -> None:
    """D3: null removes a member (RFC 7396), and without this one there is no thing (PAT-07)."""
    thing = toy.call("create_thing", body={"name": "lamp"})
    with pytest.raises(Invalid) as refused:
        toy.call("patch_thing", id=thing["id"], body={name: None}, if_match=1)
    assert refused.value.errors == [{"pointer": f"/{name}", "code": "required"}]


def test_if_match_names_one_of_several_versions(toy: Harness) -> None:
    """D3: a list of tags holds the present one or none of them (ETG-07, ETG-08)."""
    thing = toy.call("create_thing", body={"name": "lamp"})
    assert toy.call("patch_thing", id=thing["id"], body={"name": "rug"}, if_match="3,1")["version"] == 2
    for stale in ("3,1", "", 1):
        with pytest.raises(StaleVersion):
            toy.call("patch_thing", id=thing["id"], body={"name": "bed"}, if_match=stale)
    assert toy.reply("get_thing", id=thing["id"], if_none_match="1,2").status == 304
    assert toy.reply("get_thing", id=thing["id"], if_none_match="*").status == 304
    assert toy.reply("get_thing", id=thing["id"], if_none_match="1").status == 200


def test_unchanged_is_told_by_its_version(toy: Harness) -> None:
    thing = toy.call("create_thing", body={"name": "lamp"})
    assert toy.reply("get_thing", id=thing["id"], if_none_match="1").status == 304
    assert toy.reply("get_thing", id=thing["id"], if_none_match="2").status == 200


@pytest.mark.parametrize("id_", [new_id(), "seven", "", "\x00", "../things"])
def test_what_does_not_exist_is_not_found(toy: Harness, id_: object) -> None:
    with pytest.raises(NotFound):
        toy.call("get_thing", id=id_)


def test_a_unique_value_is_a_conflict(toy: Harness) -> None:
    toy.call("create_thing", body={"name": "lamp", "note": "a"})
    with pytest.raises(Duplicate):
        toy.call("create_thing", body={"name": "lamp", "note": "a"})


def test_a_refused_command_leaves_nothing(toy: Harness) -> None:
    thing = toy.call("create_thing", body={"name": "lamp"})
    toy.call("break_thing", id=thing["id"], key="k" * 16)
    toy.published()
    with pytest.raises(AlreadyBroken):
        toy.call("break_thing", id=thing["id"], key="l" * 16)
    assert toy.published() == []
    with toy.session() as session:
        kept = session.execute(text("SELECT count(*) FROM audit WHERE action = 'toy.break_thing'")).scalar()
        keys = session.execute(text("SELECT count(*) FROM idempotency WHERE key LIKE 'l%'")).scalar()
    assert (kept, keys) == (1, 0)


def test_every_command_leaves_an_audit_row(toy: Harness) -> None:
    thing = toy.call("create_thing", body={"name": "lamp"}, actor="ann")
    toy.call("patch_thing", id=thing["id"], body={"name": "rug"}, if_match=1, actor="bob")
    with toy.session() as session:
        rows = session.execute(text("SELECT actor, action, object_id::text, changes FROM audit ORDER BY at")).all()
    assert [tuple(row)[:3] for row in rows] == [
        ("ann", "toy.create_thing", thing["id"]), ("bob", "toy.patch_thing", thing["id"])
    ]  # fmt: skip
    assert rows[1].changes == {f"Thing/{thing['id']}": {"name": ["lamp", "rug"]}}


def test_queries_cannot_write(toy: Harness) -> None:
    from sqlalchemy.exc import DBAPIError

    from shared.api.handlers import Handler

    handler = toy.operations["get_thing"]
    thing = toy.call("create_thing", body={"name": "lamp"})

    def meddle(self: object, session: object, thing: object) -> object:
        session.execute(text("UPDATE thing SET name = 'mine'"))  # type: ignore[attr-defined]
        return thing

    toy.operations["get_thing"] = Handler("query", "get_thing", meddle, handler.operation, arguments=handler.arguments)
    with pytest.raises(DBAPIError):
        toy.call("get_thing", id=thing["id"])


def test_an_answer_is_not_larger_than_the_question(toy: Harness) -> None:
    """A flood of wrong members is refused with a hundred errors."""
    with pytest.raises(Invalid) as refused:
        toy.call("create_thing", body={f"k{n}": 1 for n in range(900)})
    assert len(refused.value.errors) == 100


def test_a_list_that_is_too_long_is_one_error() -> None:
    from shared.api.operations import load
    from shared.wire import fields

    class Basket(fields.Schema):
        items = fields.Many(fields.Text(), most=3)

    with pytest.raises(Invalid) as refused:
        load(Basket, {"items": [1] * 100_000})
    assert refused.value.errors == [{"pointer": "/items", "code": "too_long"}]
    assert load(Basket, {"items": ["a", "b", "c"]}) == {"items": ["a", "b", "c"]}

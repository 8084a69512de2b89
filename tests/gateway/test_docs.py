"""The documentation pages and the catalogue of errors, from the files and the declarations."""

import re
from pathlib import Path
from typing import Any

import pytest

from gateway import errors
from gateway.docs import openapi, pages, refusing
from shared import contracts
from shared.kernel import error_messages, refusals
from shared.wire import problems

FOLDER = Path(pages.__file__).parents[1] / "static"
SCRIPTS = sorted(path for path in FOLDER.glob("*.js"))
DOCUMENT = refusing.document()
BY_CODE: dict[str, dict[str, Any]] = {problem["code"]: problem for problem in DOCUMENT["problems"]}


def _declared(module: Any) -> list[type[refusals.Refusal]]:
    return [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, refusals.Refusal)]


@pytest.mark.parametrize(
    "cls", {*_declared(errors), *_declared(refusals)} - {refusals.Refusal}, ids=lambda c: c.__name__
)
def test_the_type_of_a_problem_leads_to_what_it_says(cls: type[refusals.Refusal]) -> None:
    told = problems.problem(cls(**{"state": "x", "allowed": []}).to_wire("en"), "en", "r-1", "/v1/orders")  # type: ignore[arg-type]
    page, _, anchor = told["type"].partition("#")
    assert pages.PAGES[page] == "errors.html" and BY_CODE[anchor]["type"] == told["type"]
    said = [case for case in BY_CODE[anchor]["cases"] if (case["en"], case["fr"]) == (cls.en, cls.fr)]
    assert [case["status"] for case in said] == [told["status"]] * len(said) and said


def test_codes_of_services_name_the_operations_that_may_say_them() -> None:
    (case,) = BY_CODE["already_shipped"]["cases"]
    assert (case["status"], case["service"], case["operations"]) == (409, "crm_sales", ["orders.cancel"])
    assert {case["service"] for case in BY_CODE["foreign_currency"]["cases"]} == {"crm_sales", "erp_finance"}
    (insufficient,) = BY_CODE["insufficient_stock"]["cases"]
    assert "deliveries.ship" in insufficient["operations"]
    assert "orders.place" in BY_CODE["invalid_transition"]["cases"][0]["operations"]


def test_verbs_may_declare_what_their_source_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """`Verb(refuses=…)`."""
    from shared.contracts.crm_contacts.activities import Activity
    from tests.contracts import refusals as catalogue

    contracts.operations()
    monkeypatch.setattr(Activity.complete, "refuses", ("in_use",))
    assert [(cls.code, verb.id) for cls, verb in catalogue._declared()] == [("in_use", "activities.complete")]
    monkeypatch.setattr(Activity.complete, "refuses", ("no_such_code",))
    with pytest.raises(KeyError):
        list(catalogue._declared())


def test_every_case_is_complete() -> None:
    known = set(openapi.operation_ids())
    for problem in DOCUMENT["problems"]:
        for case in problem["cases"]:
            assert case["en"] and case["fr"] and case["en"] != case["fr"], problem
            assert str(case["status"]) in DOCUMENT["titles"], problem
            assert set(case["operations"]) <= known, problem
            assert bool(case["operations"]) == (case["where"] == "operations"), problem
    assert {field["code"] for field in DOCUMENT["fields"]} == set(error_messages.sentences())


_EVERYWHERE = ("any", "unreadable")  # of every operation, and of what is refused before an operation is known


def test_every_answer_that_the_document_promises_has_its_codes() -> None:
    """A page that shows an operation finds at least one code for each of its statuses."""
    cases = [case for problem in DOCUMENT["problems"] for case in problem["cases"]]
    for item in openapi.document()["paths"].values():
        for described in item.values():
            for status in (status for status in described["responses"] if status >= "400"):
                mine = [c for c in cases if str(c["status"]) == status]
                told = [c for c in mine if c["where"] in _EVERYWHERE or described["operationId"] in c["operations"]]
                assert told, f"{described['operationId']} {status}"


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.html")), ids=lambda path: path.name)
def test_pages_hold_nothing_that_the_policy_forbids_and_nothing_from_elsewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]* src=)|<style|\son\w+=|\sstyle=|javascript:", text)
    for address in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert address.startswith("#") or address in {
            *pages.PAGES,
            "/openapi.json",
            "/asyncapi.json",
            "/docs/errors.json",
            "/v1/event-types",
        }


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_build_no_markup_from_text_and_speak_both_languages(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|https?://", text)
    english, french = re.findall(r"^  (?:en|fr): {(.*?)},?$\n?(?=  fr|};)", text, re.DOTALL | re.MULTILINE)
    words = [re.findall(r'(?:^|[,{]|\n)\s*(\w+): "', "{" + part) for part in (english, french)]
    assert words[0] == words[1] and words[0]

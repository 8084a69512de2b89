"""Lists as CSV, from a service that never comes to an end: at the client's pace, two at a time, until it goes."""

import json

import httpx

from shared.tables.writing import BOM
from tests.gateway.conftest import Process, until

ROW = {"id": "x", "number": "=1+1", "net_total": "-5.00", "lines": [{"description": "a;b", "quantity": "1"}] * 3}
ENDLESS = {"format": "csv", "q": json.dumps({"result": {"data": [ROW] * 5, "next_cursor": "more"}})}
ONE = {"format": "csv", "q": json.dumps({"result": {"data": [ROW], "next_cursor": None}})}


def test_one_page_is_a_table(admin: httpx.Client) -> None:
    answer = admin.get("/v1/orders", params=ONE, headers={"Accept-Language": "fr"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="orders.csv"'
    assert answer.text.startswith(BOM + "id;number;")
    assert ";'=1+1;" in answer.text and ";-5.00;" in answer.text and '"a;b"' in answer.text
    chosen = admin.get("/v1/orders", params={**ONE, "fields": "number,net_total"})
    assert chosen.text == BOM + "number,net_total\r\n'=1+1,-5.00\r\n"
    assert admin.head("/v1/orders", params=ONE).content == b""


def test_an_endless_list_stops_with_its_client_and_nobody_has_three(gateway: Process, admin: httpx.Client) -> None:
    first, second = (admin.stream("GET", "/v1/orders", params=ENDLESS) for _ in range(2))
    with first as one, second as two:
        taken = [answer.iter_bytes(1000) for answer in (one, two)]  # kept: what nobody holds is closed
        assert [sum(len(next(chunks)) for _ in range(5)) for chunks in taken] == [5000, 5000]
        refused = admin.get("/v1/orders", params=ONE)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        assert refused.headers["retry-after"]
    until(lambda: admin.get("/v1/orders", params=ONE).status_code == 200, 10)
    until(lambda: gateway.metric("rpc_client_pending ") == 0, 10)


def test_what_the_service_refuses_is_a_problem(admin: httpx.Client) -> None:
    refusal = {"family": "bad_request", "code": "unknown_filter", "detail": "no", "details": {}}
    answer = admin.get("/v1/orders", params={"format": "csv", "q": json.dumps({"refusal": refusal})})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_filter")

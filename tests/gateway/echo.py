"""A stand-in for a service on the other end of the wire: answers every call with what came, or as it is told.

Files and errors of jobs never come to an end.

It shares no code with the gateway or the services. Instructions come in the body under `behave`, or for queries as
JSON in `q`: {"headers": {…}} adds reply headers, {"result": …} answers with that, {"refusal": {…}} refuses,
{"fail": "text"} fails as a stock Nameko service does, {"silent": true} never answers, {"sleep": seconds} is slow,
{"as": "erp_finance"} answers from the broker account of that service, and "" without saying who answers.

`echo.py <administrator's address> [<service> …]`: it serves as the first one, else as `crm_sales` on the administrator's
account, and may answer as the others. The passwords of their accounts are `secret-<service>`.
"""

import json
import sys
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp

_ERROR = dict.fromkeys(("row", "column", "field", "level", "code", "message", "cell"), "x" * 100)
ENDLESS = {
    "read_job_result": {"name": "x.csv", "media_type": "text/csv", "content": "eCx4Cg==" * 1000, "last": False},
    "list_job_errors": {"data": [_ERROR] * 20, "next": 1},
}
"""What a path asks for takes no instructions."""


def main(uri: str, *accounts: str) -> None:
    administrator, service = _channel(uri), accounts[0] if accounts else "crm_sales"
    administrator.exchange_declare("nameko-rpc", "topic", durable=True, auto_delete=False)
    administrator.queue_declare(f"rpc-{service}", durable=True, auto_delete=False)
    administrator.queue_bind(f"rpc-{service}", "nameko-rpc", f"{service}.*")
    channels = {account: _channel(uri, account) for account in accounts} or {"": administrator}
    own = next(iter(channels.values()))
    own.basic_consume(f"rpc-{service}", callback=lambda message: _take(channels, message))
    print("ready", flush=True)
    while True:
        own.connection.drain_events()


def _channel(uri: str, account: str = "") -> Any:
    parts = urlsplit(uri)
    connection = amqp.Connection(
        host=f"{parts.hostname}:{parts.port}",
        userid=account or unquote(parts.username or ""),
        password=f"secret-{account}" if account else unquote(parts.password or ""),
        virtual_host=unquote(parts.path[1:]),
    )
    connection.connect()
    return connection.channel()


def _take(channels: dict[str, Any], message: Any) -> None:
    """Acknowledge when the call begins, as services do: what a dead process has not begun waits in the queue again."""
    message.channel.basic_ack(message.delivery_tag)
    _serve(channels, message)


def _serve(channels: dict[str, Any], message: Any) -> None:
    call = json.loads(message.body)
    behave = _instructions(call["kwargs"])
    if behave.get("silent"):
        return
    time.sleep(behave.get("sleep", 0))
    body, headers = _answer(message, call, behave)
    properties = {"correlation_id": message.properties["correlation_id"], "application_headers": headers}
    own = next(iter(channels))
    if user := behave.get("as", own):
        properties["user_id"] = user
    reply = amqp.Message(body, content_type="application/json", content_encoding="utf-8", **properties)
    channels[user or own].basic_publish(reply, exchange="nameko-rpc", routing_key=message.properties["reply_to"])


def _instructions(kwargs: dict[str, Any]) -> dict[str, Any]:
    body = kwargs.get("body")
    if isinstance(body, dict) and "behave" in body:
        return dict(body["behave"])
    q = kwargs.get("query", {}).get("q", "")
    return dict(json.loads(q)) if isinstance(q, str) and q.startswith("{") else {}


def _answer(message: Any, call: dict[str, Any], behave: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "fail" in behave:
        error = {"exc_type": "RuntimeError", "exc_path": "builtins.RuntimeError", "value": behave["fail"]}
        return json.dumps({"result": None, "error": {**error, "exc_args": [behave["fail"]]}}), {}
    if "refusal" in behave:
        error = {"exc_type": "Conflict", "exc_args": [], "value": "", "refusal": behave["refusal"]}
        return json.dumps({"result": None, "error": error}), {}
    seen = {
        "routing_key": message.delivery_info["routing_key"],
        "call": call,
        "headers": message.headers,
        "properties": {k: v for k, v in message.properties.items() if k != "application_headers"},
    }
    told = ENDLESS.get(message.delivery_info["routing_key"].partition(".")[2], seen)
    result = json.dumps(behave.get("result", told), ensure_ascii=False, default=str)
    return f'{{"error":null,"result":{result}}}', {"liaison.status": 200, **behave.get("headers", {})}


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A stand-in for `crm_sales` on the other end of the wire: answers every call with what came, or as it is told.

It shares no code with the gateway or the services. Instructions come in the body under `behave`, or for queries as
JSON in `q`: {"headers": {…}} adds reply headers, {"result": …} answers with that, {"refusal": {…}} refuses,
{"fail": "text"} fails as a stock Nameko service does, {"silent": true} never answers, {"sleep": seconds} is slow.
"""

import json
import sys
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import amqp

QUEUE = "rpc-crm_sales"


def main(uri: str) -> None:
    parts = urlsplit(uri)
    connection = amqp.Connection(
        host=f"{parts.hostname}:{parts.port}",
        userid=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        virtual_host=unquote(parts.path[1:]),
    )
    connection.connect()
    channel = connection.channel()
    channel.exchange_declare("nameko-rpc", "topic", durable=True, auto_delete=False)
    channel.queue_declare(QUEUE, durable=True, auto_delete=False)
    channel.queue_bind(QUEUE, "nameko-rpc", "crm_sales.*")
    channel.basic_consume(QUEUE, callback=lambda message: _serve(channel, message), no_ack=True)
    print("ready", flush=True)
    while True:
        connection.drain_events()


def _serve(channel: Any, message: Any) -> None:
    call = json.loads(message.body)
    behave = _instructions(call["kwargs"])
    if behave.get("silent"):
        return
    time.sleep(behave.get("sleep", 0))
    body, headers = _answer(message, call, behave)
    properties = {"correlation_id": message.properties["correlation_id"], "application_headers": headers}
    reply = amqp.Message(body, content_type="application/json", content_encoding="utf-8", **properties)
    channel.basic_publish(reply, exchange="nameko-rpc", routing_key=message.properties["reply_to"])


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
    result = json.dumps(behave.get("result", seen), ensure_ascii=False, default=str)
    return f'{{"error":null,"result":{result}}}', {"liaison.status": 200, **behave.get("headers", {})}


if __name__ == "__main__":
    main(sys.argv[1])

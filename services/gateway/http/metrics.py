"""Prometheus metrics of the gateway."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

request_seconds = Histogram(
    "http_server_request_duration_seconds", "Time to answer", ["method", "route", "status"], buckets=_SECONDS
)
call_seconds = Histogram(
    "rpc_client_seconds", "Time until a service answered", ["target", "method", "outcome"], buckets=_SECONDS
)
pending_calls = Gauge("rpc_client_pending", "Calls that wait for their answer")
broker_connected = Gauge("rpc_client_connected", "1 while the gateway can call services")
reconnects = Counter("rpc_client_reconnects", "Connections to the broker that were lost")
open_streams = Gauge("event_streams_open", "Clients that follow events")
ended_streams = Counter("event_streams_ended", "Streams that ended, by reason", ["reason"])
streamed_events = Counter("event_stream_events", "Events sent to all streams together")
sign_ins = Counter("sign_ins", "Sign-ins, by result", ["result"])
